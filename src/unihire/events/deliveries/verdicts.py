"""What the response to a message means, and when the message is sent again.

The schedule is that of Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks, "Deliverability and
reliability"): at once, then after 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h, 75 hours in all.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from unihire.events.deliveries.message_sender import SendOutcome

PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
"""Before the second attempt and each later one."""

GIVEN_UP_AFTER = timedelta(hours=75)
"""An endpoint that accepted no message for this long is switched off."""

REFUSED_AFTER = timedelta(minutes=35)
"""A message that is refused for this long is passed over."""

SUSPECT_AFTER = 5
"""After this many failures in a row an endpoint is sent one message at a time, by the same schedule."""

LEAST_WAIT = timedelta(seconds=1)

JITTER = 0.1
"""Share of a pause that is added at most, so that messages that failed together are not sent again together."""


class MessageVerdict(StrEnum):
    """What is done with a message."""

    DELIVERED = "delivered"
    LATER = "later"
    PASSED_OVER = "passed_over"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is done with a message, and with its endpoint.

    `wait` is the time until it is sent again; `counts`: this was an attempt of the schedule. `is_down`: the endpoint
    may be down. `pause`: for how long the endpoint asked not to be sent anything.
    """

    verdict: MessageVerdict
    reason: str = ""
    wait: timedelta = timedelta()
    counts: bool = True
    is_down: bool = False
    pause: timedelta | None = None


def pause_before(tries: int) -> timedelta:
    """The pause after this many failed attempts, without jitter; the last pause repeats."""
    return PAUSES[min(max(tries, 1), len(PAUSES)) - 1]


SLACK = timedelta(minutes=1)
"""A failure is stored a little after the attempt."""


def judge(outcome: SendOutcome, *, tries: int, failing_for: timedelta, down_for: timedelta) -> Judgement:
    """What an outcome means for a message with `tries` earlier attempts, which has failed for `failing_for`.

    `down_for` is how long the endpoint has accepted no message.
    """
    status = outcome.status
    if outcome.is_success:
        return Judgement(MessageVerdict.DELIVERED)
    reason = explain(outcome)
    if status == 410:
        return Judgement(MessageVerdict.OFF, reason)
    wait = _add_jitter(pause_before(tries + 1))
    asked = None if outcome.retry_after is None else max(LEAST_WAIT, timedelta(seconds=outcome.retry_after))
    if status is not None and 400 <= status < 500 and status not in (408, 425, 429):
        if failing_for >= REFUSED_AFTER:
            return Judgement(MessageVerdict.PASSED_OVER, reason)
        return Judgement(MessageVerdict.LATER, reason, wait)
    if down_for >= GIVEN_UP_AFTER - SLACK and max(failing_for, down_for) >= GIVEN_UP_AFTER:
        return Judgement(MessageVerdict.OFF, reason, is_down=True)
    if failing_for >= GIVEN_UP_AFTER:  # it takes others
        return Judgement(MessageVerdict.PASSED_OVER, reason, is_down=True)
    if status == 429:
        return Judgement(MessageVerdict.LATER, reason, asked or wait, counts=asked is None, pause=asked)
    return Judgement(MessageVerdict.LATER, reason, asked or wait, counts=asked is None, is_down=True, pause=asked)


def explain(outcome: SendOutcome) -> str:
    """Why a message was not delivered."""
    if outcome.status is None:
        return outcome.error or "no response came"
    if 300 <= outcome.status < 400:
        return f"it answered {outcome.status}: redirects are not followed"
    return f"it answered {outcome.status}"


def _add_jitter(pause: timedelta) -> timedelta:
    return pause * (1 + random.uniform(0, JITTER))  # noqa: S311
