"""Writes through the unified API: checked, done once, answered with the record."""
