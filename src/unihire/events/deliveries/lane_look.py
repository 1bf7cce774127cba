"""What there is to send on a lane, as of its claim."""

from collections.abc import Sequence
from hashlib import blake2b

from unihire.integration.registry import list_volatile_models
from unihire.model import ModelSpec
from unihire.platform.access import Scope
from unihire.platform.reads import Projection, Query, Reader, RecordView
from unihire.store import Pool
from unihire.store.events.endpoints import Endpoint
from unihire.store.events.lanes import Lane, LaneSource
from unihire.store.events.log import ChangeEvent, LoggedPage, find_remote_ids, read_pages
from unihire.store.events.notices import NOTICES_AT_ONCE, Notice, find_last_sync
from unihire.store.events.packing import Unpacked

PAGES_AT_ONCE = 8
"""Pages of events that are read in one go."""


class LaneLook:
    """A lane with its endpoint and connector, and what is read for it.

    `source` is None if the connector was deleted. Nothing that was added after the claim is read: the feed ends at
    `bound`, and the notices are those that follow changes up to it.
    """

    def __init__(
        self, pool: Pool, lane: Lane, endpoint: Endpoint, source: LaneSource | None, notices: Sequence[Notice]
    ) -> None:
        self.lane = lane
        self.endpoint = endpoint
        self.source = source
        last = lane.position if source is None else source.last_seq
        self.bound = last if lane.until_position is None else min(last, lane.until_position)
        until = lane.until_notice
        # A deleted connector has no feed any more which its notices could follow.
        self.notices = [
            notice
            for notice in notices
            if (source is None or lane.is_replay or notice.after_seq <= self.bound)
            and (until is None or notice.number <= until)
        ]
        self.has_all_notices = len(notices) < NOTICES_AT_ONCE
        self._pool = pool

    def name(self, kind: str, number: int) -> str:
        """The id of the message that begins at a place: the same each time it is sent to the endpoint."""
        of = f"{self.endpoint.id}\0{self.endpoint.version}\0{self.lane.connector_id}\0{kind}\0{number}"
        return f"msg_{blake2b(of.encode(), digest_size=16).hexdigest()}"

    def wants(self, event: str) -> bool:
        """Whether the endpoint is sent such events."""
        return self.endpoint.events is None or event in self.endpoint.events

    async def read_pages(self, after: int, until: int) -> Sequence[LoggedPage]:
        """The next few pages of the log that end after one position and begin before another, whole."""
        if self.source is None or after >= until:
            return []
        pages = await read_pages(self._pool, self.lane.connector, after, PAGES_AT_ONCE)
        return [page for page in pages if page.events[0].seq <= until]

    def pick(self, page: LoggedPage) -> list[Unpacked]:
        """The events of a page that are of models the endpoint is sent."""
        models = self.endpoint.models
        return [event for event in page.events if models is None or event.model in models]

    async def name_records(self, events: Sequence[Unpacked]) -> list[ChangeEvent]:
        """Events with their records' remote ids."""
        return await find_remote_ids(self._pool, self.lane.connector, events)

    async def read_records(self, model: ModelSpec, ids: Sequence[str], projection: Projection) -> list[bytes]:
        """Those of the records with these ids that are there, as they are now, each a JSON object."""
        source = self.source
        if source is None:
            return []
        scope = Scope(source.id, source.number, list_volatile_models(source.integration))
        query = Query(model=model, limit=len(ids), ids=ids, show=RecordView(projection=projection))
        return (await Reader(self._pool).list_records(scope, query)).bodies

    async def find_last_sync(self, number: int) -> Notice | None:
        """The last notice of a sync, up to a number."""
        return await find_last_sync(self._pool, self.lane.connector, number)
