"""What a list is asked with first."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from unihire.integration.declare import Stream
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import WholeList
from unihire.sync.fetching import first_page

CLIENT = cast(VendorClient, SimpleNamespace(target=SimpleNamespace(locate=lambda path: f"/v1{path}")))
NOTES = Stream(
    name="notes", path="/people/{person}/notes", paging=WholeList(items=None), id_of=str, params={"all": "yes"}
)


def ask(filters: dict[str, Any]) -> str:
    return first_page(CLIENT, NOTES, filters)


def test_filter_that_the_path_names_is_a_part_of_it_and_others_are_in_the_query() -> None:
    assert ask({"person": "7", "kind": "call"}) == "/v1/people/7/notes?all=yes&kind=call"


def test_filter_in_a_path_leads_nowhere_else() -> None:
    assert ask({"person": "../7?x"}) == "/v1/people/..%2F7%3Fx/notes?all=yes"


def test_filter_that_the_path_needs_must_be_given() -> None:
    with pytest.raises(KeyError, match="person"):
        ask({"kind": "call"})
