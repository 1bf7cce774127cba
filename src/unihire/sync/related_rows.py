"""What is stored that has to do with a row: records that relate to it, and rows by the value of a member."""

from collections.abc import Collection, Sequence

from unihire.integration.declare import Integration, Stream
from unihire.model import MODELS, FilterMatch
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.record_keys import FilterKeys, JoinKeys, MemberKeys, find_key, name_member
from unihire.store.related import find_joined_rows, find_keyed_rows
from unihire.sync.rendering import model_numbers

MOST_RELATED = 2_000
"""Of the rows that relate to others so many are looked at; a complete read finds what became of the rest."""


async def find_related(
    pool: Pool, connector: Connector, integration: Integration, records: Collection[str]
) -> dict[str, list[str]]:
    """The rows whose records relate to one of these, by stream: their vendor's ids, so many at most.

    Relations are found that lists can be filtered by. Parts of rows are left out: they come and go with their rows.
    """
    wanted = [
        (spec.number, FilterKeys(connector.number, spec.number, one).key(id))
        for spec in MODELS.values()
        for one in (*spec.fields, *spec.more)
        if one.to is not None and one.filter is FilterMatch.ID
        for id in records
    ]
    whole = {
        stream.name
        for stream in integration.streams
        if stream.by_id is not None and any(mapping.is_whole for mapping in stream.mappings)
    }
    found: dict[str, list[str]] = {}
    for stream, row_id in await find_keyed_rows(pool, connector.number, wanted, most=MOST_RELATED):
        if stream in whole:
            found.setdefault(stream, []).append(row_id)
    return found


async def find_stored_ids(
    pool: Pool, connector: Connector, integration: Integration, stream: Stream, member: str, values: Sequence[str]
) -> set[str]:
    """The ids of stored rows of a stream that have one of the values in a member, as far as the member finds any.

    It does where rows of other streams show them by it, where the stream's own joins begin with it, and where it is in
    `found_by`.
    """
    joined = [
        (other.name, join.name, key)
        for other in integration.streams
        for join in other.joins
        if join.stream == stream.name and join.on == member
        for value in values
        if (key := find_key(value)) is not None
    ]
    own: list[int] = []
    for join in stream.joins:
        if join.key == member and join.via is None:
            keys = JoinKeys(connector.number, stream.name, join.name)
            own += [keys.key(value) for value in values]
    if member in stream.found_by:
        own += MemberKeys(connector.number, stream.name, member).list_asked(values)
        joined += [(stream.name, name_member(member), key) for value in values if (key := find_key(value)) is not None]
    found = set(await find_joined_rows(pool, connector.number, stream.name, joined)) if joined else set()
    if own and (models := model_numbers(stream, rows_only=True)):
        wanted = [(model, key) for model in models for key in own]
        rows = await find_keyed_rows(pool, connector.number, wanted, most=MOST_RELATED)
        found |= {row_id for name, row_id in rows if name == stream.name}
    return found
