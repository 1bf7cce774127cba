"""A vendor of people, their applications and offers, and tags: what of one hangs on another."""

from dataclasses import replace
from typing import Any

from testbed.vendor import ACME, Vendor
from unihire.integration.declare import IdFilter, Join, RecordMapping, Source, Stream
from unihire.model import Application, Candidate, Offer
from unihire.outbound.paging import NextLink

LIST = NextLink(items="rows", link=("next",), page_size={"limit": "50"})


def to_person(source: Source) -> Candidate:
    tags = [tag["name"] for tag in source.details.get("tags", [])]
    return Candidate(remote_id=source.row["id"], first_name=source.row["name"], tags=tags)


def to_application(source: Source) -> Application:
    return Application(remote_id=source.row["id"], candidate=source.row["person_id"])


def to_offer(source: Source) -> Offer:
    return Offer(remote_id=source.row["id"], application=source.row["application_id"])


def declare(name: str, *mappings: RecordMapping, **more: Any) -> Stream:
    return Stream(
        name=name, path=f"/{name}", paging=LIST, id_of=lambda row: str(row["id"]), mappings=mappings,
        by_id=IdFilter(by="{member}s"), **more,
    )  # fmt: skip


TAGS = Join(name="tags", stream="tags", on="person_id", members=("name",))
DELTA = replace(
    ACME,
    streams=(
        declare("tags"),
        declare("people", RecordMapping(Candidate, to_person), joins=(TAGS,)),
        declare("applications", RecordMapping(Application, to_application), found_by=("person_id",)),
        declare("offers", RecordMapping(Offer, to_offer)),
    ),
)


def tag(id: str, person_id: str, name: str) -> dict[str, Any]:
    return {"id": id, "person_id": person_id, "name": name}


def application(id: str, person_id: str) -> dict[str, Any]:
    return {"id": id, "person_id": person_id}


def offer(id: str, application_id: str) -> dict[str, Any]:
    return {"id": id, "application_id": application_id}


def fill(vendor: Vendor) -> None:
    """Three people, two of whom have applications, offers and tags."""
    vendor.lists = {
        "/tags": [tag("1", "1", "red"), tag("2", "1", "blue"), tag("3", "2", "red")],
        "/people": [{"id": number, "name": f"Person {number}"} for number in "123"],
        "/applications": [application("11", "1"), application("12", "1"), application("21", "2")],
        "/offers": [offer("111", "11"), offer("211", "21")],
    }


def remove(vendor: Vendor, path: str, *ids: str) -> None:
    vendor.lists[path] = [row for row in vendor.lists[path] if row["id"] not in ids]
