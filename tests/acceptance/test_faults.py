"""Every fault a vendor's emulator knows, over every stream of every vendor: the truth is served, and nothing is lost.

`make chaos` runs it whole: FAULTS=whole gives each fault to each list of each vendor, in a run that reads all, in one
that reads what changed and in one that reads all again, and mixes all with more luck. Otherwise the faults take turns.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.faulting import (
    CLOSING,
    HASTY,
    HASTY_AND_SOON_TIRED,
    LATE,
    LEAVING_OUT,
    MOVING,
    PASSING,
    PERSISTENT,
    RETYPING,
    SOON_TIRED,
    UNDATED,
    VENDORS,
    Scene,
    strike,
)
from testbed.thoroughness import IS_WHOLE
from unihire.errors import RetryLater
from unihire.kit.seal import Sealer
from unihire.sandbox.faults import ANYTHING, FAULTS
from unihire.sandbox.spoiling import SPOILERS

WORDS = [*PASSING]
TURNS = {word: [word] for word in WORDS} if IS_WHOLE else {"in turn": [word for word in WORDS if word != "429"]}
SEEDS = range(8) if IS_WHOLE else range(1)
SHARE = 0.2
SPOILED = {ANYTHING, "odd-retry-after", *SPOILERS} - {*PASSING, RETYPING}


@pytest_asyncio.fixture(params=VENDORS)
async def scene(request: pytest.FixtureRequest, databases: Databases, sealer: Sealer) -> AsyncIterator[Scene]:
    """A vendor whose connector was never synced."""
    async with VENDORS[request.param](databases, sealer) as scene:
        yield scene


def test_every_fault_is_tried() -> None:
    # What spoilers do is not over by itself: test_spoiling_vendor.py.
    assert {*PASSING, *CLOSING, *MOVING, LEAVING_OUT, RETYPING} == FAULTS.keys() - SPOILED


@pytest.mark.parametrize("turn", TURNS)
async def test_fault_that_passes_leaves_no_trace(scene: Scene, turn: str) -> None:
    words, paths = TURNS[turn], list(scene.lists.values())

    async def run(shift: int, *, full: bool) -> int:
        """One run with the faults, each list's another than last time; returns how many records it wrote."""
        await scene.let(strike([*words[shift:], *words[:shift]], paths))
        report = await scene.link.sync(full=full, retry=HASTY)
        assert (report.status, report.errors) == ("done", {})
        await scene.count_fired()
        return sum(part.added + part.changed + part.deleted for part in report.streams)

    await run(0, full=True)
    await scene.check()
    await scene.change(scene.lists)
    assert await run(5 % len(words), full=False)
    await scene.check(*UNDATED)
    await run(11 % len(words), full=True)
    await scene.check()
    assert await run(2 % len(words), full=True) == 0
    assert await scene.list_buried() == set()
    assert await scene.find_issues() == {}


@pytest.mark.parametrize("word", CLOSING)
async def test_list_that_is_refused_for_once_is_told_and_read_by_the_next_run(scene: Scene, word: str) -> None:
    for is_full in (True, False, True):
        for some in (slice(0, None, 2), slice(1, None, 2)):
            struck = dict(list(scene.lists.items())[some])
            await scene.let([{"word": word, "path": path, "next": 1} for path in struck.values()])
            report = await scene.link.sync(full=is_full, retry=PERSISTENT)
            assert await scene.count_fired() == {word: len(struck)}
            assert (report.status, report.errors.keys()) == ("partial", struck.keys())
            assert await scene.find_issues() == dict.fromkeys(struck, CLOSING[word])
        assert (await scene.link.sync(retry=PERSISTENT)).status == "done"
        assert await scene.find_issues() == {}
        await scene.check(*UNDATED)
        assert await scene.list_buried() == set()
        await scene.change(scene.lists)


