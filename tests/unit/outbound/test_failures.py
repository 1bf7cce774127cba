import json

import pytest

from unihire.errors import PermissionMissing, RetryLater, StartOver, VendorRefused
from unihire.outbound.failures import FailureKind, Failures
from unihire.outbound.judging import CredentialsUnknown, judge
from unihire.outbound.paging import VendorResponse


def find_code(body: bytes) -> str | None:
    code: str | None = json.loads(body).get("code")
    return code


FAILURES = Failures(
    find_code=find_code,
    kinds={
        "key": FailureKind.CREDENTIALS, "right": FailureKind.PERMISSION, "gone": FailureKind.MISSING,
        "dead": FailureKind.START_OVER, "busy": FailureKind.LATER,
    },
    statuses={403: FailureKind.CREDENTIALS},
)  # fmt: skip


def judged(status: int, code: str | None = None, **headers: str) -> VendorResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return judge("POST /x", VendorResponse(status, named, json.dumps({"code": code}).encode()), failures=FAILURES)


def test_success_is_one() -> None:
    assert judged(200).status == 200


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize(
    ("code", "error"),
    [("key", CredentialsUnknown), ("right", PermissionMissing), ("dead", StartOver), ("busy", RetryLater)],
)
def test_code_says_what_the_answer_means_whatever_its_status(status: int, code: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"the vendor answers {code}"):
        judged(status, code)


def test_missing_thing_is_a_404() -> None:
    with pytest.raises(VendorRefused) as raised:
        judged(200, "gone")
    assert raised.value.status == 404


def test_unknown_code_refuses_and_is_no_success() -> None:
    with pytest.raises(VendorRefused, match="the vendor answers odd") as raised:
        judged(200, "odd" + "x" * 500)
    assert raised.value.status == 400
    assert len(str(raised.value)) < 200


def test_status_means_what_is_declared_where_no_code_says_other() -> None:
    with pytest.raises(CredentialsUnknown):
        judged(403)
    with pytest.raises(CredentialsUnknown):
        judged(403, "odd")
    with pytest.raises(VendorRefused, match="422"):
        judged(422)


def test_vendor_that_is_busy_says_for_how_long() -> None:
    with pytest.raises(RetryLater) as raised:
        judged(200, "busy", Retry_After="7")
    assert raised.value.after == 7
