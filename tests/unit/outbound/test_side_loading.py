import json
from collections.abc import Iterable
from typing import Any

from unihire.outbound.paging import NextLink, Page, VendorResponse
from unihire.outbound.side_loading import SideLoaded


def list_related(row: dict[str, Any]) -> Iterable[tuple[str, str]]:
    return [(one["data"]["type"], one["data"]["id"]) for one in row["relationships"].values()]


LIST = SideLoaded(
    paging=NextLink(items="data", link=("links", "next"), page_size={"page[size]": "30"}),
    items="included",
    refers=list_related,
    name_of=lambda row: (row["type"], row["id"]),
)


def relate(type: str, id: str) -> dict[str, Any]:
    return {"data": {"type": type, "id": id}}


def read(body: dict[str, Any]) -> Page:
    return LIST.read(
        VendorResponse(200, {}, json.dumps(body, indent=1).encode()), origin="https://api.example", asked="/jobs"
    )


def test_each_row_has_those_it_refers_to_and_no_others() -> None:
    page = read(
        {
            "data": [
                {"id": "1", "relationships": {"team": relate("teams", "7"), "user": relate("users", "7")}},
                {"id": "2", "relationships": {"team": relate("teams", "8"), "gone": relate("teams", "9")}},
                {"id": "3", "relationships": {}},
            ],
            "included": [
                {"type": "users", "id": "7", "n": 1},
                {"type": "teams", "id": "7"},
                {"type": "teams", "id": "8"},
                {"odd": 1},
            ],
            "links": {"next": "https://api.example/jobs?page=2"},
        }
    )
    shown = [[(one["type"], one["id"]) for one in row.data["included"]] for row in page.rows]
    assert shown == [[("teams", "7"), ("users", "7")], [("teams", "8")], []]
    assert [row.data["id"] for row in page.rows] == ["1", "2", "3"]
    assert json.loads(page.rows[0].raw)["included"][1] == {"type": "users", "id": "7", "n": 1}
    assert page.next == "/jobs?page=2"


def test_row_that_refers_to_nothing_as_documented_is_left_as_it_is() -> None:
    page = read({"data": [{"id": "1"}, {}, {"id": "2", "relationships": {}, "included": "mine"}], "links": {}})
    assert [row.data for row in page.rows] == [{"id": "1"}, {}, {"id": "2", "relationships": {}, "included": "mine"}]


def test_answer_without_rows_beside_the_list_includes_none() -> None:
    page = read({"data": [{"id": "1", "relationships": {"team": relate("teams", "7")}}]})
    assert page.rows[0].data["included"] == []
