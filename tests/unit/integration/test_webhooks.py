"""What a declaration of webhooks can say: signatures in every place and form that vendors are known to put them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from unihire.integration.webhooks import (
    Delivery,
    SharedToken,
    Signature,
    Touch,
    Verdict,
    Verify,
    decode_base64,
)
from unihire.kit.clock import from_micros

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
SECOND = int(NOW.timestamp())
SECRET = "made-up secret"
BODY = b'{"id": 7, "name": "Zo\\u00eb \\u003cb\\u003e"}'


def digest(text: bytes, secret: str = SECRET) -> bytes:
    return hmac.new(secret.encode(), text, hashlib.sha256).digest()


def deliver(body: bytes = BODY, at: datetime = NOW, **headers: Any) -> Delivery:
    return Delivery({name.replace("_", "-").lower(): value for name, value in headers.items()}, body, at)


def get_header(delivery: Delivery, name: str) -> bytes:
    value = delivery.find_header(name)
    if value is None:
        raise ValueError(name)
    return value.encode()


# Ways of vendors: the signature of one is in the body, those of others are over headers, or packed once more.


def join_headers(delivery: Delivery) -> bytes:
    names = ("event-id", "event-name", "event-version", "link")
    parts = [get_header(delivery, "the-timestamp"), delivery.body, *(get_header(delivery, name) for name in names)]
    return b".".join(parts)


def find_packed_second(delivery: Delivery) -> str:
    parts = dict(part.split("=", 1) for part in decode_base64(delivery.find_header("TT-Signature") or "").split(","))
    return parts.get("t", "")


def join_members(delivery: Delivery) -> bytes:
    return f"{delivery.find_member('token')}{delivery.find_member('triggeredAt')}".encode()


def find_triggered_at(delivery: Delivery) -> datetime | None:
    value = delivery.find_member("triggeredAt")
    return from_micros(value * 1000) if type(value) is int else None


HEX = Signature(header="X-Signature")
PREFIXED = Signature(header="Signature", prefix="sha256 ")
BASE64 = Signature(header="X-Signature", encoding="base64")
SEVERAL = Signature(
    header="the-signature", prefix="v1=", separator=";", signed=join_headers,
    signed_at=lambda delivery: datetime.fromtimestamp(int(get_header(delivery, "the-timestamp")), UTC),
)  # fmt: skip
PACKED = Signature(
    header="TT-Signature", prefix="v2=", separator=",", unpack=decode_base64,
    signed=lambda delivery: find_packed_second(delivery).encode() + b"." + delivery.body,
    signed_at=lambda delivery: datetime.fromtimestamp(int(find_packed_second(delivery)), UTC),
)  # fmt: skip
IN_BODY = Signature(member="signature", signed=join_members, signed_at=find_triggered_at)
TOKEN = SharedToken(header="Authorization", prefix="Bearer ")

LINK = "<https://api.example.com/7>; rel=self"
EVENT: dict[str, Any] = {"event_id": "1", "event_name": "job.created", "event_version": "v1", "link": LINK}


def sign_several(second: int = SECOND) -> Delivery:
    text = b".".join([str(second).encode(), BODY, b"1", b"job.created", b"v1", LINK.encode()])
    both = f"v1={digest(text, 'older').hex()};v1={digest(text).hex()}"
    return deliver(the_timestamp=str(second), the_signature=both, **EVENT)


def sign_packed(second: int = SECOND) -> Delivery:
    text = f"t={second},v2={digest(str(second).encode() + b'.' + BODY).hex()}"
    return deliver(tt_signature=base64.b64encode(text.encode()).decode())


def sign_in_body(moment: datetime = NOW) -> Delivery:
    micros = int(moment.timestamp() * 1000)
    found = {"token": "made-up", "triggeredAt": micros, "signature": digest(f"made-up{micros}".encode()).hex()}
    return deliver(json.dumps({**found, "data": {"id": 7}}).encode())


GOOD: Mapping[str, tuple[Verify, Delivery]] = {
    "hex": (HEX.verify, deliver(x_signature=digest(BODY).hex())),
    "prefixed": (PREFIXED.verify, deliver(signature=f"sha256 {digest(BODY).hex()}")),
    "base64": (BASE64.verify, deliver(x_signature=base64.b64encode(digest(BODY)).decode())),
    "url-safe base64": (BASE64.verify, deliver(x_signature=base64.urlsafe_b64encode(digest(BODY)).decode())),
    "several": (SEVERAL.verify, sign_several()),
    "packed": (PACKED.verify, sign_packed()),
    "in the body": (IN_BODY.verify, sign_in_body()),
    "a token": (TOKEN.verify, deliver(authorization=f"Bearer {SECRET}")),
}
EACH = pytest.mark.parametrize(("verify", "delivery"), GOOD.values(), ids=GOOD)


@EACH
def test_good_delivery_is_good_by_whichever_secret_it_was_signed_with(verify: Verify, delivery: Delivery) -> None:
    assert verify(delivery, [SECRET]) is Verdict.GOOD
    assert verify(delivery, ["another", SECRET, "a third"]) is Verdict.GOOD


@EACH
def test_delivery_under_another_secret_or_none_is_forged(verify: Verify, delivery: Delivery) -> None:
    for secrets in ([], ["another"], [SECRET + " "], [""]):
        assert verify(delivery, secrets) is Verdict.FORGED


@EACH
def test_delivery_without_a_signature_or_with_an_odd_one_is_forged(verify: Verify, delivery: Delivery) -> None:
    bare = Delivery({}, b'{"data": {}}', NOW)
    assert verify(bare, [SECRET]) is Verdict.FORGED
    for odd in (
        "",
        "sha256 ",
        "v1=",
        "ü",
        "00",
        "=" * 5000,
        "v1=;" * 5000,
        base64.b64encode(b"\xff").decode(),
        "Bearer ",
    ):
        spoiled = Delivery(dict.fromkeys([*delivery.headers, "x-signature"], odd), BODY, NOW)
        assert verify(spoiled, [SECRET]) is Verdict.FORGED
    for body in (b"", b"[]", b"{", b'{"signature": 7}', b'{"signature": "00"}', b"[" * 5000, b"\xff"):
        headers = {name: value for name, value in delivery.headers.items() if name == "link"}
        assert verify(Delivery(headers, body, NOW), [SECRET]) is Verdict.FORGED


@pytest.mark.parametrize("name", ["hex", "prefixed", "base64", "several", "packed"])
def test_signature_is_over_the_bytes_as_they_came(name: str) -> None:
    verify, delivery = GOOD[name]
    again = json.dumps(json.loads(BODY), ensure_ascii=False).encode()
    assert json.loads(again) == json.loads(BODY)
    assert verify(Delivery(delivery.headers, again, NOW), [SECRET]) is Verdict.FORGED


@pytest.mark.parametrize("name", list(EVENT))
def test_every_header_that_is_signed_counts(name: str) -> None:
    delivery, header = sign_several(), name.replace("_", "-")
    for headers in (
        {**delivery.headers, header: "another"},
        {other: value for other, value in delivery.headers.items() if other != header},
    ):
        assert SEVERAL.verify(Delivery(headers, BODY, NOW), [SECRET]) is Verdict.FORGED


@pytest.mark.parametrize("minutes", [-6, -4, 4, 6])
def test_delivery_signed_long_ago_or_ahead_is_stale_and_a_forged_one_is_forged(minutes: int) -> None:
    moment = NOW + timedelta(minutes=minutes)
    second = int(moment.timestamp())
    expected = Verdict.STALE if abs(minutes) > 5 else Verdict.GOOD
    for verify, delivery in (
        (SEVERAL.verify, sign_several(second)),
        (PACKED.verify, sign_packed(second)),
        (IN_BODY.verify, sign_in_body(moment)),
    ):
        assert verify(delivery, [SECRET]) is expected
        assert verify(delivery, ["another"]) is Verdict.FORGED


def test_signature_is_that_of_a_vendors_published_vector() -> None:
    """The one vector of its documents that can be recomputed, with a secret made up there."""
    vector: dict[str, Any] = {
        "the_timestamp": "1574080897", "event_id": "123", "event_name": "application.created",
        "event_version": "v201910", "link": "<http://smartrecruiters.com/endpoint>; rel=self",
        "the_signature": "v1=2e9291f10d44ca10204a4cd81b05d73b6a316b2b605d4e2e0e0b37b40198ce1f",
    }  # fmt: skip
    delivery = deliver(b'{"job_id":"jid","candidate_id":"cid"}', datetime.fromtimestamp(1574080900, UTC), **vector)
    assert SEVERAL.verify(delivery, ["HeBVky2bccvvkcXPimH8c"]) is Verdict.GOOD


def test_so_many_signatures_are_looked_at_and_no_more() -> None:
    text = b".".join([str(SECOND).encode(), BODY, b"1", b"job.created", b"v1", LINK.encode()])
    good = f"v1={digest(text).hex()}"
    for before, expected in ((19, Verdict.GOOD), (20, Verdict.FORGED)):
        delivery = deliver(the_timestamp=str(SECOND), the_signature=";".join(["v1=00"] * before + [good]), **EVENT)
        assert SEVERAL.verify(delivery, [SECRET]) is expected


def test_members_of_what_is_no_object_are_missing() -> None:
    assert deliver(b'{"a": {"b": 1}}').find_member("a.b") == 1
    for body in (b"", b"[1]", b"7", b'{"a": 1}', b"[" * 200 + b"]" * 200):
        assert deliver(body).find_member("a.b") is None


def test_touches_that_say_the_same_are_one() -> None:
    assert len({Touch(stream="jobs", id="1"), Touch(stream="jobs", id="1"), Touch(stream="jobs", id="1", by="x")}) == 2
