"""Every fault a vendor's emulator knows, over every stream of every vendor: the truth is served, and nothing is lost.

`make chaos` runs it whole: THOROUGH=1 gives each fault to each list of each vendor, in a run that reads all, in one
that reads what changed and in one that reads all again, and mixes all with more luck. Otherwise the faults take turns,
and so do the vendors: those that pass are given to all, each other test is of two or three.
"""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.effort import IS_THOROUGH, pick, take_turns
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
    VENDORS,
    Scene,
    strike,
)
from unihire.errors import RetryLater
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.outbound.auth import ApiKey
from unihire.sandbox.faults import ANYTHING, FAULTS
from unihire.sandbox.spoiling import SPOILERS

WORDS = [*PASSING]
TURNS = {word: [word] for word in WORDS} if IS_THOROUGH else {"in turn": [word for word in WORDS if word != "429"]}
CLOSING_TURNS = {word: [word] for word in CLOSING} if IS_THOROUGH else {"in turn": [*CLOSING]}
REFUSED_RUNS = (True, False, True)[: None if IS_THOROUGH else 2]
SEEDS = range(8) if IS_THOROUGH else range(1)
NUMBERED = ("greenhouse", "personio")
"""Vendors whose ids are numbers, or text of digits."""
WITH_KEYS = tuple(slug for slug in VENDORS if isinstance(get_integration(slug).auth, ApiKey))
PASSING_BY = [(slug, turn) for slug in VENDORS for turn in TURNS if not (slug in WITH_KEYS and TURNS[turn] == ["401"])]
"""With a key that is refused a run does not go on: `test_key_that_is_refused_for_once_defers_the_run`."""
SPOILED = {ANYTHING, "odd-retry-after", *SPOILERS} - {*PASSING, RETYPING}


