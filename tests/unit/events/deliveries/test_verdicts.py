"""What the response to a message means: sent again when, passed over, switched off."""

from datetime import timedelta

import pytest

from unihire.events.deliveries.message_sender import SendOutcome
from unihire.events.deliveries.verdicts import (
    GIVEN_UP_AFTER,
    JITTER,
    PAUSES,
    REFUSED_AFTER,
    Judgement,
    MessageVerdict,
    judge,
    pause_before,
)


def ask(
    status: int | None,
    *,
    tries: int = 0,
    failing_for: timedelta = timedelta(),
    down_for: timedelta = timedelta(),
    retry_after: float | None = None,
) -> Judgement:
    outcome = SendOutcome(status, None if status else "no response came", 0.1, retry_after=retry_after)
    return judge(outcome, tries=tries, failing_for=failing_for, down_for=down_for)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_takes_the_message(status: int) -> None:
    assert ask(status, failing_for=GIVEN_UP_AFTER).verdict is MessageVerdict.DELIVERED


@pytest.mark.parametrize("status", [None, 302, 408, 425, 500, 503])
def test_endpoint_that_may_be_down_is_asked_again_by_the_schedule(status: int | None) -> None:
    for tries, pause in enumerate(PAUSES):
        judgement = ask(status, tries=tries)
        assert (judgement.verdict, judgement.is_down, judgement.counts) == (MessageVerdict.LATER, True, True)
        assert pause <= judgement.wait <= pause * (1 + JITTER)


def test_last_pause_repeats() -> None:
    assert pause_before(1) == PAUSES[0]
    assert pause_before(99) == PAUSES[-1]


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_message_that_is_refused_is_passed_over_after_a_while_and_says_nothing_of_the_endpoint(status: int) -> None:
    now, later = ask(status), ask(status, failing_for=REFUSED_AFTER)
    assert (now.verdict, now.is_down) == (MessageVerdict.LATER, False)
    assert (later.verdict, later.is_down, later.reason) == (
        MessageVerdict.PASSED_OVER,
        False,
        f"it answered {status}",
    )


def test_gone_is_for_good() -> None:
    assert ask(410).verdict is MessageVerdict.OFF


@pytest.mark.parametrize("status", [429, 503])
def test_wait_that_is_asked_for_is_no_attempt_of_the_schedule_and_holds_the_endpoint(status: int) -> None:
    judgement = ask(status, retry_after=120)
    assert (judgement.wait, judgement.pause, judgement.counts) == (timedelta(minutes=2),) * 2 + (False,)
    assert ask(status, retry_after=0).wait == timedelta(seconds=1)


def test_endpoint_that_takes_nothing_is_switched_off_and_one_that_takes_others_passed_over() -> None:
    assert ask(500, failing_for=GIVEN_UP_AFTER, down_for=GIVEN_UP_AFTER).verdict is MessageVerdict.OFF
    assert ask(500, failing_for=GIVEN_UP_AFTER).verdict is MessageVerdict.PASSED_OVER
    assert ask(500, down_for=timedelta(hours=74)).verdict is MessageVerdict.LATER
