"""Personio Recruiting, API v2.

connector.py             facts: address, auth, streams, what it cannot give
mapping.py               rows to records, pure
emulator/                the vendor's API, from its documents
  app.py                 its paths and answers
  auth.py                its token rules
  changes.py             what a changed or created row looks like
  documented.py          the examples its documents show
  limits.py              its rate limits
  persons.py             its staff
  query.py               its parameters and cursors
  rows.py                its rows
  times.py               its timestamps
"""
