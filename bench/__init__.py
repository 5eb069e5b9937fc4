"""Measurements. What they assert is a ratio or a count, never a time on this machine."""
