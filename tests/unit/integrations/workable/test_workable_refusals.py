"""What Workable says where it refuses, in the shapes of contract.json."""

import pytest

from unihire.integrations.workable.refusals import is_already_there, read_refusal


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (b'{"error":"Not authorized"}', [(None, "Not authorized")]),
        (
            b'{"error":"Validation failed","validation_errors":{"email":["candidate already exists","is odd"],"x":[]}}',
            [("email", "candidate already exists, is odd")],
        ),
        (b'{"error":"no","validation_errors":{"phone":"too long"}}', [("phone", "too long")]),
        (b'{"error":"no","validation_errors":["odd"]}', [(None, "no")]),
        (b'{"error":""}', []),
        (b'{"error":7,"validation_errors":{"email":[7,null]}}', []),
        (b"[]", []),
        (b"<html>", []),
        (b"", []),
    ],
)
def test_faults_are_read_with_the_members_they_name(body: bytes, faults: list[tuple[str | None, str]]) -> None:
    assert list(read_refusal(body)) == faults


def test_address_that_is_on_the_job_is_known_by_its_member_and_words() -> None:
    assert is_already_there(b'{"error":"x","validation_errors":{"email":["candidate already exists"]}}')
    assert not is_already_there(b'{"error":"x","validation_errors":{"email":["is no address"]}}')
    assert not is_already_there(b'{"error":"candidate already exists"}')
