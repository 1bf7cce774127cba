from typing import Any

import pytest

from unihire.cli.demo.seed_calls import DemoCall, find_list_faults, find_record_faults
from unihire.dialects.bindbee.face import NATIVE
from unihire.model import MODELS

JOB = MODELS["job"]
WHOLE: dict[str, Any] = {**dict.fromkeys(NATIVE.list_keys(JOB)), "id": "1"}


def answer(status: int, body: Any) -> DemoCall:
    return DemoCall("GET", "/", status, body, 0.0)


def page(*items: Any, size: int | None = None) -> dict[str, Any]:
    return {"cursor": None, "page_size": len(items) if size is None else size, "items": list(items)}


def test_answers_as_they_must_be_have_no_fault() -> None:
    assert not list(find_list_faults(JOB, answer(200, page(WHOLE, WHOLE))))
    assert not list(find_record_faults(JOB, answer(200, WHOLE), "1"))


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (answer(500, "oh"), "expected 200 with an object, got 500"),
        (answer(200, {"items": []}), "a page has cursor, page_size and items; this one has items"),
        (answer(200, page()), "the list is empty"),
        (answer(200, page(WHOLE, size=50)), "page_size is 50 with 1 items"),
        (answer(200, page({**WHOLE, "more": 1})), "keys that a job does not have: more"),
        (answer(200, page({key: None for key in WHOLE if key != "name"})), "keys missing from a job: name"),
    ],
)
def test_a_wrong_list_is_told(call: DemoCall, fault: str) -> None:
    assert list(find_list_faults(JOB, call)) == [fault]


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (answer(404, {"detail": "no"}), "expected 200 with an object, got 404"),
        (answer(200, {**WHOLE, "id": "2"}), "asked for 1, got 2"),
    ],
)
def test_a_wrong_record_is_told(call: DemoCall, fault: str) -> None:
    assert list(find_record_faults(JOB, call, "1")) == [fault]
