"""Unihire: one API for every applicant tracking system, on your own machines."""

from importlib.metadata import version

__version__ = version("unihire")
