"""Harvest v1 as workflows know it, over v3: what it took, what it showed, its operations."""
