"""Answers with the wrong content: what faults make of a good one."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from unihire.integration.emulate import Answer

PATIENCE = b"<!doctype html><title>Maintenance</title><p>We will be back soon.</p>"
ERROR = {"error": {"code": "internal", "message": "Something went wrong"}}


def say_patience(answer: Answer) -> Answer:
    return msgspec.structs.replace(answer, body=PATIENCE, content_type="text/html; charset=utf-8")


def say_error(answer: Answer) -> Answer:
    return msgspec.structs.replace(answer, body=msgspec.json.encode(ERROR))


def mislabel(answer: Answer) -> Answer:
    return msgspec.structs.replace(answer, content_type="text/html")


def retype_ids(answer: Answer) -> Answer:
    """Every member `id`, `…_id` and `…_ids` in the other type: 7 as "7", "7" as 7."""
    return msgspec.structs.replace(answer, body=msgspec.json.encode(_retype(msgspec.json.decode(answer.body))))


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


SPOILERS: Mapping[str, Callable[[Answer], Answer]] = {
    "html": say_patience,
    "error-body": say_error,
    "odd-type": mislabel,
    "text-ids": retype_ids,
}
"""By the fault's word."""
