"""What answers look like: the envelope, refusals, and the id of a request.

A refusal is a 200 with `success: false` wherever other vendors send a 4xx; only keys, limits, unknown paths and
failures of the server show in the status.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from unihire.kit.clock import Clock, to_micros

JSON = "application/json"
VERSION = "2026-01-01"
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Refused(Exception):
    """The request is refused with this code."""

    def __init__(self, code: str, message: str, *, status: int = 200, parameter: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.parameter = code, message, status, parameter


def refuse_input(message: str, parameter: str | None = None) -> Refused:
    return Refused("invalid_input", message, parameter=parameter)


def refuse_missing(thing: str) -> Refused:
    """Nothing has this id, or the key may not see it."""
    return Refused(f"{thing}_not_found", f"{thing.replace('_', ' ').capitalize()} not found")


class Answer(NamedTuple):
    """A success: its results, and what stands beside them."""

    results: Any
    beside: Mapping[str, Any] = MappingProxyType({})


class RequestIds:
    """ULIDs: the moment, and a count."""

    def __init__(self, seed: int, clock: Clock) -> None:
        self._seed, self._clock, self._count = seed, clock, 0

    def make(self) -> str:
        self._count += 1
        bits = to_micros(self._clock.now()) // 1000 << 80
        bits |= (self._seed & 0xFFFFFFFF) << 48 | self._count & 0xFFFFFFFFFFFF
        return "".join(_BASE32[bits >> shift & 31] for shift in range(125, -1, -5))


def encode_success(answer: Answer) -> bytes:
    return msgspec.json.encode({"success": True, "results": answer.results, **answer.beside})


def encode_refusal(refused: Refused, request_id: str, form: str) -> bytes:
    """`form` says where the code is: clients met it in three places."""
    body: dict[str, Any] = {"success": False}
    if refused.parameter is not None:
        error: Any = {"message": refused.message, "parameter": refused.parameter}
    elif refused.status == 403:
        error = {"message": refused.code}
    else:
        error = refused.code
    body["errors"] = [{"code": refused.code, "message": refused.message}] if form == "objects" else [error]
    if form == "texts":
        body["errors"] = [refused.code]
    if form == "info":
        body["errorInfo"] = {"code": refused.code, "message": refused.message, "requestId": request_id}
    return msgspec.json.encode(body)
