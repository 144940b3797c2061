"""Single sign-on: an organization's people come in by its own identity provider, by OpenID Connect."""
