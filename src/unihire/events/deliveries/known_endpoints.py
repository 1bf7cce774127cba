"""The endpoints that a deliverer knows, and how many messages each may be sent at once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID

from unihire.errors import ConfigError
from unihire.events.deliveries.forms import DeliveryForm, DeliveryForms
from unihire.kit.logs import get_logger
from unihire.kit.seal import Sealer
from unihire.platform.sealing import make_secret_context
from unihire.store import Pool
from unihire.store.events.endpoints import Endpoint, list_all_endpoints, list_secrets

log = get_logger()


@dataclass(frozen=True, slots=True)
class KnownEndpoint:
    """An endpoint with its form and its opened secrets, the newest first. `host` includes the port."""

    endpoint: Endpoint
    form: DeliveryForm
    secrets: tuple[str, ...] = field(repr=False)
    host: str


async def read_known_endpoints(pool: Pool, sealer: Sealer, forms: DeliveryForms) -> dict[UUID, KnownEndpoint]:
    """The endpoints that can be sent to. One whose secrets do not open waits, and is logged."""
    enabled = [endpoint for endpoint in await list_all_endpoints(pool) if endpoint.is_enabled]
    secrets = await list_secrets(pool, [endpoint.id for endpoint in enabled])
    book = {}
    for endpoint in enabled:
        form = forms.get(endpoint.format)
        try:
            context = make_secret_context(endpoint.id)
            opened = tuple(sealer.open(one.sealed, context).decode() for one in secrets.get(endpoint.id, ()))
        except ConfigError as error:
            log.error("a webhook waits: its secret does not open", webhook=str(endpoint.id), reason=str(error))
            continue
        if form is None or not opened:  # a newer program made it, or somebody is removing it
            continue
        book[endpoint.id] = KnownEndpoint(endpoint, form, opened, urlsplit(endpoint.url).netloc.lower())
    return book


def plan_rooms(
    book: Mapping[UUID, KnownEndpoint],
    order: Sequence[UUID],
    under_way: Counter[UUID],
    *,
    per_endpoint: int,
    per_host: int,
) -> dict[UUID, tuple[int, int]]:
    """How many more lanes may be claimed of each endpoint, in this order, and how many it has already.

    `under_way` counts the lanes that are being worked on. Endpoints of one host share the room of that host.
    """
    used = Counter[str]()
    for id, count in under_way.items():
        if id in book:
            used[book[id].host] += count
    rooms = {}
    for id in order:
        known = book[id]
        room = min(per_endpoint - under_way[id], per_host - used[known.host])
        if room > 0:
            rooms[id] = room, under_way[id]
            used[known.host] += room
    return rooms
