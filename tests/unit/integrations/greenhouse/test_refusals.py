"""Bodies with which Harvest v3 refuses a write: which member, and the words."""

import pytest

from unihire.integrations.greenhouse.refusals import read_refusal

UNPROCESSABLE = b'"message": "Unprocessable Content"'


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (b'{%s, "errors": [{"job_id": "is missing"}]}' % UNPROCESSABLE, [("job_id", "is missing")]),
        (b'{%s, "errors": ["The application is hired."]}' % UNPROCESSABLE, [(None, "The application is hired.")]),
        (
            b'{%s, "errors": [{"a": "x", "b": ["y", "z"]}, "w"]}' % UNPROCESSABLE,
            [("a", "x"), ("b", "y, z"), (None, "w")],
        ),
        (b'{"message": "x", "errors": {"a": "y"}}', [("a", "y")]),
        (b'{"message": "Resource not found"}', [(None, "Resource not found")]),
        (b'{"message": "x", "errors": []}', [(None, "x")]),
        (b'{"message": "x", "errors": null}', [(None, "x")]),
        (b'{"message": 7}', []),
        (b"[]", []),
        (b"<html>", []),
        (b"", []),
    ],
)
def test_faults_are_read(body: bytes, faults: list[tuple[str | None, str]]) -> None:
    assert list(read_refusal(body)) == faults
