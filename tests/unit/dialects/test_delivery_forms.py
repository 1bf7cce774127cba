"""How deliveries are signed: checked by the public library, and by the contract's recipe and vector."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from unihire.dialects.bindbee.native_form import NATIVE, SIGNATURE_HEADER, sign_body
from unihire.dialects.unihire.standard_form import STANDARD
from unihire.events.deliveries.messages import Message

MESSAGE = Message("msg_1", "record.created", '{"name":"Zoë"}'.encode())


def test_public_library_takes_what_is_signed_and_nothing_else() -> None:
    secret = STANDARD.draw_secret()
    headers = dict(STANDARD.sign(MESSAGE, [secret], datetime.now(UTC)))
    assert headers["webhook-id"] == MESSAGE.id
    assert Webhook(secret).verify(MESSAGE.body, headers) == {"name": "Zoë"}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(MESSAGE.body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(MESSAGE.body, {**headers, "webhook-id": "msg_2"})
    with pytest.raises(WebhookVerificationError):
        Webhook(STANDARD.draw_secret()).verify(MESSAGE.body, headers)


def test_library_refuses_an_old_moment() -> None:
    secret = STANDARD.draw_secret()
    headers = dict(STANDARD.sign(MESSAGE, [secret], datetime.now(UTC) - timedelta(minutes=6)))
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(MESSAGE.body, headers)


def test_while_a_secret_is_replaced_either_takes_the_message() -> None:
    old, new = STANDARD.draw_secret(), STANDARD.draw_secret()
    headers = dict(STANDARD.sign(MESSAGE, [new, old], datetime.now(UTC)))
    assert len(headers["webhook-signature"].split()) == 2
    for secret in (old, new):
        Webhook(secret).verify(MESSAGE.body, headers)


def test_moment_of_another_zone_is_signed_as_the_moment_it_is() -> None:
    secret, now = STANDARD.draw_secret(), datetime.now().astimezone()
    Webhook(secret).verify(MESSAGE.body, dict(STANDARD.sign(MESSAGE, [secret], now)))


def test_native_signature_is_that_of_the_contracts_vector() -> None:
    assert sign_body("k", b"{}") == "rdhTsQP7zJNqGU-esV4pxP8Ir25H1dG8pPICGOMeT_8="
    assert dict(NATIVE.sign(MESSAGE, ["new", "old"], datetime.now(UTC))) == {
        SIGNATURE_HEADER: sign_body("new", MESSAGE.body)
    }


@pytest.mark.parametrize("length", [23, 65])
def test_standard_secret_has_the_length_of_the_specification(length: int) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        STANDARD.check_secret("whsec_" + base64.b64encode(b"x" * length).decode())


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_???", base64.b64encode(b"x" * 32).decode()])
def test_what_is_no_standard_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        STANDARD.check_secret(secret)


@pytest.mark.parametrize("secret", ["x" * 15, "x" * 201, "é" * 20, "x\n" * 10])
def test_what_is_no_native_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="16 to 200"):
        NATIVE.check_secret(secret)


def test_drawn_secrets_are_good_and_all_different() -> None:
    for form in (STANDARD, NATIVE):
        drawn = [form.draw_secret() for _ in range(50)]
        assert len(set(drawn)) == 50
        for secret in drawn:
            form.check_secret(secret)
