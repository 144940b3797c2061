"""The schema of a later Pulse: its own migrations after the real ones."""
