"""A migration that is not SQL, after the real ones."""
