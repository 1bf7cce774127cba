"""What a form of messages defines: names of events, bodies, signatures."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from unihire.events.deliveries.lane_look import LaneLook
from unihire.events.deliveries.messages import LaneStep, Message
from unihire.store.events.endpoints import Endpoint


class DeliveryForm(Protocol):
    """A form of messages."""

    @property
    def name(self) -> str:
        """As an endpoint's `format` names it."""

    @property
    def events(self) -> tuple[str, ...]:
        """The names of its events."""

    @property
    def has_records(self) -> bool:
        """Whether its messages have a place for the records themselves."""

    @property
    def secret_pattern(self) -> str:
        """A regular expression that secrets must match."""

    def draw_secret(self) -> str:
        """A new secret."""

    def check_secret(self, secret: str) -> None:
        """Raises ValueError, without the secret, for one that cannot sign in this form."""

    def sign(self, message: Message, secrets: Sequence[str], at: datetime) -> Mapping[str, str]:
        """The headers that sign a message sent at a moment; `secrets` are the valid ones, the newest first."""

    def plan(self, look: LaneLook) -> AsyncGenerator[LaneStep, None]:
        """The next steps on a lane, until nothing more is to be sent now.

        A message that is planned again from the same place has the same id and the same events. Each step is done
        before the next is requested.
        """

    def write_test(self, endpoint: Endpoint) -> Message:
        """A message without an event, to try an endpoint with."""


DeliveryForms = Mapping[str, DeliveryForm]
"""By their names."""
