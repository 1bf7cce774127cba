"""What is asked of lanes, notices and the log of deliveries: cases of `testbed.planned`."""

from collections.abc import Iterator
from functools import partial
from hashlib import md5
from uuid import UUID

from testbed.asking import ASKED, HOUR, LAST, NOW, Asker, Case
from testbed.crowd import BIG
from unihire.store import issues
from unihire.store.events import deliveries, lanes, notices, replays
from unihire.store.work import run_notices, runs

NOBODY = UUID("00000000-0000-4000-8000-000000000000")
FIRST, LATEST = UUID(int=0), UUID(int=2**128 - 1)


def derive(text: str) -> UUID:
    """As `testbed.crowd` does by md5."""
    return UUID(md5(text.encode(), usedforsecurity=False).hexdigest())


def list_lanes(of: Asker) -> Iterator[Case]:
    c, id, endpoint = of.number, derive(f"connector{of.number}"), derive(f"endpoint{of.number}")
    own = (c, endpoint, lanes.MAIN, derive(f"lane{c}"))
    write = partial(Case, written=1)
    yield Case("lanes.HAS_LANES", lanes.HAS_LANES, (c,))
    yield write("lanes.CLAIM_LANES", lanes.CLAIM_LANES, ([endpoint], [4], [0], 5, 32, HOUR), looks=3)
    yield Case("lanes.LIST_SOURCES", lanes.LIST_SOURCES, ([c],), looks=4)
    yield write("lanes.MOVE_LANE", lanes.MOVE_LANE, (*own, 1, 1, HOUR))
    yield write("lanes.PASS_LANE", lanes.PASS_LANE, (*own, 1, 1, HOUR))
    yield write("lanes.DEFER_LANE", lanes.DEFER_LANE, (*own, 1, 1, HOUR, 1, NOW))
    yield write("lanes.REST_LANE", lanes.REST_LANE, (*own, 1, 1))
    yield write("lanes.DELETE_LANE", lanes.DELETE_LANE, own)
    yield write("lanes.RELEASE_LANES", lanes.RELEASE_LANES, ([c], [own[-1]]))
    yield write("lanes.HURRY_LANES", lanes.HURRY_LANES, (endpoint,))
    yield write("lanes.RESTART_LANES", lanes.RESTART_LANES, (endpoint,))
    yield Case("lanes.FIND_ENDS", lanes.FIND_ENDS, (c,), looks=2)
    yield write("lanes.FLAG_FEEDS", lanes.FLAG_FEEDS, ([c],))
    yield Case("lanes.LIST_LAST_NOTICES", lanes.LIST_LAST_NOTICES, ([c],))
    yield write("lanes.INSERT_LANES", lanes.INSERT_LANES, (endpoint, [c], [id], [0], [0]))
    yield write("lanes.OPEN_NEW", lanes.OPEN_NEW, (c, id, NOBODY, "production"))
    yield write("lanes.OPEN_MOVED", lanes.OPEN_MOVED, (c, id, NOBODY, "production", 0, 0))
    yield Case("lanes.DROP_LANES_OF", lanes.DROP_LANES_OF, (c,), walked=20, written=20)
    yield Case("lanes.LIST_OF_ENDPOINT", lanes.LIST_OF_ENDPOINT, (endpoint,))
    yield write("lanes.DROP_OTHERS", lanes.DROP_OTHERS, (endpoint, [NOBODY]))
    yield write("lanes.LOCK_FEEDS", lanes.LOCK_FEEDS, ([c],))
    yield write("lanes.UNFLAG_FEEDS", lanes.UNFLAG_FEEDS, ([c],), looks=2)
    yield write("notices.INSERT_NOTICES", notices.INSERT_NOTICES, (c, ["issue.opened"], [b"{}"]), looks=3)
    noted = ([c], [0], notices.NOTICES_AT_ONCE)
    yield Case("notices.LIST_NOTICES", notices.LIST_NOTICES, noted, walked=notices.NOTICES_AT_ONCE)
    yield Case("notices.FIND_LAST", notices.FIND_LAST, (c, LAST, notices.SYNC_KINDS), walked=10)
    yield Case("replays.COUNT_REPLAYS", replays.COUNT_REPLAYS, (endpoint, lanes.MAIN))
    stretch = ([c], [own[-1]], [id], [0], [0], [1], [1])
    yield write("replays.INSERT_REPLAYS", replays.INSERT_REPLAYS, (endpoint, *stretch))
    yield Case("replays.LIST_LANES", replays.LIST_LANES, (endpoint, lanes.MAIN, 0, None, 200))
    yield Case("replays.LIST_ENDS", replays.LIST_ENDS, ([c], NOW), looks=4, walked=of.size)
    yield Case("replays.LIST_NOTICES_BEFORE", replays.LIST_NOTICES_BEFORE, ([c], NOW), walked=of.size)
    yield from _list_deliveries(of)
    people = of.name("people")
    yield Case("issues.RESOLVE_UNSENT", issues.RESOLVE_UNSENT, (c, people, ["kind 3"], 1), 2, walked=20, written=1)
    ended = (c, of.run, 1, "done", None)
    yield write("runs.FINISH_UNSENT", runs.FINISH_UNSENT, ended, looks=3)
    yield Case("run_notices.COUNT_DONE", run_notices.COUNT_DONE, (c, of.run), walked=6)


