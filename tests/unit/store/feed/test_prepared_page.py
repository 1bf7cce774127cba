"""A page's part: what concerns some of its rows, all of it and nothing else."""

from unihire.store.feed.prepared_page import PreparedPage, SourceRow
from unihire.store.feed.rendered import Rendered
from unihire.store.feed.writing import Refused
from unihire.store.joins import Joined

IDS = ["1", "2", "3"]


def render(row_id: str) -> Rendered:
    return Rendered(f"id of {row_id}", 1, row_id, b"", (), b"", b"", row_id=row_id)


PAGE = PreparedPage(
    read=4,
    rows=[SourceRow(row_id, b"{}") for row_id in IDS],
    records=[render(row_id) for row_id in IDS],
    quarantined=[Refused(row_id, "bad", b"{}") for row_id in [*IDS, "4"]],
    details=[("notes", row_id, "v1", b"{}") for row_id in IDS],
    joined=[Joined(row_id, "jobs", "job", "key", row_id, b"{}") for row_id in IDS],
    listed_deleted={row_id: [f"id of {row_id}"] for row_id in IDS},
    missing_rows=[SourceRow("9", b"{}")],
    delete_ids=["id of 9"],
)


def test_part_of_a_page_has_all_that_concerns_its_rows_and_nothing_else() -> None:
    part = PAGE.take({"2", "4"})
    assert [row.row_id for row in part.rows] == ["2"]
    assert [record.row_id for record in part.records] == ["2"]
    assert [one.row_id for one in part.quarantined] == ["2", "4"]
    assert [one[1] for one in part.details] == ["2"]
    assert [one.row_id for one in part.joined or ()] == ["2"]
    assert part.listed_deleted == {"2": ["id of 2"]}
    assert (part.missing_rows, part.delete_ids) == ((), ())


def test_part_leaves_what_others_show_as_it_is_where_the_page_does() -> None:
    page = PreparedPage(read=1, rows=PAGE.rows, records=PAGE.records, joined=None)
    assert page.take({"2"}).joined is None
    assert PAGE.take(()).joined == []


def test_every_row_of_a_page_is_named_once_with_what_was_sent() -> None:
    assert PAGE.list_all_ids() == ["1", "2", "3", "4"]
    assert PAGE.find_raw("4") == b"{}"
    assert PAGE.find_raw("5") == b""
