"""The records of events, as they are now."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from unihire.integration.registry import list_volatile_models
from unihire.model import MODELS
from unihire.platform.access import Scope
from unihire.platform.hiding import Hidden
from unihire.platform.reads import Query, Reader, RecordView
from unihire.store import Pool
from unihire.store.accounts.tenancy import LIST_INTEGRATIONS
from unihire.store.events.log import ChangeEvent

_SPECS = {spec.number: spec for spec in MODELS.values()}

_ID_AT = len(b'{"id":"')
_ID_LENGTH = 36


async def find_records(
    pool: Pool, reader: Reader, events: Iterable[ChangeEvent], view: RecordView, hidden: Hidden | None
) -> Mapping[tuple[int, str], bytes]:
    """The bodies of the events' live records, by the number of their connector and their id.

    A record that changed more than once is the same for each of its events.
    """
    wanted: dict[int, dict[int, set[str]]] = {}
    for event in events:
        wanted.setdefault(event.connector, {}).setdefault(event.model, set()).add(event.id)
    found: dict[tuple[int, str], bytes] = {}
    for row in await pool.fetch(LIST_INTEGRATIONS, list(wanted)):
        number: int = row["number"]
        scope = Scope(row["id"], number, list_volatile_models(row["integration"]), hidden)
        for model, ids in wanted[number].items():
            page = await reader.list_records(
                scope, Query(model=_SPECS[model], limit=len(ids), ids=list(ids), show=view)
            )
            found |= {(number, _read_id(body)): body for body in page.bodies}
    return found


def _read_id(body: bytes) -> str:
    """Every body begins with the record's id."""
    id = body[_ID_AT : _ID_AT + _ID_LENGTH].decode("ascii")
    return str(UUID(id))