async def test_all_faults_mixed_end_in_the_truth(scene: Scene) -> None:
    words = [*PASSING, *CLOSING]
    each = SHARE / len(words)
    for seed in SEEDS:
        for is_full in (True, False, True)[: None if IS_WHOLE else 2]:
            lucky = words[seed:] + words[:seed]  # each rule has luck of its own
            await scene.let([{"word": word, **_late(word), "probability": each, "path": "/v*"} for word in lucky])
            await scene.work_until_done(full=is_full, retry=HASTY_AND_SOON_TIRED)
            fired = await scene.count_fired()
            assert fired, "the mix never struck"
            await scene.check(*UNDATED)
            assert await scene.list_buried() == set()
            assert await scene.find_issues() == {}
            await scene.change(scene.lists)


def _late(word: str) -> dict[str, float]:
    return LATE if word in ("slow", "hang") else {}


async def test_rows_that_change_while_they_are_read_are_served_as_they_ended(scene: Scene) -> None:
    await scene.let([{"word": "update-row", "path": path, "next": 2} for path in scene.lists.values()])
    assert (await scene.link.sync(retry=PERSISTENT)).status == "done"
    assert (await scene.count_fired())["update-row"] > len(scene.lists)
    await scene.check(*UNDATED)


async def test_rows_that_move_or_go_under_all_other_faults_take_none_with_them(scene: Scene) -> None:
    await scene.work_until_done(full=True)
    words = ["500", "cut-body", "invalid-json", "expired-token", "error-body", *MOVING, LEAVING_OUT]
    for _ in SEEDS:
        await scene.let([{"word": word, "probability": SHARE / len(words), "path": "/v*"} for word in words])
        await scene.work_until_done(full=True)
        assert await scene.count_fired()
        await scene.link.look()
        there = {record["id"] for records in scene.link.expected.values() for record in records.values()}
        assert not await scene.list_buried() & there
        await scene.link.wait_an_hour()
        await scene.work_until_done(full=True)
        await scene.check()


async def test_row_that_a_list_leaves_out_is_not_taken_for_deleted(scene: Scene) -> None:
    await scene.work_until_done(full=True)
    confirmed = [stream for stream in scene.link.tenant.integration.streams if stream.by_id and not stream.is_optional]
    await scene.let([{"word": LEAVING_OUT, "path": stream.path, "next": 1} for stream in confirmed])
    assert (await scene.link.sync(full=True, retry=PERSISTENT)).status == "done"
    assert (await scene.count_fired())[LEAVING_OUT] == len({stream.path for stream in confirmed})
    assert await scene.list_buried() == set()
    await scene.check()


async def test_ids_that_change_their_type_make_the_same_records(scene: Scene) -> None:
    await scene.let([{"word": RETYPING}])
    assert (await scene.link.sync(full=True, retry=PERSISTENT)).status == "done"
    assert (await scene.count_fired())[RETYPING] >= len(scene.lists)
    await scene.check("raw_data", "custom_fields", "options")  # these show the vendor's own
    await scene.work_until_done(full=True)
    await scene.check()
    assert await scene.list_buried() == set()


async def test_list_that_does_not_answer_keeps_only_those_waiting_that_show_it(scene: Scene) -> None:
    integration = scene.link.tenant.integration
    joined = {join.stream for stream in integration.streams for join in stream.joins}
    order = sorted(joined) if IS_WHOLE else sorted(joined)[:1]
    for name in order:
        waiting = {name}
        for stream in integration.streams:
            if waiting & {join.stream for join in stream.joins}:
                waiting.add(stream.name)
        await scene.change(scene.lists)
        await scene.let([{"word": "500", "path": scene.lists[name]}])
        with pytest.raises(RetryLater):
            await scene.link.sync(full=name == order[0], retry=SOON_TIRED)
        ended = await scene.link.tenant.pool.fetch(
            "SELECT stream FROM stream_run JOIN sync_run ON id = run WHERE status = 'running' AND phase = 'done'"
        )
        assert {row["stream"] for row in ended} >= scene.lists.keys() - waiting
        await scene.let([])
        assert await scene.work_until_done() == 1
        await scene.check(*UNDATED)
