"""Second calls for the rows of a page: their details, from the store where they are of the row's version."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from http import HTTPStatus
from zlib import crc32

from unihire.errors import AnswerTooLarge, PermissionMissing, VendorRefused
from unihire.integration.declare import Data, Detail, Stream, find_member
from unihire.outbound.asked import fill_path, fill_texts
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Row, decode_rows
from unihire.store import Connection, Pool
from unihire.store.record_keys import find_key
from unihire.sync.fetching import ask_each
from unihire.sync.pruning import DETAIL, LeftOut, explain_error
from unihire.sync.quarantine import Quarantined, find_row_id

NO_VERSION = "to be asked for again"
"""Stands for the version of stored details that are not accepted: no row has it."""

EMPTY = b"[]"

ASKED_AGAIN_WITHIN = 30
"""Days within which daily whole reads ask for all details once more, where a detail does not say other: what a vendor
left out of one by mistake, so that it maps, would stay as long as the row's version."""

DETAIL_PAGES = 1000
"""Pages of one row's detail that are read at most."""

# The stored details of some rows.
FIND_DETAILS = """
    SELECT found.* FROM unnest($4::text[]) AS wanted (row_id) CROSS JOIN LATERAL (
        SELECT row_id, version, raw FROM detail
        WHERE connector = $1 AND stream = $2 AND name = $3 AND row_id = wanted.row_id OFFSET 0
    ) AS found
"""


@dataclass(slots=True)
class DetailAccess:
    """Which details of a stream the credentials reach, as far as this read of it has found out, by name.

    Those in `closed` were refused to every row that was asked for, and are asked for no more. Those in `lacking` were
    refused to some row, those in `answered` to not every one.
    """

    closed: set[str] = field(default_factory=set)
    lacking: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)

    def note(self, name: str, asked: int, refused: int) -> None:
        """What was found of so many rows that were asked for."""
        if refused:
            self.lacking.add(name)
        if refused < asked:
            self.answered.add(name)
        elif asked > 1 or name not in self.answered:  # else it may be that of one row
            self.closed.add(name)


@dataclass(slots=True)
class Details:
    """The details of a page's rows: by row id and name, and those newly asked for, to be stored with the page.

    `stored` are those of the row's version that were stored before. `quarantined` are rows of which nobody can say
    whether they need details: they have none. `unsure` are the ids of rows whose details are not sure to be those of
    their version.
    """

    found: dict[str, dict[str, list[Data]]] = field(default_factory=dict)
    fresh: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    stored: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)

    def unset_versions(self, quarantined: Iterable[Quarantined]) -> None:
        """Those details that do not map are to be stored as of no version: the next who reads the row asks again.

        The vendor may have sent them broken once, and the row's version does not move when it sends them whole.
        """
        noted = {one.row_id: one for one in quarantined}
        if not noted:
            return
        for details in (self.fresh, self.stored):
            for place, (name, row_id, _, raw) in enumerate(details):
                one = noted.get(row_id)
                if one is not None and one.may_lack(f"{DETAIL}{name}"):
                    details[place] = (name, row_id, NO_VERSION, raw)
        self.fresh += [one for one in self.stored if one[2] == NO_VERSION and one not in self.fresh]


def explain_lacking(stream: Stream, name: str) -> str:
    """What is not read of a stream's rows for lack of a permission, in the customer's words."""
    permission = next((one.permission for one in stream.details if one.name == name), None) or stream.permission
    lacking = f"the credentials lack {permission}" if permission else "the credentials do not reach this (403)"
    return f"{name} of {stream.name} are not read, and stay as they were: {lacking}"


