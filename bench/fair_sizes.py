"""Who takes part in the bench of many connectors."""

WORKERS = 2
SLOTS = 4
"""Of each worker: together as many as there are big connectors, so that these could keep everybody out."""

SMALL = 100
"""Candidates of a small connector."""

CHANGED_SHARE = 0.01
"""Of each vendor's candidates, what is edited before the small ones are synced again."""

UNLIMITED = {"personio": {"token_requests": "0"}, "greenhouse": {"rate_limit": "0", "token_rate_limit": "0"}}
"""Options of emulators. Many connectors share one, so its budget must not be what they wait for."""
