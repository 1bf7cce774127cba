"""Endpoints that are not answered, and why: they are 404 like an unknown path."""

_NO_MODEL = "none of our models has anything of it"
_PUBLIC = "the public job board: API v1 has the same postings, and takes applications with their answers"
UNANSWERED = {
    "GET /audit_events": f"{_NO_MODEL}; an add-on product",
    "GET /surveys/diversity/{}": f"{_NO_MODEL}; what its questions look like is not documented",
    "GET /v0/postings/{}": _PUBLIC,
    "GET /v0/postings/{}/{}": _PUBLIC,
    "POST /v0/postings/{}/{}": _PUBLIC,
    "GET /postings/{}/users": "not documented; of the users that it lists no member is known",
}
"""Method and path of the contract → the reason."""