def of_vendors(most: int, turn: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scene", take_turns([*VENDORS], most, turn), indirect=True)


@pytest_asyncio.fixture
async def scene(request: pytest.FixtureRequest, databases: Databases, sealer: Sealer) -> AsyncIterator[Scene]:
    """A vendor whose connector was never synced."""
    async with VENDORS[request.param](databases, sealer) as scene:
        yield scene


def test_every_fault_is_tried() -> None:
    # What spoilers do is not over by itself: test_spoiling_vendor.py.
    assert {*PASSING, *CLOSING, *MOVING, LEAVING_OUT, RETYPING} == FAULTS.keys() - SPOILED


@pytest.mark.parametrize(("scene", "turn"), PASSING_BY, indirect=["scene"])
async def test_fault_that_passes_leaves_no_trace(scene: Scene, turn: str) -> None:
    words = [word for word in TURNS[turn] if not (word == "401" and scene.has_key)]
    paths = list(scene.lists.values())

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
    await scene.check(*scene.undated)
    await run(11 % len(words), full=True)
    await scene.check()
    assert await run(2 % len(words), full=True) == 0
    assert await scene.list_buried() == set()
    assert await scene.find_issues() == {}


@pytest.mark.parametrize("scene", pick(WITH_KEYS, 2), indirect=True)
async def test_key_that_is_refused_for_once_defers_the_run(scene: Scene) -> None:
    for full in (True, False):
        for path in pick(list(scene.lists.values()), 2):
            await scene.let([{"word": "401", "path": path, "next": 1}])
            with pytest.raises(RetryLater):
                await scene.link.sync(full=full, retry=PERSISTENT)
            assert await scene.count_fired() == {"401": 1}
            assert await scene.work_until_done(full=full) == 1
        await scene.check()
        assert await scene.find_issues() == {}


@of_vendors(3, 0)
@pytest.mark.parametrize("turn", CLOSING_TURNS)
async def test_list_that_is_refused_for_once_is_told_and_read_by_the_next_run(scene: Scene, turn: str) -> None:
    words: list[str | None] = [*CLOSING_TURNS[turn], None]  # none of these strikes the last part of the lists
    for is_full in REFUSED_RUNS:
        for shift in range(len(words)):
            turns = {name: words[(place + shift) % len(words)] for place, name in enumerate(scene.lists)}
            struck = {name: word for name, word in turns.items() if word is not None}
            await scene.let([{"word": word, "path": scene.lists[name], "next": 1} for name, word in struck.items()])
            report = await scene.link.sync(full=is_full, retry=PERSISTENT)
            assert await scene.count_fired() == Counter(struck.values())
            assert (report.status, report.errors.keys()) == ("partial", struck.keys())
            assert await scene.find_issues() == {name: CLOSING[word] for name, word in struck.items()}
        assert (await scene.link.sync(retry=PERSISTENT)).status == "done"
        assert await scene.find_issues() == {}
        await scene.check(*scene.undated)
        assert await scene.list_buried() == set()
        await scene.change(scene.lists)


@of_vendors(3, 1)
async def test_all_faults_mixed_end_in_the_truth(scene: Scene) -> None:
    words = [*PASSING, *CLOSING]
    each = scene.share / len(words)
    for seed in SEEDS:
        for is_full in (True, False, True)[: None if IS_THOROUGH else 2]:
            lucky = words[seed:] + words[:seed]  # each rule has luck of its own
            await scene.let([{"word": word, **_late(word), "probability": each, "path": scene.calls} for word in lucky])
            await scene.work_until_done(full=is_full, retry=HASTY_AND_SOON_TIRED)
            fired = await scene.count_fired()
            assert fired, "the mix never struck"
            await scene.check(*scene.undated)
            assert await scene.list_buried() == set()
            assert await scene.find_issues() == {}
            await scene.change(scene.lists)


def _late(word: str) -> dict[str, float]:
    return LATE if word in ("slow", "hang") else {}


@of_vendors(2, 1)
async def test_rows_that_change_while_they_are_read_are_served_as_they_ended(scene: Scene) -> None:
    await scene.let([{"word": "update-row", "path": path, "next": 2} for path in scene.lists.values()])
    assert (await scene.link.sync(retry=PERSISTENT)).status == "done"
    assert (await scene.count_fired())["update-row"] > len(scene.lists)
    await scene.check(*scene.undated)


@of_vendors(2, 2)
async def test_rows_that_move_or_go_under_all_other_faults_take_none_with_them(scene: Scene) -> None:
    await scene.work_until_done(full=True)
    words = ["500", "cut-body", "invalid-json", "expired-token", "error-body", *MOVING]
    for _ in SEEDS:
        rules = [(word, scene.calls) for word in words] + [(LEAVING_OUT, path) for path in scene.confirmed]
        await scene.let([{"word": word, "probability": scene.share / 8, "path": path} for word, path in rules])
        await scene.work_until_done(full=True)
        assert await scene.count_fired()
        await scene.link.look()
        there = {record["id"] for records in scene.link.expected.values() for record in records.values()}
        assert not await scene.list_buried() & there
        await scene.link.wait_an_hour()
        await scene.work_until_done(full=True)
        await scene.check()


@of_vendors(2, 0)
async def test_row_that_a_list_leaves_out_is_not_taken_for_deleted(scene: Scene) -> None:
    await scene.work_until_done(full=True)
    await scene.let([{"word": LEAVING_OUT, "path": path, "next": 1} for path in scene.confirmed])
    assert (await scene.link.sync(full=True, retry=PERSISTENT)).status == "done"
    assert (await scene.count_fired())[LEAVING_OUT] == len(scene.confirmed)
    assert await scene.list_buried() == set()
    await scene.check()


@pytest.mark.parametrize("scene", NUMBERED, indirect=True)
async def test_ids_that_change_their_type_make_the_same_records(scene: Scene) -> None:
    await scene.let([{"word": RETYPING}])
    assert (await scene.link.sync(full=True, retry=PERSISTENT)).status == "done"
    assert (await scene.count_fired())[RETYPING] >= len(scene.lists)
    await scene.check("raw_data", "custom_fields", "options")  # these show the vendor's own
    await scene.work_until_done(full=True)
    await scene.check()
    assert await scene.list_buried() == set()


@of_vendors(2, 1)
async def test_list_that_does_not_answer_keeps_only_those_waiting_that_show_it(scene: Scene) -> None:
    integration = scene.link.tenant.integration
    joined = {join.stream for stream in integration.streams for join in stream.joins}
    order = sorted(joined) if IS_THOROUGH else sorted(joined)[:1]
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
        await scene.check(*scene.undated)
