"""Tray's connectors API: which operations there are, and calling them."""
