"""What is asked of writes through the unified API and of their queue: cases of `testbed.planned`."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from testbed.asking import ASKED, HOUR, Asker, Case
from testbed.crowd import BIG
from testbed.planned_lanes import derive
from unihire.store.calls import requested_writes


def list_unified(of: Asker) -> Iterator[Case]:
    c, known, other = of.number, derive(f"{of.number}:unified:7"), derive(f"{of.number}:another")
    write = partial(Case, written=1)
    begun = (4, "create", None, None, None, b"", None, "running", HOUR, HOUR)
    yield write("requested_writes.BEGIN_WRITE", requested_writes.BEGIN_WRITE, (c, other, "new", *begun), looks=2)
    yield write("requested_writes.BEGIN_WRITE again", requested_writes.BEGIN_WRITE, (c, other, "7", *begun), looks=2)
    yield write("requested_writes.TAKE_UP_WRITE", requested_writes.TAKE_UP_WRITE, (c, known, HOUR))
    yield write("requested_writes.SAVE_WRITE_STEPS", requested_writes.SAVE_WRITE_STEPS, (c, known, b"{}"))
    ended = (c, known, "done", b"{}", None, None, None, b"{}", False)
    yield write("requested_writes.END_WRITE", requested_writes.END_WRITE, ended)
    alone = requested_writes.END_WRITE_ALONE
    yield write("requested_writes.END_WRITE_ALONE", alone, (*ended, True), looks=3)
    thing, made = of.ids[0], of.writes[6]
    opened = (c, thing, of.name("people"), known, b"{}")
    yield write("requested_writes.OPEN_STEP", requested_writes.OPEN_STEP, opened, looks=3, written=2)
    noted = (c, made, "new", known, b"{}")
    yield write("requested_writes.NOTE_STEP_ROW", requested_writes.NOTE_STEP_ROW, noted, looks=3, written=2)
    yield Case("requested_writes.FIND_UNDER_KEY", requested_writes.FIND_UNDER_KEY, (c, "7"))
    yield write("requested_writes.RELEASE_WRITE", requested_writes.RELEASE_WRITE, (c, known))
    yield Case("requested_writes.FIND_SEQ", requested_writes.FIND_SEQ, (c, of.ids[0]))
    yield Case("requested_writes.GET_WRITE", requested_writes.GET_WRITE, (c, known))
    listed = (c, None, None, ASKED, None)
    yield Case("requested_writes.LIST_WRITES", requested_writes.LIST_WRITES, listed, walked=ASKED)
    following = (c, known, "done", ASKED, [4])
    yield Case("requested_writes.LIST_WRITES of one outcome", requested_writes.LIST_WRITES, following, walked=ASKED)
    yield write("requested_writes.ENQUEUE", requested_writes.ENQUEUE, (c, other))
    yield write("requested_writes.DEQUEUE", requested_writes.DEQUEUE, (c, known))
    yield write("requested_writes.DEFER_QUEUED", requested_writes.DEFER_QUEUED, (c, known, HOUR))
    yield Case("requested_writes.FIND_REMOTE_IDS", requested_writes.FIND_REMOTE_IDS, (c, of.ids), looks=ASKED)


def list_unified_of_all(of: Asker) -> Iterator[Case]:
    """What is asked of all connectors at once."""
    yield Case("requested_writes.CLAIM_QUEUED", requested_writes.CLAIM_QUEUED, (HOUR,), looks=3, written=1)
    old = (timedelta(days=99), 500)
    yield Case("requested_writes.DROP_OLD_UNIFIED", requested_writes.DROP_OLD_UNIFIED, old, walked=BIG * of.connectors)
