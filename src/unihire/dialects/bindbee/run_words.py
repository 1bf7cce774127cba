"""The contract's words for runs."""

from collections.abc import Mapping

SYNC_WORDS: Mapping[str, str] = {
    "queued": "Syncing",
    "running": "Syncing",
    "done": "Done",
    "partial": "Done",
    "failed": "Failed",
}
"""The contract's name for a run's status; a cancelled run is skipped for the one before it."""
