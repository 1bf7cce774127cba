"""Whose it is: organisations, keys and connectors, and what connectors hold of their vendors."""
