"""Events packed for a page, and unpacked."""

from uuid import UUID, uuid4

import msgspec
import pytest

from unihire.store.events.packing import MOST_PACKED, pack_changes, unpack
from unihire.store.feed.changes import Change, ChangeKind

AT = 1_790_000_000_000_000


def make_page(count: int) -> list[Change]:
    """Events of all kinds, with gaps between their positions as a burial leaves them."""
    kinds = list(ChangeKind)
    return [
        Change(
            kind := kinds[number % 3], AT + number + number // 40, 1 + number % 19, str(uuid4()),
            (f"field {number % 5}", "more.pay") if kind is ChangeKind.UPDATED else (),
        )
        for number in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 100, MOST_PACKED])
def test_events_come_out_as_they_were_packed(count: int) -> None:
    made = make_page(count)
    found = [Change(one.kind, one.seq, one.model, one.id, one.changed) for one in unpack(pack_changes(made))]
    assert found == made
    assert all(str(UUID(one.id)) == one.id for one in found)


def test_events_are_unpacked_from_a_position_on() -> None:
    made = make_page(100)
    assert [one.seq for one in unpack(pack_changes(made), made[41].seq)] == [one.seq for one in made[42:]]


def test_page_of_a_first_sync_has_at_most_20_bytes_an_event() -> None:
    page = [Change(ChangeKind.CREATED, AT + number, 4, str(uuid4())) for number in range(100)]
    assert len(pack_changes(page)) <= 20 * 100


def test_page_of_another_form_is_refused() -> None:
    _, *rest = msgspec.msgpack.decode(pack_changes(make_page(3)))
    with pytest.raises(ValueError, match="version 2"):
        list(unpack(msgspec.msgpack.encode([2, *rest])))
