"""What Ashby says where it refuses a write, read in each of the shapes that clients met."""

import json
from typing import Any

import pytest

from unihire.integrations.ashby.refusals import names_member, read_refusal

INFO = {"code": "invalid_input", "message": "name must not be empty", "requestId": "01"}


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        ({"errors": [{"message": "is wrong", "parameter": "name"}], "errorInfo": INFO}, [("name", "is wrong")]),
        ({"errors": ["invalid_input"], "errorInfo": INFO}, [(None, INFO["message"])]),
        ({"errors": [{"code": "invalid_input", "message": "no"}]}, [(None, "no")]),
        ({"errors": ["candidate_not_found"]}, [(None, "candidate_not_found")]),
        ({"errorInfo": {"code": "failure"}}, [(None, "failure")]),
        ({"errors": 7, "errorInfo": []}, []),
        ({}, []),
    ],
)
def test_faults_have_the_member_and_the_words(said: Any, faults: list[tuple[str | None, str]]) -> None:
    assert list(read_refusal(json.dumps({"success": False, **said}).encode())) == faults


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"7"])
def test_body_of_another_shape_says_nothing(body: bytes) -> None:
    assert list(read_refusal(body)) == []


def test_refusal_is_about_the_member_it_names() -> None:
    body = b'{"success":false,"errors":[{"message":"used before","parameter":"emailProviderEmailId"}]}'
    assert names_member(body, "emailProviderEmailId")
    assert not names_member(body, "subject")
