"""Messages, and the steps of a lane."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent in one request. `id` is the same for each attempt; `event` is the form's name of it."""

    id: str
    event: str
    body: bytes


@dataclass(frozen=True, slots=True)
class LaneStep:
    """What is done next on a lane: a message is sent, if there is one, and the lane moved to the place after it."""

    position: int
    notice: int
    message: Message | None = None
