"""Answers with the wrong content, whole: another body, ids of another type."""

from typing import Any

import msgspec

from unihire.sandbox.spoiling.reply import OutgoingResponse, Spoiler, Strike, encode, note

PATIENCE = b"<!doctype html><title>Maintenance</title><p>We will be back soon.</p>"
ERROR = {"error": {"code": "internal", "message": "Something went wrong"}}
# A number of each kind: nothing to read, a part, not changed, gone away for a while, a proxy's own.
ODD_STATUSES = (202, 204, 205, 206, 226, 300, 304, 408, 425, 500, 502, 503, 504, 521, 530, 599)


def say_patience(reply: OutgoingResponse, strike: Strike) -> None:
    reply.set_body(PATIENCE)
    reply.answer = msgspec.structs.replace(reply.answer, content_type="text/html; charset=utf-8")


def say_error(reply: OutgoingResponse, strike: Strike) -> None:
    reply.set_body(encode(ERROR))


def retype_ids(reply: OutgoingResponse, strike: Strike) -> None:
    """Every member `id`, `…_id` and `…_ids` in the other type: 7 as "7", "7" as 7."""
    for row in reply.list_rows():
        note(reply, "text-ids", row)
    reply.__dict__["document"] = _retype(reply.document)
    reply.is_touched = True


def _retype(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _retype(member, name) for name, member in value.items()}
    if isinstance(value, list):
        return [_retype(member, name) for member in value]
    if name != "id" and not name.endswith(("_id", "_ids")):
        return value
    if type(value) is int:
        return str(value)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and not value.startswith("0"):
        return int(value)
    return value


def change_status(reply: OutgoingResponse, strike: Strike) -> None:
    status = strike.rng.choice(ODD_STATUSES)
    reply.answer = msgspec.structs.replace(reply.answer, status=status)
    if status in (204, 205, 304):
        reply.set_body(b"")


def answer_nothing(reply: OutgoingResponse, strike: Strike) -> None:
    """An empty body, a null, or JSON of a shape that no list and no row has."""
    reply.set_body(strike.rng.choice((b"", b"null", b"[]", b"{}", b'"maintenance"', b"0", b"true", b"[[]]", b"[null]")))


def _always(reply: OutgoingResponse) -> bool:
    return reply.answer.status == 200 and bool(reply.answer.body)


RETYPING = {
    "text-ids": Spoiler(
        "the ids in a list's rows change their type: numbers become text, and text numbers",
        lambda reply: reply.stream is not None and reply.rows is not None,
        retype_ids,
    ),
}
BODIES = {
    "html": Spoiler("a 200 with a web page that asks for patience", _always, say_patience),
    "error-body": Spoiler("a 200 whose body is JSON that describes an error", _always, say_error),
    "odd-body": Spoiler("a 200 whose body is empty, a null, or JSON of another shape", _always, answer_nothing),
    "odd-status": Spoiler(
        "another status with the right body, or none: 202, 204, 206, 304, 425, 503, 530 and the like",
        _always,
        change_status,
    ),
}
