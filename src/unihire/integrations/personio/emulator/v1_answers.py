"""Answers of v1's recruiting paths. Both shapes of an error are official: reasons by field, or the status alone."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from unihire.integration.emulate import EmulatorResponse

JSON = "application/json"
BODILESS = (401, 429)
"""No body is documented for these."""


class V1Refusal(Exception):
    """The request is refused with this status, for these reasons: field → codes, each field once.

    Without reasons the answer has the shape that only says the status, with `detail`, whose texts are guesses.
    """

    def __init__(self, status: int, reasons: Mapping[str, Sequence[str]] | None = None, detail: str = "") -> None:
        super().__init__(detail or str(reasons))
        self.status = status
        self.reasons = reasons or {}
        self.detail = detail


def explain(refusal: V1Refusal, make_id: Callable[[], str]) -> EmulatorResponse:
    if refusal.status in BODILESS:
        return EmulatorResponse(refusal.status)
    errors: list[dict[str, Any]] = [
        {"field": field, "errors": [{"reason": code} for code in codes]} for field, codes in refusal.reasons.items()
    ]
    if not errors:
        status = HTTPStatus(refusal.status)
        errors = [{"id": make_id(), "status": str(status.value), "title": status.phrase}]
        if refusal.detail:
            errors[0]["detail"] = refusal.detail
    return EmulatorResponse(refusal.status, msgspec.json.encode({"errors": errors}), JSON)
