"""Unihire: one API for every applicant tracking system, on your own machines."""

__version__ = "0.1.0"
"""The one place that says it; the package is built with it."""
