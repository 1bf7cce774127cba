"""Personio Recruiting, API v2.

connector.py             facts: address, auth, streams, what it cannot give
mapping.py               rows to records, pure
writes.py                what can be written, and why the rest cannot
applying.py              candidates and applications written over v1
refusals.py              how v1 says no
emulator/                the vendor's API, from its documents
  app.py                 its paths and answers
  auth.py                its token rules
  changes.py             what a changed or created row looks like
  documented.py          the examples its documents show
  documented_v1.py       v1's codes, words and limits
  files.py               uploaded files, and the documents made of them
  limits.py              its rate limits
  persons.py             its staff
  query.py               its parameters and cursors
  rows.py                its rows
  submission.py          the body of an application submitted over v1
  times.py               its timestamps
  v1_answers.py          v1's errors
  v1_api.py              v1's two paths that write
"""
