"""Single sign-on of an organization: its proven domains."""
