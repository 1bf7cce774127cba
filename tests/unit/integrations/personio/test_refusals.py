"""Bodies of refused writes at Personio: each fault with the member it names, and words."""

import msgspec
import pytest

from unihire.integrations.personio.refusals import find_uuid, has_applied, is_accepted, read_refusal

ALREADY = {"field": "email", "errors": [{"reason": "errors.applicant-already-exists", "context": {"x": 1}}]}


def write(*errors: object) -> bytes:
    return msgspec.json.encode({"errors": errors})


def test_codes_are_explained_by_the_member() -> None:
    body = write(
        ALREADY,
        {"field": "first_name", "errors": [{"reason": "errors.new"}, {"reason": "errors.other"}]},
        {"field": "files[0].category", "errors": [{"reason": "errors.file-validation.unknown-file-category"}]},
        {"field": "phase.id", "errors": [{"reason": "errors.phase-validation.invalid-system-phase"}]},
    )
    assert list(read_refusal(body)) == [
        ("email", "this e-mail address may have applied for this job already (errors.applicant-already-exists)"),
        ("first_name", "errors.new"),
        ("first_name", "errors.other"),
        (
            "files",
            "files[0].category: there is no such category of files (errors.file-validation.unknown-file-category)",
        ),
        ("phase", "phase.id: there is no such system phase (errors.phase-validation.invalid-system-phase)"),
    ]


def test_status_alone_has_its_detail_or_its_title() -> None:
    entry = {"id": "1", "status": "403", "title": "Forbidden"}
    assert list(read_refusal(write(entry))) == [(None, "Forbidden")]
    assert list(read_refusal(write({**entry, "detail": "Not so."}))) == [(None, "Not so.")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"errors": null}',
        b'{"errors": {"field": "email"}}',
        b'{"errors": [7, null, {}, {"field": 7, "title": 7}, {"field": "email"}]}',
        b'{"errors": [{"field": "email", "errors": [7, {}]}]}',
        b'{"errors": [{"field": "email", "errors": [{"reason": ["errors.applicant-already-exists"]}]}]}',
    ],
)
def test_other_bodies_say_nothing(body: bytes) -> None:
    assert list(read_refusal(body)) == []
    assert not has_applied(body)


def test_that_somebody_has_applied_is_known_among_other_faults() -> None:
    assert has_applied(write({"field": "x", "errors": [{"reason": "errors.new"}]}, ALREADY))
    assert not has_applied(write({"field": "x", "errors": [{"reason": "errors.new"}]}))


def test_answers_without_a_body_accept() -> None:
    assert is_accepted(None)
    assert not is_accepted({"message": "Error"})


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"uuid": 7}', b'{"uuid": ""}', b"<html>"])
def test_upload_without_a_uuid_has_none(body: bytes) -> None:
    assert find_uuid(body) is None
    assert find_uuid(b'{"uuid": "a", "size": 1}') == "a"
