"""What Ashby's failures are taken for, and that a success costs nothing."""

from typing import Any

import msgspec
import pytest

from unihire.integrations.ashby.failures import FAILURES, find_code
from unihire.outbound.failures import FailureKind

PERMISSION = {"success": False, "errors": [{"message": "missing_endpoint_permission"}]}


def write(code: Any = None, errors: Any = None) -> bytes:
    info = {} if code is None else {"errorInfo": {"code": code, "message": "Words for people", "requestId": "01HZ"}}
    return msgspec.json.encode({"success": False, "errors": errors, **info})


@pytest.mark.parametrize(
    "body",
    [
        b'{"success":true,"results":[{"name":"',  # nothing behind the beginning is looked at
        b' {\n "success" : true, "errors": ["application_not_found"]}',
        b'{"results":[{"success":false}],"success":true}',
        b'{"moreDataAvailable":false}',
    ],
)
def test_success_has_no_code(body: bytes) -> None:
    assert find_code(body) is None
    assert FAILURES.find(200, body) is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (write("application_not_found"), "application_not_found"),
        (write(errors=["application_not_found"]), "application_not_found"),
        (write(errors=[{"code": "application_not_found", "message": "Words"}]), "application_not_found"),
        (write(errors=[{"message": "application_not_found", "parameter": "applicationId"}]), "application_not_found"),
        (write("invalid_input", ["sync_token_expired"]), "sync_token_expired"),
        (write("invalid_input", ["other"]), "invalid_input"),
        (write(None, ["Words for people."]), "failure"),
        (write(7, "odd"), "failure"),
        (b'{"success":false}', "failure"),
        (b'{"results":[],"success":false,"errorInfo":{"code":"invalid_input"}}', "invalid_input"),
    ],
)
def test_code_is_found_wherever_it_is(body: bytes, code: str) -> None:
    assert find_code(body) == code


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"success":', b'{"success":"no"}', b"\xff"])
def test_what_is_no_answer_of_ashbys_has_no_code(body: bytes) -> None:
    assert find_code(body) is None


@pytest.mark.parametrize(
    "code",
    [
        "sync_token_expired", "sync_token_invalid", "incremental_sync_too_large", "next_cursor_expired",
        "cursor_invalid", "invalid_next_cursor",
    ],
)  # fmt: skip
def test_tokens_and_cursors_that_are_not_taken_mean_to_begin_again(code: str) -> None:
    assert FAILURES.find(200, write(code)) == (FailureKind.START_OVER, code)
    assert FAILURES.find(200, write(None, [code])) == (FailureKind.START_OVER, code)


@pytest.mark.parametrize("code", ["job_posting_not_found", "candidate_not_found", "offer_not_found", "not_found"])
def test_missing_things_are_missing(code: str) -> None:
    assert FAILURES.find(200, write(code)) == (FailureKind.MISSING, code)


def test_blocked_submission_is_no_application() -> None:
    assert FAILURES.find(200, write("application_blocked")) == (FailureKind.MISSING, "application_blocked")


def test_missing_permission_is_not_a_wrong_key() -> None:
    body = msgspec.json.encode(PERMISSION)
    assert FAILURES.find(403, body) == (FailureKind.PERMISSION, "missing_endpoint_permission")
    assert FAILURES.find(200, body) == (FailureKind.PERMISSION, "missing_endpoint_permission")
    for status in (401, 403):
        assert FAILURES.find(status, b"") == (FailureKind.CREDENTIALS, str(status))
        assert FAILURES.find(status, write("invalid_api_key")) == (FailureKind.CREDENTIALS, "invalid_api_key")


def test_any_other_code_is_a_refusal_and_any_other_status_what_it_is_in_http() -> None:
    assert FAILURES.find(200, write("invalid_input")) == (FailureKind.REFUSED, "invalid_input")
    assert FAILURES.find(429, write("rate_limit")) is None
    assert FAILURES.find(500, b"<html>") is None
