"""Every statement of ours that reads or writes what carries the connector, with what a connector would ask by it.

The statements are found among the constants of the program. One without a case here fails a test: so a new one is
looked at for a connector that the planner's statistics do not know before somebody's second customer does.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import unihire
from testbed.asking import ASKED, HOUR, LAST, NOTES, NOW, PEOPLE, Asker, Case
from testbed.crowd import BIG
from testbed.planned_hooks import list_hooks, list_hooks_of_all
from testbed.planned_lanes import list_lanes, list_lanes_of_all
from testbed.planned_writes import list_unified, list_unified_of_all
from unihire.store import (
    counting,
    gauges,
    issues,
    joins,
    list_queries,
    ranges,
    reading,
    related,
    remapping,
    retention,
    rows,
    streams,
)
from unihire.store.accounts import budgets, grants, linked, sealed, tenancy, tokens
from unihire.store.bodies import BODY, Content
from unihire.store.calls import operations, writes
from unihire.store.events import eras, log, order
from unihire.store.feed import erasing, gate, hashes, position, recency, refiling, refreshing, replacing, saving
from unihire.store.volatile import PARTS_COLUMN
from unihire.store.work import fast_schedules, history, jobs, runs, schedules, sync_tokens
from unihire.sync import details


def find_statements(tables: list[str]) -> dict[str, str]:
    """The statements that name one of these tables, by `module.NAME`; a constant that holds several has a number."""
    pattern = re.compile(rf"\b(?:FROM|JOIN|INTO|UPDATE|USING|ANALYZE|TABLE)\s+(?:{'|'.join(tables)})\b")
    found: dict[str, str] = {}
    names = [module.name for module in pkgutil.walk_packages(unihire.__path__, "unihire.")]
    for name in sorted(names, key=lambda name: (not name.startswith("unihire.store."), name)):
        if name.endswith("__main__"):
            continue
        for constant, value in vars(importlib.import_module(name)).items():
            texts = value if isinstance(value, tuple) else (value,)
            for number, text in enumerate(texts):
                if constant.strip("_").isupper() and isinstance(text, str) and pattern.search(text):
                    place = f"{name.rpartition('.')[2]}.{constant}" + (f"[{number}]" if len(texts) > 1 else "")
                    if text not in found.values():
                        found[place] = text
    return found


def is_used(statement: str, cases: list[Case]) -> bool:
    """Whether one of the cases asks by a statement, or by one that it is a piece of."""
    pieces = re.split(r"\{\w+\}", statement)
    pattern = re.compile(".*?".join(re.escape(piece.strip()) for piece in pieces), re.DOTALL)
    return any(pattern.search(case.query) for case in cases)


def list_cases(asker: Asker) -> list[Case]:
    """All of them."""
    return [
        *_list_saving(asker), *_list_joins(asker), *_list_rows(asker), *_list_reading(asker), *_list_streams(asker),
        *_list_counting(asker), *_list_remapping(asker), *_list_runs(asker), *_list_operations(asker),
        *_list_others(asker), *_list_of_all(asker), *_list_ranges(asker), *_list_events(asker), *list_hooks(asker),
        *list_lanes(asker), *list_unified(asker),
    ]  # fmt: skip


def _list_saving(of: Asker) -> Iterator[Case]:
    c, people = of.number, of.name("people")
    fifty = partial(Case, looks=ASKED)
    places = list(range(1, ASKED + 1))
    yield Case("gate.LOCK_FEED", gate.LOCK_FEED, (c,))
    yield Case("gate.OPEN_FEED", gate.OPEN_FEED, (c,), looks=2)
    yield Case("position.GET_LAST_SEQ", position.GET_LAST_SEQ, (c,))
    yield Case("position.MOVE_FEED", position.MOVE_FEED, (c, LAST), written=1)
    numbers = [1] * ASKED
    yield fifty("hashes.FIND_RECORDS_CHANGED", hashes.FIND_RECORDS_CHANGED, (c, of.ids, numbers))
    changed = (c, of.name("tags"), of.row_ids, numbers)
    yield fifty("hashes.FIND_JOINED_CHANGED", hashes.FIND_JOINED_CHANGED, changed, looks=2 * ASKED)
    yield fifty("hashes.FIND_QUARANTINED", hashes.FIND_QUARANTINED, (c, people, of.row_ids))
    yield fifty("hashes.FIND_OLD_TEXTS", hashes.FIND_OLD_TEXTS, (c, of.ids))
    yield fifty("hashes.NOTE_HASHES", hashes.NOTE_HASHES, (c, of.ids, numbers), written=ASKED)
    yield Case("position.FIND_POSITION", position.FIND_POSITION, (c,), looks=2)
    yield Case("position.RESERVE_POSITIONS", position.RESERVE_POSITIONS, (c, LAST), looks=2, written=2)
    yield Case("recency.FIND_ROWS_READ", recency.FIND_ROWS_READ, (c, 0), walked=of.size)
    noted = (c, [people] * ASKED, of.row_ids, [1] * ASKED)
    yield fifty("recency.NOTE_ROWS_READ", recency.NOTE_ROWS_READ, noted, written=ASKED + 1)
    yield fifty("recency.FIND_MOVED", recency.FIND_MOVED, (c, of.ids, 0))
    yield fifty("recency.FIND_MOVED_PARTS", recency.FIND_MOVED_PARTS, (c, of.own, 0))
    yield Case("recency.FORGET_ROWS_READ", recency.FORGET_ROWS_READ, (c,), walked=of.size, written=1)
    yield Case("saving.FIND_NOTHING", saving.FIND_NOTHING, (c,), looks=2)
    yield fifty("saving.FIND_STORED", saving.FIND_STORED, (c, of.ids))
    yield fifty("saving.FIND_KEYED", saving.FIND_KEYED, (c, people, of.own, [PEOPLE]), looks=2 * ASKED)
    yield fifty("saving.FIND_LIVE", saving.FIND_LIVE, (c, of.ids))
    yield fifty("saving.FIND_KEYS", saving.FIND_KEYS, (c, of.ids))
    saved = 3 * of.size  # of other models come before those of the people
    yield Case(
        "saving.INSERT_KEYS_AND_MOVE",
        saving.INSERT_KEYS_AND_MOVE,
        (c, saved, saved + 9, [PEOPLE, 2]),
        looks=2,
        written=20,
    )
    yield fifty("saving.DELETE_KEYS", saving.DELETE_KEYS, (c, of.own, places), written=ASKED)
    yield fifty("replacing.TAKE_VERSIONS", replacing.TAKE_VERSIONS.format(columns=", body"), (c, of.ids), written=ASKED)
    yield fifty("saving.MARK_DELETED_RETURNING", saving.MARK_DELETED_RETURNING, (c, of.ids, LAST, NOW), written=ASKED)
    yield fifty("replacing.DELETE_VERSIONS", replacing.DELETE_VERSIONS, (c, of.ids), written=ASKED)
    raws = [b"x"] * ASKED
    yield fifty("saving.FIND_STORED_VOLATILE", saving.FIND_STORED_VOLATILE, (c, of.ids), looks=2 * ASKED)
    taken_out = (c, of.ids[0], b"x", b"x", None)
    yield Case("saving.TAKE_VOLATILE_OUT", saving.TAKE_VOLATILE_OUT, taken_out, written=1)
    yield fifty("saving.FILL_MORE", saving.FILL_MORE, (c, of.ids, raws, numbers, raws), written=ASKED)
    yield Case("saving.FILL_KEYS", saving.FILL_KEYS, (c, of.ids[0], numbers), written=1)
    texts = (c, of.ids, raws, [NOW] * ASKED)
    yield fifty("refreshing.UPSERT_VOLATILE", refreshing.UPSERT_VOLATILE, texts, written=ASKED)
    yield fifty("refreshing.DELETE_VOLATILE", refreshing.DELETE_VOLATILE, (c, of.ids), written=ASKED)
    yield Case("erasing.LIST_OLD", erasing.LIST_OLD, (c, HOUR, ASKED), walked=ASKED)
    emptied = (c, of.ids[0], b"{}", b"{}")
    yield Case("erasing.EMPTY_TOMBSTONE", erasing.EMPTY_TOMBSTONE, emptied, written=1)
    gone = (c, of.name("notes"), of.row_ids)
    yield fifty("erasing.DELETE_DETAILS", erasing.DELETE_DETAILS, gone, written=ASKED)
    yield fifty("saving.MARK_DELETED", saving.MARK_DELETED, (c, of.ids, LAST, NOW), written=ASKED)


def _list_joins(of: Asker) -> Iterator[Case]:
    c, tags, shown = of.number, of.name("tags"), of.name("applications")
    fifty = partial(Case, looks=ASKED)
    names = [tags] * ASKED, ["rows"] * ASKED
    row = (["1"], [tags], ["rows"], ["1"], [of.ids[0]], [b""], [1])
    yield fifty("joins.FIND_STORED", joins.FIND_STORED, (c, tags, of.row_ids), looks=2 * ASKED)
    yield Case("joins.UPSERT_JOINED", joins.UPSERT_JOINED, (c, tags, *row), written=1)
    yield fifty("joins.DELETE_JOINED", joins.DELETE_JOINED, (c, tags, of.row_ids, *names), written=ASKED)
    yield fifty("joins.FIND_JOINED", joins.FIND_JOINED, (c, shown, ["stages"] * ASKED, of.row_ids))
    yield Case("joins.FIND_ABSENT_ROWS", joins.FIND_ABSENT_ROWS, (c, tags, "", 500), 2 * of.size, 2 * of.size)
    yield Case("joins.INSERT_STALE", joins.INSERT_STALE, (c, [shown], ["stages"], ["1"]), written=1)
    yield Case("joins.FIND_STALE", joins.FIND_STALE, (c, shown, ["stages"], ASKED), walked=ASKED)
    yield Case("joins.DELETE_STALE", joins.DELETE_STALE, (c, shown, "stages", "2"), written=1)
    yield Case("joins.HAS_STALE", joins.HAS_STALE, (c, shown))
    yield Case("joins.MOVE_STALE", joins.MOVE_STALE, (c, shown, "stages", "2", 1, 2), written=1)
    yield fifty("joins.FIND_ROWS", joins.FIND_ROWS, (c, of.name("people"), of.ids), looks=2 * ASKED)
    showing = (c, of.name("people"), of.own, 0, LAST, 500, [PEOPLE])
    yield fifty("joins.FIND_SHOWING", joins.FIND_SHOWING, showing, looks=3 * ASKED)
    yield Case("joins.HAS_RECORDS", joins.HAS_RECORDS, (c, [PEOPLE], of.name("people")))
    keyed = (c, [PEOPLE] * ASKED, of.own, 500)
    yield fifty("related.FIND_KEYED_ROWS", related.FIND_KEYED_ROWS, keyed, looks=2 * ASKED)
    joined = (c, of.name("stages"), [shown] * ASKED, ["stages"] * ASKED, of.row_ids)
    yield fifty("related.FIND_JOINED_ROWS", related.FIND_JOINED_ROWS, joined)


def _list_rows(of: Asker) -> Iterator[Case]:
    c, people, tags = of.number, of.name("people"), of.name("tags")
    numbers, newest = list(range(ASKED)), (2**31 - 1, "")
    by_id = (numbers, [people] * ASKED, of.ids)
    by_key = (numbers, [people] * ASKED, [PEOPLE] * ASKED, of.own)
    by_text = (numbers, [tags] * ASKED, ["by person"] * ASKED, of.row_ids)
    none: tuple[list[Any], ...] = ([], [], [], [])
    for more in (False, True):
        find = partial(Case, query=rows.write_find_rows(is_volatile=more))
        yield find("rows.FIND_ROWS by ids", arguments=(c, *by_id, *none, *none, "rows"), looks=(1 + more) * ASKED)
        by_keys = (c, *none[1:], *by_key, *none, "rows")
        yield find("rows.FIND_ROWS by keys", arguments=by_keys, looks=(2 + more) * ASKED)
        by_texts = (c, *none[1:], *none, *by_text, "rows")
        yield find("rows.FIND_ROWS by texts", arguments=by_texts, looks=6 * ASKED)
        listed = rows.LIST_RECORDS.format(parts=PARTS_COLUMN if more else "")
        yield Case("rows.LIST_RECORDS", listed, (c, people, PEOPLE, *newest, 0, ASKED), more * ASKED, ASKED)
    # These have no index that lists them so: all of the stream are sorted.
    yield Case("rows.LIST_WHOLE", rows.LIST_WHOLE, (c, tags, "rows", *newest, 0, ASKED), walked=of.size)
    both = (c, people, PEOPLE, *newest, 0, ASKED, 0, ASKED, "rows")
    yield Case("rows.LIST_BOTH", rows.LIST_BOTH.format(parts=""), both, walked=ASKED + of.size)
    yield Case("rows.FIND_UNREAD", rows.FIND_UNREAD, (c, [people, tags, "other"]), looks=6)


def _list_reading(of: Asker) -> Iterator[Case]:
    c, ids, own, shared = of.number, of.ids, of.own, of.shared
    fifty = partial(Case, looks=ASKED)
    find = partial(Case, query=reading.FIND_RECORD.format(columns=""))
    yield find("reading.FIND_RECORD", arguments=(c, PEOPLE, ids[0]))
    yield fifty("reading.FIND_TARGETS", reading.FIND_TARGETS.format(columns=""), (c, PEOPLE, ids))
    volatile = reading.FIND_RECORD.format(columns=PARTS_COLUMN), reading.FIND_TARGETS.format(columns=PARTS_COLUMN)
    yield Case("reading.FIND_RECORD, volatile", volatile[0], (c, PEOPLE, ids[0]), looks=2)
    yield fifty("reading.FIND_TARGETS, volatile", volatile[1], (c, PEOPLE, ids), looks=2 * ASKED)
    yield fifty("reading.RANK_KEYS", reading.RANK_KEYS, (c, own, 0), walked=ASKED)
    yield Case("reading.FIND_ANY", reading.FIND_ANY.format(columns=""), (c, PEOPLE, ids[0]))
    compose = partial(_compose_list, of)
    for by_array in of.by_array:
        walk_many = list_queries.write_many(BODY, by_array=by_array)
        many = (c, PEOPLE, 0, 51, own, 5, own[-1], own[25])
        yield Case("list_queries.LIST_RECORDS of many values", walk_many, many, 2 * ASKED, ASKED)
        yield compose("of one value", ASKED, (shared[2:3],), walked=ASKED, by_array=by_array)
        yield compose("of one value, volatile", 2 * ASKED, (shared[2:3],), walked=ASKED, by_array=by_array, more=True)
        yield compose("of two filters", 2 * ASKED, (own[2:3], shared[2:3]), by_array=by_array)
        yield compose("of three values", 3 * ASKED, (shared[2:5],), walked=3 * ASKED, by_array=by_array)
        yield compose("by ids", ASKED, ids=ids, by_array=by_array)
        yield compose("by more ids than a page", ASKED, ids=ids * 2, by_array=by_array)
        yield compose("by ids with a filter", ASKED, (shared[:1],), ids=ids, by_array=by_array)
        both = partial(compose, by_array=by_array, deleted=True)
        yield both("by ids, deleted too", 2 * ASKED, ids=ids)
        yield both("of one value, deleted too", ASKED + 1, (shared[2:3],), walked=2 * ASKED)
        yield both("of many values, deleted too", 3 * ASKED, (own,), walked=2 * ASKED)
    yield compose("", 1, walked=ASKED)
    yield compose("deleted too", 2, walked=2 * ASKED, deleted=True)
    yield compose(", volatile", 1 + ASKED, walked=ASKED, more=True)
    yield compose("of one and of three values", ASKED, (shared[2:3], shared[2:5]), walked=ASKED)
    yield compose("of three and of four values", 4 * ASKED, (shared[2:5], shared[2:6]), walked=3 * ASKED)
    yield compose("of three and of forty values", 2 * ASKED, (shared[2:5], own[:40]), walked=3 * ASKED)


def _list_ranges(of: Asker) -> Iterator[Case]:
    c, gathered = of.number, 2 * ASKED
    # Of the first fifty records others of these statements leave dead versions behind.
    created = ranges.Range("remote_created_at", "2026-01-01T01:40:00", "2026-01-01T12:00:00")
    updated = ranges.Range("remote_updated_at", "2026-01-01T01:40:00", "2026-01-01T02:31:00")
    walk, tried = partial(_compose_range, of, ranges.WALK_RANGE), min(of.size, ranges.STEPS)
    alone = partial(_compose_range, of, ranges.WALK_RANGE_ALONE)
    yield alone("", created, walked=ASKED)
    yield alone(" of page 2", created, walked=ASKED, place=("2026-01-01T02:00:00", 121))
    yield walk(" with a filter", created, walked=of.size, keys=(of.own,))
    yield walk(" of two", updated, created, walked=2 * ASKED)
    yield _compose_range(of, ranges.TRY_RANGE, " with a filter", created, walked=tried, keys=(of.own,))
    gather = partial(_compose_range, of, ranges.GATHER_RANGE)
    yield gather(" of keys", created, looks=gathered, walked=ASKED, keys=(of.own,), source=ranges.by_keys(of.own))
    for by_array in of.by_array:
        source = ranges.by_ids(of.ids, by_array=by_array)
        yield gather(" of ids", created, looks=gathered, ids=of.ids, source=source)
    yield gather(" of the feed", created, walked=of.size, source=ranges.RangeSource(ranges.REST_OF_FEED))
    yield gather(" of two", created, updated, walked=2 * ASKED, source=ranges.in_range(updated))
    yield Case("ranges.COUNT_KEYS", ranges.COUNT_KEYS, (c, of.own, 0, ranges.FEW), looks=ASKED, walked=ASKED)
    yield Case("ranges.COUNT_REST", ranges.COUNT_REST, (c, PEOPLE, 0, ASKED), walked=ASKED)
    counted = ranges.COUNT_RANGE.format(moment=ranges.MOMENTS[updated.moment])
    yield Case("ranges.COUNT_RANGE", counted, (c, PEOPLE, updated.after, updated.before, ASKED), walked=ASKED)


def _compose_range(
    of: Asker,
    query: str,
    name: str,
    *narrowed: ranges.Range,
    looks: int = 1,
    walked: int = 0,
    keys: tuple[list[int], ...] = (),
    ids: list[str] | None = None,
    place: tuple[str, int] | None = None,
    source: ranges.RangeSource | None = None,
) -> Case:
    wanted = list_queries.RecordSelection(connector=of.number, model=PEOPLE, after=0, limit=50, keys=keys, ids=ids)
    text, arguments = ranges.compose_range(query, wanted, narrowed, place, source)
    return Case(f"ranges of a moment{name}", text, tuple(arguments), looks, walked)


def _compose_list(
    of: Asker,
    name: str,
    looks: int,
    keys: tuple[list[int], ...] = (),
    *,
    ids: list[str] | None = None,
    walked: int = 0,
    by_array: bool = True,
    more: bool = False,
    deleted: bool = False,
) -> Case:
    wanted = list_queries.RecordSelection(
        connector=of.number, model=PEOPLE, after=0, limit=50, keys=keys, ids=ids, content=Content(is_volatile=more),
        with_deleted=deleted,
    )  # fmt: skip
    single = [one[0] for one in keys if len(one) == 1]
    write = list_queries.compose_all if deleted else list_queries.compose_list
    query, arguments = write(wanted, single, by_array=by_array)
    return Case(f"list_queries.LIST_RECORDS {name}", query, tuple(arguments), looks, walked)


def _list_streams(of: Asker) -> Iterator[Case]:
    c, notes = of.number, of.name("notes")
    fifty = partial(Case, looks=ASKED)
    raws = [b"x"] * ASKED
    detail = (["text"], ["1"], ["2"], [b""])
    yield Case("streams.UPSERT_DETAILS", streams.UPSERT_DETAILS, (c, notes, *detail), written=1)
    yield fifty("details.FIND_DETAILS", details.FIND_DETAILS, (c, notes, "text", of.row_ids))
    yield Case(
        "streams.UPSERT_QUARANTINE",
        streams.UPSERT_QUARANTINE,
        (c, notes, ["1"], ["odd"], [b""], [True], ["[]"], ["[]"]),
        written=1,
    )
    yield fifty("streams.RELEASE_QUARANTINE", streams.RELEASE_QUARANTINE, (c, notes, of.row_ids), written=ASKED)
    yield Case("streams.FIND_HIDDEN", streams.FIND_HIDDEN, (c, notes, of.run), walked=of.size)
    yield Case("streams.FIND_STATES", streams.FIND_STATES, (c, [notes] * ASKED), looks=3 * ASKED + 1)
    yield Case("streams.HAS_QUARANTINE", streams.HAS_QUARANTINE, (c, notes))
    yield fifty("streams.FIND_UNSERVED", streams.FIND_UNSERVED, (c, notes, of.row_ids))
    yield fifty("streams.FIND_NEWER_QUARANTINED", streams.FIND_NEWER_QUARANTINED, (c, notes, of.row_ids, raws))
    yield Case("streams.LIST_QUARANTINE", streams.LIST_QUARANTINE.format(raw=""), (c, "", "", ASKED), walked=ASKED)
    yield Case("streams.FIND_QUARANTINED", streams.FIND_QUARANTINED, (c, "2"), walked=of.size)
    yield Case("streams.COUNT_QUARANTINE", streams.COUNT_QUARANTINE, (c,), walked=of.size)
    yield Case("streams.FIND_ABSENT", streams.FIND_ABSENT, (c, notes, NOTES, 0, 500), of.size, of.size)
    yield Case("streams.NOTE_SEEN", streams.NOTE_SEEN, (c, notes, of.ids), looks=2, written=1)
    yield Case("streams.FORGET_SEEN", streams.FORGET_SEEN, (c, notes), walked=of.size, written=1)
    yield Case("runs.FORGET_SEEN", runs.FORGET_SEEN, (c,), walked=2 * of.size, written=1)


def _list_counting(of: Asker) -> Iterator[Case]:
    c, walked = of.number, 4 * of.size
    yield Case("counting.FIND_UNLISTED", counting.FIND_UNLISTED, (c, [NOTES], of.name("notes"), 500), walked=walked)
    yield Case("counting.COMPARE", counting.COMPARE, (c, [NOTES, PEOPLE]), walked=2 * walked)
    yield Case("counting.FIND_MISSING", counting.FIND_MISSING, (c, PEOPLE, 10), walked=walked)
    yield Case("counting.FIND_GONE", counting.FIND_GONE, (c, PEOPLE, 10), walked=walked)
    yield Case("tenancy.HAS_RECORDS", tenancy.HAS_RECORDS, (c,))
    yield Case("tenancy.FIND_RAW", tenancy.FIND_RAW, (c, of.ids), looks=ASKED)
    yield Case("reading.FIND_OF_STREAM", reading.FIND_OF_STREAM, (c, of.ids[0], of.ids[:3]), looks=4)
    yield Case("tenancy.COUNT_RECORDS", tenancy.COUNT_RECORDS, (c,), walked=walked)
    yield Case("tenancy.COUNT_LIVING", tenancy.COUNT_LIVING, (c,), walked=walked)


def _list_remapping(of: Asker) -> Iterator[Case]:
    c, people, tags, notes = of.number, of.name("people"), of.name("tags"), of.name("notes")
    fifty = partial(Case, looks=ASKED)
    yield Case("remapping.LIST_ROWS", remapping.LIST_ROWS, (c, people, 0, ASKED, PEOPLE, LAST), ASKED, ASKED)
    yield Case("remapping.FIND_KEEPING", remapping.FIND_KEEPING, (c, [tags], "rows"), looks=1)
    yield Case("remapping.LIST_WHOLE", remapping.LIST_WHOLE, (c, tags, "", ASKED, "rows"), walked=2 * ASKED)
    yield Case("remapping.LIST_QUARANTINED", remapping.LIST_QUARANTINED, (c, notes, "", ASKED), walked=ASKED)
    yield fifty("remapping.FIND_RAW", remapping.FIND_RAW, (c, of.ids))
    yield Case("remapping.COUNT_LIVING", remapping.COUNT_LIVING, (c, [PEOPLE], people), walked=of.size)
    yield Case("remapping.OUTDATE_CUSTOM", remapping.OUTDATE_CUSTOM, (c, of.ids[0], b"1"), written=1)
    yield fifty("saving.INSERT_KEYS", saving.INSERT_KEYS, (c, of.own, [1] * ASKED), written=ASKED)
    yield fifty("remapping.FIND_FILED", remapping.FIND_FILED, (c, of.ids))
    yield Case("remapping.REFILE_RECORD", remapping.REFILE_RECORD, (c, of.ids[0], [1], None), written=1)
    listed = (c, [2, PEOPLE, 8], 0, ASKED)
    yield Case("refiling.LIST_FILED", refiling.LIST_FILED, listed, looks=ASKED, walked=3 * ASKED)
    yield fifty("refiling.LIST_UNMOVED", refiling.LIST_UNMOVED, (c, of.ids, [1] * ASKED))
    yield Case("refiling.SET_KEYS", refiling.SET_KEYS, (c, of.ids[0], [1]), written=1)
    yield Case("refiling.LIST_MEMBER_KEYS", refiling.LIST_MEMBER_KEYS, (c, tags, "by person"), walked=of.size)
    member = (c, tags, "2", "by person", "1", "one")
    yield Case("refiling.SET_MEMBER_KEY", refiling.SET_MEMBER_KEY, member, written=1)
    due: dict[str, Any] = {"before": f"INSERT INTO refiling (connector) VALUES ({c})"}
    yield Case("refiling.NOTE_PROGRESS", refiling.NOTE_PROGRESS, (c, 1), written=1, **due)
    yield Case("refiling.BEGIN_LAST", refiling.BEGIN_LAST, (c, HOUR), written=1, **due)
    yield Case("refiling.DEFER_REFILING", refiling.DEFER_REFILING, (c, HOUR), written=1, **due)
    yield Case("refiling.END_REFILING", refiling.END_REFILING, (c,), written=1, **due)


def _list_runs(of: Asker) -> Iterator[Case]:
    c, run, people = of.number, of.run, of.name("people")
    place = ("walk", None, 0, 0, 0)
    counted = [0, 0, 0, 0, 0, 0, 0.0, 0, 0, None]
    new = "00000000-0000-4000-8000-000000000000"
    yield Case("runs.FIND_UNFINISHED", runs.FIND_UNFINISHED, (c,))
    asked, ended = (c, new, True, None, False), "UPDATE sync_run SET status = 'done'"
    yield Case("runs.INSERT_RUN", runs.INSERT_RUN, asked, looks=2, written=1, before=ended)
    yield Case("runs.TAKE_RUN", runs.TAKE_RUN, (c, 1), looks=2, written=1)
    if of.size:
        opened = (c, run, of.name("other"), None, [8])
        yield Case("runs.INSERT_STREAM", runs.INSERT_STREAM, opened, looks=2, walked=of.size // 10, written=1)
        yield Case("runs.OPEN_STREAM", runs.OPEN_STREAM, opened, looks=6, walked=of.size // 10, written=1)
        since = datetime.now(UTC)
        opened = (c, run, ["new", "newer"], [since, since])
        yield Case("runs.OPEN_STREAMS", runs.OPEN_STREAMS, opened, looks=6, written=2)
    yield Case("runs.LIST_READS", runs.LIST_READS, (c,), walked=6)
    yield Case("runs.LIST_STATES", runs.LIST_STATES, (c,), walked=6)
    yield Case("runs.FIND_FIRST_READS", runs.FIND_FIRST_READS, (c, [people, "other"]), looks=2)
    moved = (c, run, people, 1, "walk", "", *counted, *place)
    yield Case("runs.MOVE_STREAM", runs.MOVE_STREAM, moved, looks=3, written=1)
    yield Case("runs.COMMIT_SKIPPED", runs.COMMIT_SKIPPED, (*moved, [new], 2**62), looks=5, written=2)
    finished = (c, run, people, 1, None, 0, 0.0, *place, True)
    yield Case("runs.FINISH_STREAM", runs.FINISH_STREAM, finished, looks=3, written=1)
    lead = timedelta(seconds=1)
    ended = (*finished, lead, None)
    yield Case("runs.END_WINDOW", runs.END_WINDOW, ended, looks=6, written=2)
    yield Case("runs.END_STREAM", runs.END_STREAM, (*ended, True), looks=9, walked=2 * of.size, written=2)
    yield Case("runs.RESTART_PHASE", runs.RESTART_PHASE, (c, run, people, 1, "walk"), looks=2, written=1)
    yield Case("sync_tokens.NOTE_TOKEN", sync_tokens.NOTE_TOKEN, (c, run, people, 1, "t"), looks=2, written=1)
    again = (c, run, people, 1, [1])
    yield Case("sync_tokens.READ_WHOLE", sync_tokens.READ_WHOLE, again, looks=6, written=2)
    yield Case("runs.FINISH_RUN", runs.FINISH_RUN, (c, run, 1, "done", None), written=1)
    yield Case("runs.CANCEL_RUN", runs.CANCEL_RUN, (c,), written=1)
    yield Case("runs.DEFER_RUN", runs.DEFER_RUN, (c, run, 1, HOUR, "budget", 1), written=1)
    yield Case("runs.RELEASE_RUN", runs.RELEASE_RUN, (c, run), written=1)
    yield Case("runs.FIND_WAIT", runs.FIND_WAIT, (c,))
    yield Case("runs.NOTE_FAULT", runs.NOTE_FAULT, (c, run, "people", 1), looks=2, written=1)
    yield Case("runs.LIST_STREAMS", runs.LIST_STREAMS, (c, run), walked=6)
    yield Case("runs.FIND_COMPLETE_READS", runs.FIND_COMPLETE_READS, (c,), walked=6 * 20)
    yield Case("runs.HAS_SYNCED_SINCE", runs.HAS_SYNCED_SINCE, (1, c, NOW), walked=20)
    yield Case("runs.FIND_LATEST", runs.FIND_LATEST, (c,))
    yield Case("runs.GET_RUN", runs.GET_RUN, (c, run))
    yield Case("schedules.FIND_LAST_WHOLE", schedules.FIND_LAST_WHOLE, (c,), walked=26)
    yield Case("fast_schedules.GET_FAST", fast_schedules.GET_FAST, (c,), looks=3)
    wanted = (c, [people, "other"])
    yield Case("fast_schedules.FIND_READ_STREAMS", fast_schedules.FIND_READ_STREAMS, wanted, looks=2)
    fast, is_fast = fast_schedules, f"UPDATE sync_run SET is_fast = true, status = 'done' WHERE id = '{run}'"
    yield Case("fast_schedules.DELETE_ENDED_FAST", fast.DELETE_ENDED_FAST, (c,), written=1, walked=7, before=is_fast)
    asked = (c, new, [people])
    ended = "UPDATE sync_run SET status = 'done'"
    yield Case("fast_schedules.INSERT_FAST_RUN", fast.INSERT_FAST_RUN, asked, looks=2, written=1, before=ended)
    yield Case("history.LIST_HISTORY", history.LIST_HISTORY, ([c], None, 20, None, None), looks=21, walked=140)
    yield Case("history.LIST_LATEST_RUNS", history.LIST_LATEST_RUNS, (c,), looks=2, walked=of.connectors)
    linked_to = (new, "production", "ATS", 0, None, None, 10, None)
    yield Case("linked.LIST_LINKED", linked.LIST_LINKED, linked_to, looks=3, walked=of.connectors)


def _list_operations(of: Asker) -> Iterator[Case]:
    c, some = of.number, of.size // 10
    listing = of.streams.encode()
    claimed = (c, of.name("10"), "create", b"", HOUR)
    yield Case("operations.CLAIM_CALL", operations.CLAIM_CALL, claimed, written=1)
    yield Case("operations.SAVE_STEPS", operations.SAVE_STEPS, (c, of.name("10"), b""), written=1)
    yield Case("operations.RELEASE_CALL", operations.RELEASE_CALL, (c, of.name("10"), None), written=1)
    yield Case("operations.FIND_MARK", operations.FIND_MARK, (c, listing, 500, HOUR))
    yield Case("operations.SAVE_MARK", operations.SAVE_MARK, (c, listing, 10, "/next"), written=1)
    yield Case("operations.FORGET_MARKS", operations.FORGET_MARKS, (c, 99 * HOUR), walked=some)
    listed = (c, of.name("people"), PEOPLE, 0, ASKED)
    yield Case("operations.LIST_REMOTE_IDS", operations.LIST_REMOTE_IDS, listed, walked=ASKED)
    people, first, is_open = of.name("people"), of.writes[0], of.writes[6]
    yield Case("writes.OPEN_WRITE", writes.OPEN_WRITE, (c, of.ids[0], people), looks=2, written=1)
    yield Case("writes.OPEN_WRITE again", writes.OPEN_WRITE, (c, first, people), looks=2, written=1)
    yield Case("writes.CLOSE_WRITE", writes.CLOSE_WRITE, (c, is_open), written=1)
    yield Case("writes.DROP_WRITE", writes.DROP_WRITE, (c, is_open), written=1)
    yield Case("writes.SET_ROW", writes.SET_ROW, (c, is_open, "new"), looks=2, written=1)
    yield Case("writes.SET_ROW of another", writes.SET_ROW, (c, is_open, "1"), looks=2, written=1)
    yield Case("writes.LIST_TAKEN", writes.LIST_TAKEN, (c, people, of.row_ids, first), looks=ASKED)
    yield Case("writes.HAS_OPEN", writes.HAS_OPEN, (c, people, first, writes.OPEN_FOR), walked=of.size // 100)


def _list_others(of: Asker) -> Iterator[Case]:
    c, people = of.number, of.name("people")
    id = of.ids[0]
    yield Case("budgets.READ_BUDGET", budgets.READ_BUDGET, (c,))
    yield Case("budgets.REPLACE_BUDGET", budgets.REPLACE_BUDGET, (c, 1, b""), written=1)
    yield Case("budgets.INSERT_BUDGET", budgets.INSERT_BUDGET, (c, b""), written=1)
    yield Case("grants.FIND_GRANT", grants.FIND_GRANT, (c, 1))
    yield Case("sealed.REPLACE_SEALED_GRANT", sealed.REPLACE_SEALED_GRANT, (c, b"old", b"new"), written=1)
    yield Case("tokens.FIND_OPENED", tokens.FIND_OPENED, (b"none",), looks=3)
    yield Case("tokens.INSERT_REPLACED", tokens.INSERT_REPLACED, (c, of.number.to_bytes(4), HOUR), written=1)
    yield Case("tokens.SHORTEN_REPLACED", tokens.SHORTEN_REPLACED, (c, HOUR), written=1)
    yield Case("tokens.DROP_FIRST_TO_END", tokens.DROP_FIRST_TO_END, (c, 4), written=1)
    yield Case("tokens.DROP_ENDED", tokens.DROP_ENDED, (c,), written=1)
    yield Case("tokens.LIST_REPLACED", tokens.LIST_REPLACED, (c,))
    yield Case("grants.SAVE_GRANT", grants.SAVE_GRANT, (c, 1, b""), written=1)
    yield Case("issues.OPEN_ISSUE", issues.OPEN_ISSUE, (id, c, "kind 3", people, "mend it"), written=1)
    yield Case("issues.RESOLVE_ISSUES", issues.RESOLVE_ISSUES, (c, people, ["kind 3"], 1), walked=10, written=1)
    yield Case("issues.LIST_ISSUES", issues.LIST_ISSUES, (c, True, 10, None, None, None), walked=20)
    yield Case("budgets.FORGET_BUDGET", budgets.FORGET_BUDGET, (c,), written=1)
    if of.size:
        yield Case("grants.EMPTY_GRANT", grants.EMPTY_GRANT, (c, 1), written=1)
    yield Case("grants.NOTE_REFUSAL", grants.NOTE_REFUSAL, (c, 1), written=1)
    yield Case("grants.FORGET_REFUSALS", grants.FORGET_REFUSALS, (c, 1), written=1)
    yield Case("issues.OPEN_ISSUE_OF", issues.OPEN_ISSUE_OF, (id, c, "kind 3", people, "mend it", 1), written=1)
    for number, statement in enumerate(tenancy.DELETE_DATA[:-1]):
        yield Case(f"tenancy.DELETE_DATA[{number}]", statement, (c,), walked=11 * of.size, written=1)


def _list_events(of: Asker) -> Iterator[Case]:
    c = of.number
    yield Case("log.INSERT_PAGE", log.INSERT_PAGE, (c, LAST, b"x"), written=1)
    yield Case("log.LIST_PAGES", log.LIST_PAGES, (c, 50, ASKED), walked=ASKED)
    yield Case("log.FIND_REMOTE_IDS", log.FIND_REMOTE_IDS, (c, of.ids), looks=ASKED)
    yield Case("log.FIND_CUT", log.FIND_CUT, (c,))
    yield Case("log.FIND_LAST_PAGE", log.FIND_LAST_PAGE, (c,))
    yield Case("log.DELETE_OLD", log.DELETE_OLD, (c, HOUR, ASKED), looks=ASKED, walked=ASKED, written=ASKED)
    yield Case("order.FIND_PAGE", order.FIND_PAGE, (c, 50))
    yield Case("log.NOTE_CUT", log.NOTE_CUT, (c, 50, 3), looks=2, written=1)


def _list_of_all(of: Asker) -> Iterator[Case]:
    """What is asked of all connectors at once, now and then: it reads what there is, once."""
    every = of.connectors
    yield from list_hooks_of_all(of)
    yield from list_lanes_of_all(of)
    yield from list_unified_of_all(of)
    yield Case("sealed.LIST_OTHER_GRANTS", sealed.LIST_OTHER_GRANTS, (0, b"new!", 4, 200), every, every)
    yield Case("sealed.COUNT_GRANT_MARKS", sealed.COUNT_GRANT_MARKS, (4,), walked=every)
    yield Case("grants.LIST_OLD", grants.LIST_OLD, (HOUR, 10, [1]), every, every)
    yield Case("history.LIST_WHOLE_HISTORY", history.LIST_WHOLE_HISTORY, (20,), looks=40, walked=20 * 6 + 20 + every)
    yield Case("history.LIST_LATEST_RUNS of all", history.LIST_LATEST_RUNS, (None,), every, every)
    yield Case("issues.COUNT_OPEN_BY_CONNECTOR", issues.COUNT_OPEN_BY_CONNECTOR, (), walked=20 * every)
    yield Case("issues.DROP_OLD_ISSUES", issues.DROP_OLD_ISSUES, (99 * HOUR, 500), walked=1)
    due = partial(Case, "fast_schedules.LIST_FAST_DUE_BY_SETTING", fast_schedules.LIST_FAST_DUE_BY_SETTING)
    yield due((10,), looks=3 * every, walked=every, written=10)
    yield Case("jobs.LIST_ORPHANED", jobs.LIST_ORPHANED, (), 2 * every, 2 * every)
    yield Case("refiling.FIND_DUE", refiling.FIND_DUE, (HOUR,), walked=every)
    yield Case("jobs.BRING_RUNS_FORWARD", jobs.BRING_RUNS_FORWARD, (HOUR,), walked=every)
    old = (99 * HOUR, 500)
    yield Case("operations.DROP_OLD_CALLS", operations.DROP_OLD_CALLS, old, walked=BIG // 10 * every)
    yield Case("writes.DROP_OLD_WRITES", writes.DROP_OLD_WRITES, old, walked=BIG * every)
    yield Case("operations.DROP_OLD_MARKS", operations.DROP_OLD_MARKS, old, walked=BIG // 10 * every)
    yield Case("tokens.DROP_ALL_ENDED", tokens.DROP_ALL_ENDED, old, walked=1)
    yield Case("erasing.LIST_WITH_OLD", erasing.LIST_WITH_OLD, (HOUR, 500), every, every)
    of_one = ("00000000-0000-4000-8000-000000000000", "production", 3, of.number, 50)
    ordered = partial(Case, "order.LIST_ORDERED", order.LIST_ORDERED, looks=2 * ASKED, walked=ASKED)
    yield ordered(arguments=(*of_one, ASKED))
    yield Case("order.FIND_LAST_ORDERED", order.FIND_LAST_ORDERED, ())
    yield Case("order.FIND_LAST_CUT", order.FIND_LAST_CUT, ())
    yield Case("order.IS_CUT_AFTER", order.IS_CUT_AFTER, of_one, looks=every, walked=every)
    of_several = ([of.number] * ASKED, of.ids)
    yield Case("order.FIND_ALL_REMOTE_IDS", order.FIND_ALL_REMOTE_IDS, of_several, looks=ASKED, walked=ASKED)
    yield Case("eras.HAS_LATER", eras.HAS_LATER, ())
    yield Case("eras.PUT_CUTS_FIRST", eras.PUT_CUTS_FIRST, (), looks=every, written=every)
    yield Case("log.LIST_WITH_OLD", log.LIST_WITH_OLD, (HOUR, 500), every, every)
    yield Case("retention.DROP_OLD_RUNS", retention.DROP_OLD_RUNS, old, walked=1)
    yield Case("streams.COUNT_ALL_QUARANTINE", streams.COUNT_ALL_QUARANTINE, (), walked=BIG * every)
    yield Case("gauges.COUNT_GAUGES", gauges.COUNT_GAUGES, (HOUR,), walked=BIG * every)


CASELESS: Mapping[str, str] = {
    "counting.CREATE_VENDOR_RECORD": "a table of one session",
    "eras.PUT_PAGES_FIRST": "writes each page anew, once, where a dump was restored",
    "lanes.WAKE_LANES": "takes a lock first; its look is by the beginning of the primary key",
    "gate.BEGIN_SAVING": "begins a transaction; its look is that of gate.LOCK_FEED",
    "gate.BEGIN_SAVING_WITH": "the same, and a look at the connector as of grants.IS_CURRENT",
}
"""Statements that need no case, each with the reason."""
