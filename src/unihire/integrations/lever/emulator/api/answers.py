"""What answers and refusals look like."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

JSON = "application/json"
SERVER = ("server", "lever-data-api")
CODES = {
    400: "BadRequestError",
    401: "UnauthorizedError",
    403: "ForbiddenError",
    404: "ResourceNotFound",
    413: "RequestTimeout",
    415: "UnsupportedMediaType",
    422: "UnprocessableEntity",
    429: "TooManyRequests",
    500: "InternalServerError",
}
"""Status → code of a refusal."""


class Refused(Exception):
    """The request is refused with this status."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code or CODES[status]


def refuse_input(message: str, place: str | None = None) -> Refused:
    """The message ends with where in the body or query it is."""
    return Refused(400, message if place is None else f"{message} at /{place.replace('.', '/')[:200]}")


def refuse_missing(stream: str, id_: object) -> Refused:
    return Refused(404, f"{stream} {str(id_)[:100]} was not found")


class Answer(NamedTuple):
    """A success: its data, and what stands beside it. Without data the body is empty."""

    data: Any = None
    status: int = 200
    beside: Mapping[str, Any] = MappingProxyType({})


class Download(NamedTuple):
    """A file."""

    content: bytes
    content_type: str


DELETED = Answer(status=204)


def encode_success(answer: Answer) -> bytes:
    return b"" if answer.status == 204 else msgspec.json.encode({"data": answer.data, **answer.beside})


def encode_refusal(refused: Refused) -> bytes:
    return msgspec.json.encode({"code": refused.code, "message": refused.message})
