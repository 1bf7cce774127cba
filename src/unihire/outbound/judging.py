"""What an answer means: a good one as it is, or repaired; any other as the error that says what to do."""

from datetime import UTC, datetime
from http import HTTPStatus

from unihire.errors import (
    AnswerTooLarge,
    PermissionMissing,
    RetryLater,
    StartOver,
    VendorChanged,
    VendorRefused,
    shorten,
)
from unihire.outbound.answers import ANSWER_BYTES
from unihire.outbound.decoding import BYTES_A_VALUE, find_json, has_more_values
from unihire.outbound.failures import FailureKind, Failures
from unihire.outbound.headers import read_retry_after
from unihire.outbound.paging import VendorResponse

_CODE_LENGTH = 80
"""Characters of a vendor's code that an error shows."""

_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


class CredentialsUnknown(Exception):
    """The vendor's answer says that it does not know the credentials; the text names the call and the code."""


def judge(
    call: str, answer: VendorResponse, *, most_bytes: int = ANSWER_BYTES, failures: Failures | None = None
) -> VendorResponse:
    """The answer where it is good; otherwise raises what the answer means for the engine.

    `call` is method and path. A query is never shown: it can contain personal data. An answer of
    `most_bytes` at most may contain a value for each 32 of them. `failures` say what the vendor's own codes mean.
    Raises CredentialsUnknown where one says that the credentials are no good.
    """
    status = answer.status
    found = None if failures is None else failures.find(status, answer.body)
    if found is not None:
        raise _explain(call, answer, *found)
    if 200 <= status < 300:
        most = most_bytes // BYTES_A_VALUE
        if has_more_values(answer.body, most):
            raise AnswerTooLarge(f"{call}: the answer has more than {most:,} values")
        body = find_json(answer.body)
        if body is None:
            raise VendorChanged(f"{call}: the body is not JSON")
        return answer if body is answer.body else VendorResponse(status, answer.headers, body)
    if not 200 <= status < 600:
        raise VendorChanged(f"{call}: the vendor answers {status}, which is no status of an answer")
    if 300 <= status < 400:  # to a page that asks for patience or for a password, most often
        raise RetryLater(f"{call}: the vendor answers {status}, a redirect, which is not followed", status=status)
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        after = read_retry_after(answer.headers, datetime.now(UTC))
        raise RetryLater(f"{call}: the vendor answers {status}", after=after, status=status)
    if status == HTTPStatus.FORBIDDEN:
        raise PermissionMissing(f"{call}: the credentials do not reach this (403)", body=answer.body)
    raise VendorRefused(f"{call}: the vendor answers {status}", status=status, body=answer.body)


def _explain(call: str, answer: VendorResponse, kind: FailureKind, code: str) -> Exception:
    """The error that a failure by the vendor's own code is; the code is the vendor's word, shortened."""
    said = f"{call}: the vendor answers {shorten(code, _CODE_LENGTH)}"
    match kind:
        case FailureKind.CREDENTIALS:
            return CredentialsUnknown(said)
        case FailureKind.PERMISSION:
            return PermissionMissing(f"{said}: the credentials do not reach this", body=answer.body)
        case FailureKind.MISSING:
            return VendorRefused(said, status=HTTPStatus.NOT_FOUND, body=answer.body)
        case FailureKind.START_OVER:
            return StartOver(said, status=answer.status, body=answer.body)
        case FailureKind.LATER:
            after = read_retry_after(answer.headers, datetime.now(UTC))
            return RetryLater(said, after=after, status=max(answer.status, HTTPStatus.BAD_REQUEST))
        case FailureKind.REFUSED:
            return VendorRefused(said, status=max(answer.status, HTTPStatus.BAD_REQUEST), body=answer.body)