def _list_deliveries(of: Asker) -> Iterator[Case]:
    c, id, endpoint = of.number, derive(f"connector{of.number}"), derive(f"endpoint{of.number}")
    places = (0, 0, 1, 1)
    said = (id, "msg", "issue.opened", "https://example.com", *places, 0.5, 200, None, b"", b"")
    attempt = (c, LATEST, endpoint, NOBODY, "production", *said)
    yield Case("deliveries.INSERT_DELIVERY", deliveries.INSERT_DELIVERY, attempt, written=1)
    refused = (c, endpoint, "1", id, "issue.opened", *places, NOW, 400, "refused")
    yield Case("deliveries.INSERT_UNDELIVERED", deliveries.INSERT_UNDELIVERED, refused, written=1)
    yield Case("deliveries.DROP_UNDELIVERED", deliveries.DROP_UNDELIVERED, (c, endpoint, "1"), written=1)
    listed = (endpoint, None, None, ASKED)
    yield Case("deliveries.LIST_UNDELIVERED", deliveries.LIST_UNDELIVERED, listed, walked=ASKED)
    yield Case("deliveries.HAS_UNDELIVERED", deliveries.HAS_UNDELIVERED, (c, endpoint), walked=1)
    whose, bounds = (NOBODY, "production"), (LATEST, FIRST)
    of_any = (*whose, *bounds, None, None, None, None, None, None, False, ASKED)
    of_endpoint = (*whose, *bounds, endpoint, None, None, None, None, None, False, ASKED)
    of_connector = (*whose, *bounds, None, c, None, None, None, None, False, ASKED)
    some = partial(Case, looks=2 * ASKED, walked=min(of.size, deliveries.LOOKED_AT))
    yield some("deliveries.LIST_DELIVERIES", deliveries.LIST_DELIVERIES, of_any)
    yield some("deliveries.LIST_FAILED", deliveries.LIST_FAILED, of_any)
    yield some("deliveries.LIST_OF_ENDPOINT", deliveries.LIST_OF_ENDPOINT, of_endpoint)
    yield some("deliveries.LIST_OF_CONNECTOR", deliveries.LIST_OF_CONNECTOR, of_connector)
    yield some("deliveries.FIND_LAST_LOOKED_AT", deliveries.FIND_LAST_LOOKED_AT, (*bounds, *whose))
    yield some("deliveries.FIND_LAST_FAILED", deliveries.FIND_LAST_FAILED, (*bounds, *whose))
    yield some("deliveries.FIND_LAST_OF_ENDPOINT", deliveries.FIND_LAST_OF_ENDPOINT, (*bounds, endpoint))
    yield some("deliveries.FIND_LAST_OF_CONNECTOR", deliveries.FIND_LAST_OF_CONNECTOR, (*bounds, c))
    yield Case("deliveries.GET_DELIVERY", deliveries.GET_DELIVERY, (*whose, FIRST), looks=3)
    ids = [UUID(int=number << 80) for number in range(1, ASKED + 1)]
    yield Case("deliveries.LIST_SPANS", deliveries.LIST_SPANS, (*whose, ids, endpoint), looks=ASKED)


def list_lanes_of_all(of: Asker) -> Iterator[Case]:
    """What is asked of all connectors at once."""
    every, old = of.connectors, (99 * HOUR, 500)
    yield Case("deliveries.DROP_OLD_DELIVERIES", deliveries.DROP_OLD_DELIVERIES, old, looks=2, walked=1000)
    yield Case("deliveries.DROP_OLD_UNDELIVERED", deliveries.DROP_OLD_UNDELIVERED, old, looks=every, walked=every)
    yield Case("notices.DROP_OLD_NOTICES", notices.DROP_OLD_NOTICES, old, walked=BIG * every)
    found = (["webhook_off"], str(NOBODY))
    yield Case("issues.LIST_CONNECTORS_OF", issues.LIST_CONNECTORS_OF, found, walked=20 * every)
