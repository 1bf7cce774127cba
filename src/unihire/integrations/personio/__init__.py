"""Personio Recruiting, API v2."""
