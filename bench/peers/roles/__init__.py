"""The app of each schema: the tables that a tenant's database has in Pulse, by the same migration."""
