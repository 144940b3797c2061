"""Drills: rehearsals on the running system, each of which can be undone and is journalled as it goes."""
