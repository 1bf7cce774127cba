"""What a customer is asked to grant, and what a grant allows."""

import pytest

from unihire.integration.operate import Nothing, Operation, Output
from unihire.integration.scopes import Access, find_access, find_granted, list_missing, list_scopes
from unihire.outbound.auth import AuthorizationCode


async def run(context: object, given: object) -> Output:
    return Output()


def write(name: str, *scopes: str, more: tuple[str, ...] = ()) -> Operation:
    return Operation(
        name=name, title=name, description="", input=Nothing, output=Output, run=run, calls="1", is_write=True,
        writes={"job": ("name",)}, scopes=scopes, more_scopes=more,
    )  # fmt: skip


OPERATIONS = [write("a", "jobs:create", more=("notes:create",)), write("b", "notes:create", "jobs:read")]


PARTNERS = AuthorizationCode(authorize_path="/a", token_path="/t", credentials=(), scopes=("people:read",))


def ask(*scopes: str, access: Access) -> tuple[str, ...]:
    return list_scopes(
        AuthorizationCode(authorize_path="/a", token_path="/t", credentials=(), scopes=scopes), OPERATIONS, access
    )


def test_reads_alone_are_asked_for_or_each_scope_of_a_write_once_besides() -> None:
    assert ask("jobs:read", access="read") == ("jobs:read",)
    assert ask("jobs:read", access="read-write") == ("jobs:read", "jobs:create", "notes:create")


def test_vendor_that_grants_all_there_is_is_asked_for_nothing() -> None:
    assert ask(access="read-write") == ()


def test_scope_is_missing_only_where_it_is_known_what_was_granted() -> None:
    assert list_missing(["a", "b", "a", "c"], ["b"]) == ["a", "c"]
    assert list_missing(["a"], None) == []
    assert list_missing(["a"], []) == ["a"]


@pytest.mark.parametrize(
    "named", [None, [], ["read", "write"], ["JOBS:CREATE"], [f"s{each}" for each in range(10_000)]]
)
def test_what_a_vendor_names_in_other_words_is_not_known(named: list[str] | None) -> None:
    assert find_granted(PARTNERS, OPERATIONS, named) is None


@pytest.mark.parametrize("named", [["people:read"], ["notes:create", "other"], ["jobs:read"]])
def test_grant_that_names_one_scope_we_know_has_those_it_names(named: list[str]) -> None:
    assert find_granted(PARTNERS, OPERATIONS, named) == named


@pytest.mark.parametrize(
    ("granted", "access"),
    [(None, "read"), ([], "read"), (["other"], "read"), (["notes:create"], "read-write")],
)
def test_customer_is_asked_again_for_what_they_granted(granted: list[str] | None, access: Access) -> None:
    assert find_access(OPERATIONS[:1], granted) == access
