"""What a piece of work asks of a vendor: calls made and seconds waited, whoever's client they go through."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    calls: int = 0
    waited: float = 0.0


TALLY: ContextVar[Tally | None] = ContextVar("tally", default=None)
"""Where the task at hand is counted, with those it starts."""
