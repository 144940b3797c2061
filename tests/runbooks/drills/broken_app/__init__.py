"""Breaks in each process what the word in PULSE_BROKEN names."""
