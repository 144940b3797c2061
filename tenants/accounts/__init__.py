"""People's own accounts: signing in, passwords, e-mail addresses, second factors. By django-allauth."""
