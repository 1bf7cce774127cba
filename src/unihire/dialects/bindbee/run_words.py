"""The contract's words for runs."""

from collections.abc import Mapping

SYNC_WORDS: Mapping[str, str] = {
    "queued": "Syncing",
    "running": "Syncing",
    "done": "Done",
    "partial": "Done",
    "failed": "Failed",
}
"""The contract's word for how a run stands; a cancelled run is passed over for the one before it."""
