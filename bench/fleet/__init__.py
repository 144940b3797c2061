"""What ten thousand tenants cost: in rotation, at random for a minute, and to migrate; on one ground."""

TENANTS = 10_000
