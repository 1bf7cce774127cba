"""Whose it is: organisations, keys and connectors, and what vendors gave connectors."""