async def fetch_details(
    client: VendorClient,
    pool: Pool | Connection,
    connector: int,
    stream: Stream,
    rows: Sequence[Row],
    *,
    day: int | None = None,
    is_touched: bool = False,
    access: DetailAccess | None = None,
) -> Details:
    """The details of those rows that need them, from the store where they are of the row's version.

    That a row which needs them has none is accepted when two reads of the row have found it so. With `day`, a number
    of it, some are asked for though they are stored: each on one of `ASKED_AGAIN_WITHIN` days in a row. So are those
    with days of their own where the rows are known to be touched: they may have changed, and their rows not.

    A detail that the credentials do not reach costs neither the rows nor what is stored of it, whatever its version;
    `access` says which are not even asked for, and is told what was found.
    """
    details, access = Details(), access or DetailAccess()
    for detail in stream.details:
        wanted, due = _find_wanted(details, stream, detail, rows, day, is_touched=is_touched)
        if not wanted:
            continue
        was_empty, kept = set[str](), dict[str, bytes]()
        for known in await pool.fetch(FIND_DETAILS, connector, stream.name, detail.name, list(wanted)):
            row_id = known["row_id"]
            if known["version"] == wanted[row_id] and row_id not in due:
                del wanted[row_id]
                details.stored.append((detail.name, row_id, known["version"], known["raw"]))
                stored = decode_rows(known["raw"], of=detail.name)
                details.found.setdefault(row_id, {})[detail.name] = [one.data for one in stored]
            elif known["version"] in (NO_VERSION, wanted[row_id]) and known["raw"] == EMPTY:
                was_empty.add(row_id)
            if row_id in wanted:
                kept[row_id] = known["raw"]
        if wanted:
            asked = await _ask_details(details, client, stream, detail, rows, wanted, was_empty, access)
            _use_kept(details, detail, wanted.keys() - asked, kept)
    return details


def _use_kept(details: Details, detail: Detail, row_ids: Set[str], kept: Mapping[str, bytes]) -> None:
    """Rows whose detail is closed to the credentials have what is stored of it, whatever its version, or none."""
    for row_id in row_ids:
        raw = kept.get(row_id)
        stored = [] if raw is None else decode_rows(raw, of=detail.name)
        details.found.setdefault(row_id, {})[detail.name] = [one.data for one in stored]
        if raw is None:  # so that it can be mapped again without the vendor
            details.fresh.append((detail.name, row_id, NO_VERSION, EMPTY))
        details.unsure.add(row_id)


def is_due(row_id: str, day: int | None, detail: Detail) -> bool:
    """Whether it is the day on which the row's detail may be asked for though it is stored."""
    within = detail.again_within or ASKED_AGAIN_WITHIN
    return day is not None and (crc32(row_id.encode()) + day) % within == 0


async def _ask_details(
    details: Details,
    client: VendorClient,
    stream: Stream,
    detail: Detail,
    rows: Sequence[Row],
    wanted: Mapping[str, str],
    was_empty: Set[str],
    access: DetailAccess,
) -> Set[str]:
    """Ask the vendor for this detail of the rows `wanted`: their ids, each with its version.

    Returns the ids of those whose detail the credentials reach. The first row of a read is asked for alone: where they
    do not reach the detail, that costs one call.
    """
    if detail.name in access.closed:
        return set()

    def is_good(row_id: str, read: list[Row]) -> bool:
        return bool(read) and _is_of(detail, row_id, read)

    refused: dict[str, VendorRefused] = {}
    closed: dict[str, PermissionMissing] = {}
    oversized: dict[str, AnswerTooLarge] = {}
    by_id = {find_row_id(stream, row): row.data for row in rows}

    async def ask(row_id: str, most: int) -> list[Row] | None:
        return await _read_detail(client, detail, _write_detail(client, detail, row_id, by_id[row_id]), most)

    async def ask_some(ids: Sequence[str]) -> list[tuple[str, list[Row] | None]]:
        before = len(closed)
        found = await ask_each(client, ask, ids, is_good, oversized, refused=refused, closed=closed)
        if ids:
            access.note(detail.name, len(ids), len(closed) - before)
        return found

    ids = list(wanted)
    alone = 0 if detail.name in access.answered else 1
    asked = await ask_some(ids[:alone])
    if detail.name not in access.closed:
        asked += await ask_some(ids[alone:])
    asked = [(row_id, answered) for row_id, answered in asked if row_id not in closed]
    if len(refused) == len(wanted) > 1:  # no row's fault
        raise next(iter(refused.values()))
    for row_id, answered in asked:
        read = [one for one in answered or () if one.fault is None]  # none where its row is gone meanwhile
        reason = None
        if row_id in refused:
            reason = f"its {detail.name} are refused: the vendor answers {refused[row_id].status}"
        elif row_id in oversized:
            reason = f"its {detail.name} are too large: {oversized[row_id]}"
        elif not _is_of(detail, row_id, read):
            reason = f"its {detail.name} were answered with those of another row"
        if reason is not None:
            details.quarantined += [
                Quarantined(row_id, reason, row.raw) for row in rows if find_row_id(stream, row) == row_id
            ]
            continue
        if answered and len(read) < len(answered):
            details.quarantined.append(_lack_parts(detail, row_id, answered, rows, stream))
        details.found.setdefault(row_id, {})[detail.name] = [one.data for one in read]
        raw = b"[" + b",".join(one.raw for one in read) + b"]"
        version = NO_VERSION if raw == EMPTY and row_id not in was_empty else wanted[row_id]
        details.fresh.append((detail.name, row_id, version, raw))
        if version == NO_VERSION:
            details.unsure.add(row_id)
    return {row_id for row_id, _ in asked}


