"""Workable rows to unified records. One row is a candidate and an application: a second job is a second row."""
