"""Whether new credentials of a connector open the account it was synced from: its records would else be mixed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from unihire.errors import OtherAccount, PermissionMissing, VendorChanged, VendorRefused
from unihire.integration.declare import Integration, Stream
from unihire.kit.clock import read_moment
from unihire.kit.phrases import count_of
from unihire.model import spec_of
from unihire.outbound.client import VendorClient
from unihire.outbound.decoding import OBJECT, Undecodable, decode
from unihire.outbound.paging import Row
from unihire.store import Pool
from unihire.store.accounts import tenancy
from unihire.store.accounts.tenancy import Connector
from unihire.store.record_keys import derive_ids
from unihire.sync.fetching import fetch_page, first_page
from unihire.sync.quarantine import find_row_id

MOST_ROWS = 1_000
"""Of a list's first page that are compared."""

SAME_MOMENT = timedelta(seconds=1)
"""Moments are the same that differ by less: a vendor may come to write them with fractions of a second."""

ADVICE = "another account is a connector of its own: unihire connect"


async def check_account(
    pool: Pool, connector: Connector, integration: Integration, client: VendorClient, *, is_confirmed: bool = False
) -> None:
    """Compare the first page of the lists in `Integration.known_by` with the stored records, until one decides.

    It is the same account where a row of it is stored and was made at the same moment. Raises OtherAccount where such
    rows were made at another moment; and, unless somebody has confirmed the account, where no row is known, or none
    can be seen. Where nothing is stored there is nothing to mix, and nothing is asked. Raises VendorError where the
    vendor cannot answer now, or refuses the credentials.
    """
    if not await has_records(pool, connector):
        return
    seen = 0
    async with client:
        for name in integration.known_by:
            stream = integration.get_stream(name)
            try:
                page = await fetch_page(client, stream, first_page(client, stream, {}))
            except (PermissionMissing, VendorRefused, VendorChanged):  # nothing can be seen of this list
                continue
            rows = [row for row in page.rows[:MOST_ROWS] if row.fault is None]
            seen += len(rows)
            agreeing, other = await _compare(pool, connector, integration, stream, rows)
            if other > agreeing:
                raise OtherAccount(
                    f"nothing was saved: these credentials are of another account: {count_of(other, 'row')} of {name} "
                    f"made at another moment than what is stored under the same id; {ADVICE}"
                )
            if agreeing:
                return
    if is_confirmed:
        return
    first = count_of(seen, "row")
    found = f"none of the {first} it shows first is known here" if seen else "it shows no row to compare"
    raise OtherAccount(
        f"nothing was saved: it cannot be seen that these credentials are of the same account: {found}; {ADVICE}; "
        "where you know that it is the same, repeat it with --same-account"
    )


async def has_records(pool: Pool, connector: Connector) -> bool:
    """Whether anything of the connector's vendor is stored."""
    found: bool = await pool.fetchval(tenancy.HAS_RECORDS, connector.number)
    return found


async def _compare(
    pool: Pool, connector: Connector, integration: Integration, stream: Stream, rows: list[Row]
) -> tuple[int, int]:
    """How many of the rows are stored and were made at the same moment, and how many at another."""
    # Where a row becomes several records, each is stored with it.
    mapping = next(mapping for mapping in stream.mappings if mapping.is_whole)
    ids = derive_ids(connector.id, spec_of(mapping.model).name)
    by_id = {UUID(ids.text(find_row_id(stream, row))): row.data for row in rows}
    verdicts = [
        _is_same_moment(
            _read_object(known["raw"]).get(integration.made_at), by_id[known["id"]].get(integration.made_at)
        )
        for known in await pool.fetch(tenancy.FIND_RAW, connector.number, list(by_id))
    ]
    return verdicts.count(True), verdicts.count(False)


def _is_same_moment(stored: Any, now: Any) -> bool | None:
    """Whether two rows were made at the same moment; None where that cannot be seen.

    A vendor may come to write its moments otherwise; those that cannot be read are the same where they are equal.
    """
    if stored is None or now is None:
        return None
    if stored == now:
        return True
    one, other = _find_moment(stored), _find_moment(now)
    return one is not None and other is not None and abs(one - other) < SAME_MOMENT


def _find_moment(value: Any) -> datetime | None:
    try:
        return read_moment(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _read_object(raw: bytes) -> Mapping[str, Any]:
    """A stored row; an empty one where it was stored by a program that decoded more than this one."""
    try:
        return decode(raw, OBJECT)
    except Undecodable:
        return {}