def _find_wanted(
    details: Details,
    stream: Stream,
    detail: Detail,
    rows: Sequence[Row],
    day: int | None = None,
    *,
    is_touched: bool = False,
) -> tuple[dict[str, str], set[str]]:
    """The ids of those rows that need the detail, each with the version it is needed of.

    Beside them those for which it is asked on this day, or as they are touched, though it is stored.
    """
    asks_all = is_touched and detail.again_within is not None
    wanted: dict[str, str] = {}
    due = set[str]()
    for row in rows:
        row_id = find_row_id(stream, row)
        try:
            if detail.needed(row.data):
                wanted[row_id] = find_key(detail.version(row.data)) or ""
                is_again = is_due(row_id, day, detail) and (detail.again is None or detail.again(row.data))
                if asks_all or is_again:
                    due.add(row_id)
        except Exception as error:  # noqa: BLE001 - whatever it raises over a row costs that row its detail
            left_out = LeftOut(detail.name, explain_error(error, row.data))
            details.quarantined.append(Quarantined.of_parts(row_id, row, [left_out]))
    return wanted, due


def _lack_parts(
    detail: Detail, row_id: str, answered: Sequence[Row], rows: Sequence[Row], stream: Stream
) -> Quarantined:
    """What is noted of a row some of whose details cannot be decoded."""
    left_out = [
        LeftOut(f"{DETAIL}{detail.name}[{at}]", one.fault) for at, one in enumerate(answered) if one.fault is not None
    ]
    row = next(row for row in rows if find_row_id(stream, row) == row_id)
    return Quarantined.of_parts(row_id, row, left_out)


async def find_details(
    pool: Pool | Connection, connector: int, stream: Stream, rows: Sequence[Row]
) -> tuple[Details, dict[str, str]]:
    """The stored details of those rows that need them, of whatever version, without a call.

    Beside them the rows that need one which is not stored: its name, by row id.
    """
    details, lacking = Details(), dict[str, str]()
    for detail in stream.details:
        wanted, _ = _find_wanted(details, stream, detail, rows)
        for known in await pool.fetch(FIND_DETAILS, connector, stream.name, detail.name, list(wanted)):
            if known["version"] != wanted.pop(known["row_id"], None):
                details.unsure.add(known["row_id"])
            stored = decode_rows(known["raw"], of=detail.name)
            details.found.setdefault(known["row_id"], {})[detail.name] = [one.data for one in stored]
        lacking |= dict.fromkeys(wanted, detail.name)
    return details, lacking


def _write_detail(client: VendorClient, detail: Detail, row_id: str, row: Data) -> str:
    """What to ask for the first page of a row's detail."""

    def find(name: str) -> str:
        if name == "id":
            return row_id
        value = find_member(row, name)
        return "" if value is None else str(value)

    path = client.target.locate(fill_path(detail.path, find))
    return detail.paging.first(path, fill_texts(detail.params, find))


async def _read_detail(client: VendorClient, detail: Detail, asked: str, most: int) -> list[Row] | None:
    """All pages of one row's detail; None where the vendor says there is none. Raises AnswerTooLarge over `most` bytes
    or too many pages.
    """

    try:
        page = await client.read_page(detail.paging, asked, most=most)
    except VendorRefused as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise
    rows, visited = page.rows, {asked}
    while page.next is not None and page.next not in visited:
        asked = page.next
        visited.add(asked)
        if len(visited) > DETAIL_PAGES or sum(len(row.raw) for row in rows) > most:
            raise AnswerTooLarge(f"{detail.path}: its pages are more than is read of one row")
        page = await client.read_page(detail.paging, asked, most=most)
        rows += page.rows
    return rows


def _is_of(detail: Detail, row_id: str, rows: Sequence[Row]) -> bool:
    """Whether a detail is that of the row it was asked for, as far as its rows name one; a lone one has to."""
    if detail.of is None:
        return True
    named = (find_member(row.data, detail.of) for row in rows)
    return all(str(one) == row_id for one in named if one is not None or getattr(detail.paging, "may_be_lone", False))
