"""Lever rows to unified records: pure functions, by what the records are of."""
