"""The control plane under /_sandbox/: look at an emulator, break it, change its rows, move its clock."""

from collections.abc import Callable
from datetime import timedelta
from inspect import isawaitable
from typing import Any

import msgspec

from unihire.errors import ConfigError
from unihire.integration.emulate import EmulatedStream, EmulatorResponse, Receiver, Request, Row
from unihire.kit.clock import parse_moment, to_text
from unihire.kit.nesting import decode_bounded
from unihire.sandbox.faults import FAULTS, read_fault_fields
from unihire.sandbox.host import CONTROL_PATH, SandboxApp
from unihire.sandbox.layered_rows import show_row
from unihire.sandbox.outbox import SandboxOutbox

MOST_DEPTH = 300
"""Levels of a body: a row may be nested deeper than we read a vendor's, to see what becomes of it."""


class _Refused(Exception):
    """A control request that gets an error: status and what to do."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


Act = Callable[[Any, list[str]], Any]


class Control:
    """Answers control requests. Every answer is JSON; an error is `{"error": what happened and what to do}`."""

    def __init__(self, app: SandboxApp) -> None:
        self._app = app
        # (method, first part of the path, number of further parts) → what is done
        self._acts: dict[tuple[str, str, int], Act] = {
            ("GET", "", 0): self._show_state,
            ("GET", "streams", 0): lambda _body, _parts: self._count_rows(),
            ("GET", "rows", 2): self._show_row,
            ("POST", "rows", 1): self._create_row,
            ("PATCH", "rows", 2): self._change_row,
            ("DELETE", "rows", 2): self._delete_row,
            ("PATCH", "rows", 1): self._change_some,
            ("DELETE", "rows", 1): self._delete_some,
            ("GET", "faults", 0): self._show_faults,
            ("PUT", "faults", 0): self._set_faults,
            ("DELETE", "faults", 0): self._clear_faults,
            ("GET", "clock", 0): self._show_clock,
            ("POST", "clock", 0): self._move_clock,
            ("GET", "requests", 0): self._show_requests,
            ("DELETE", "requests", 0): self._clear_requests,
            ("GET", "receivers", 0): lambda _body, _parts: self._get_outbox().list_receivers(),
            ("POST", "receivers", 0): self._add_receiver,
            ("PATCH", "receivers", 1): self._switch_receiver,
            ("DELETE", "receivers", 1): self._remove_receiver,
            ("GET", "deliveries", 0): lambda _body, _parts: self._get_outbox().list_deliveries(),
            ("POST", "deliveries", 1): self._run_deliveries,
            ("POST", "reset", 0): self._reset,
        }

    async def answer(self, request: Request) -> EmulatorResponse:
        first, *parts = request.path.removeprefix(CONTROL_PATH).strip("/").split("/")
        try:
            act = self._acts.get((request.method, first, len(parts)))
            if act is None:
                others = [method for method, *place in self._acts if place == [first, len(parts)]]
                if others:
                    raise _Refused(405, f"{request.path} takes {', '.join(others)}")
                raise _Refused(404, f"no {request.path} here; GET {CONTROL_PATH}/ lists what there is")
            result = act(_read_body(request.body), parts)
            status, result = 200, await result if isawaitable(result) else result
        except _Refused as error:
            status, result = error.status, {"error": str(error)}
        except ConfigError as error:
            status, result = 400, {"error": str(error)}
        return EmulatorResponse(status, msgspec.json.format(msgspec.json.encode(result)) + b"\n", "application/json")

    # Looking

    def _show_state(self, _body: Any, _parts: list[str]) -> Any:
        app = self._app
        return {
            "emulator": app.kind.slug,
            "title": app.kind.title,
            **app.settings,
            "client_id": app.emulator.credentials.client_id,
            "client_secret": app.emulator.credentials.client_secret,
            "other_credentials": dict(app.emulator.credentials.others),
            "clock": to_text(app.clock.now()),
            "streams": self._count_rows(),
            "faults": app.faults.list(),
            "requests": app.log.total,
            "control": [
                f"{method} {CONTROL_PATH}/{first}{_PLACES.get(first, ('', '/{stream}', '/{stream}/{id}'))[count]}"
                for method, first, count in self._acts
            ],
        }

    def _count_rows(self) -> Any:
        return {name: rows.count() for name, rows in self._app.emulator.streams.items()}

    def _show_requests(self, _body: Any, _parts: list[str]) -> Any:
        log = self._app.log
        return {
            "total": log.total,
            "by_status": {str(status): count for status, count in sorted(log.by_status.items())},
            "by_route": {
                route: {str(status): count for status, count in sorted(counts.items())}
                for route, counts in sorted(log.by_route.items())
            },
            "last": list(log.last),
        }

    def _clear_requests(self, body: Any, parts: list[str]) -> Any:
        self._app.log.clear()
        return self._show_requests(body, parts)

    # Rows

    def _get_stream(self, name: str) -> EmulatedStream:
        streams = self._app.emulator.streams
        if name not in streams:
            raise _Refused(404, f"no stream {name!r}: there are {', '.join(streams)}")
        return streams[name]

    def _read_row_id(self, text: str) -> int:
        """A row's number, or an id of the vendor's."""
        read = self._app.kind.read_id
        number = None if read is None else read(text)
        return _read_id(text) if number is None else number

    def _show_row(self, _body: Any, parts: list[str]) -> Any:
        number = self._read_row_id(parts[1])
        row = self._get_stream(parts[0]).find(number)
        if row is None:
            raise _Refused(404, f"no row {number} in {parts[0]}")
        return show_row(row)

    def _create_row(self, body: Any, parts: list[str]) -> Any:
        rows = self._get_stream(parts[0])
        fields = dict(_get_object(body))
        id_ = fields.pop("id", None)
        number = rows.create(fields, None if id_ is None else self._read_row_id(str(id_)))
        self._announce(parts[0], None, rows.find(number))
        return self._show_row(body, [parts[0], str(number)])

    def _change_row(self, body: Any, parts: list[str]) -> Any:
        number = self._read_row_id(parts[1])
        rows = self._get_stream(parts[0])
        before, row = rows.find(number), rows.change(number, _get_object(body))
        if row is None:
            raise _Refused(404, f"no row {number} in {parts[0]}")
        self._announce(parts[0], before, row)
        return show_row(row)

    def _delete_row(self, _body: Any, parts: list[str]) -> Any:
        number = self._read_row_id(parts[1])
        rows = self._get_stream(parts[0])
        before = rows.find(number)
        if not rows.delete(number):
            raise _Refused(404, f"no row {number} in {parts[0]}")
        self._announce(parts[0], before, None)
        return {"deleted": 1}

    def _change_some(self, body: Any, parts: list[str]) -> Any:
        rows = self._get_stream(parts[0])
        body = _get_object(body)
        fields = body.get("fields")
        if fields is not None:
            _get_object(fields)
        return {"changed": rows.change_some(_read_amount(body, rows), fields, self._app.watch(parts[0]))}

    def _delete_some(self, body: Any, parts: list[str]) -> Any:
        rows = self._get_stream(parts[0])
        amount = _read_amount(_get_object(body), rows)
        return {"deleted": rows.delete_some(amount, self._app.watch(parts[0]))}

    def _announce(self, stream: str, before: Row | None, after: Row | None) -> None:
        watch = self._app.watch(stream)
        if watch is not None:
            watch(before, after)

    # Faults and time

    def _show_faults(self, _body: Any, _parts: list[str]) -> Any:
        spoiled = {route: sorted(ids) for route, ids in self._app.memory.spoiled.items()}
        return {"faults": self._app.faults.list(), "fired": self._app.faults.fired, "spoiled": spoiled, "known": FAULTS}

    def _set_faults(self, body: Any, _parts: list[str]) -> Any:
        if isinstance(body, dict) and "faults" in body:
            body = body["faults"]
        if not isinstance(body, list):
            raise _Refused(400, 'give a list of faults, such as [{"word": "429", "next": 3}]')
        self._app.faults.set([read_fault_fields(entry) for entry in body])
        self._app.memory.spoiled.clear()
        return {"faults": self._app.faults.list()}

    def _clear_faults(self, _body: Any, _parts: list[str]) -> Any:
        self._app.faults.set([])
        return {"faults": []}

    def _show_clock(self, _body: Any, _parts: list[str]) -> Any:
        clock = self._app.clock
        return {"now": to_text(clock.now()), "shift_seconds": clock.shift.total_seconds()}

    def _move_clock(self, body: Any, parts: list[str]) -> Any:
        body = _get_object(body)
        try:
            if set(body) == {"advance_seconds"}:
                by = timedelta(seconds=body["advance_seconds"])
                moved = self._app.clock.now() + by
            elif set(body) == {"set"}:
                moved = parse_moment(body["set"])
            else:
                raise _Refused(400, 'give {"advance_seconds": 3600} or {"set": "2026-01-31T09:30:00Z"}')
        except (TypeError, ValueError, OverflowError):
            raise _Refused(400, f"{body} is no time the clock can be moved to") from None
        if not 1971 <= moved.year <= 9000:
            raise _Refused(400, "the clock moves between the years 1971 and 9000")
        self._app.clock.set(moved)
        return self._show_clock(body, parts)

    # Webhooks

    def _get_outbox(self) -> SandboxOutbox:
        if self._app.outbox is None:
            raise _Refused(404, f"the {self._app.kind.slug} emulator sends no webhooks")
        return self._app.outbox

    async def _add_receiver(self, body: Any, _parts: list[str]) -> Any:
        outbox, fields = self._get_outbox(), _get_object(body)
        known = {"url": str, "secret": str, "events": list, "name": str, "user": str, "password": str}
        for name, value in fields.items():
            if name not in known or not isinstance(value, known[name]):
                raise _Refused(400, 'give {"url": "http://127.0.0.1:9000/", "secret": "…", "events": ["…"]}')
        if "url" not in fields or "secret" not in fields:
            raise _Refused(400, "a receiver needs a url and a secret")
        events = tuple(str(event) for event in fields.pop("events", ()))
        receiver = Receiver(**{"id": outbox.next_number(), "name": "sandbox", **fields, "events": events})
        outbox.add_receiver(receiver)
        await outbox.ping(receiver.id)
        return outbox.list_receivers()[-1]

    def _switch_receiver(self, body: Any, parts: list[str]) -> Any:
        is_enabled = _get_object(body).get("enabled")
        if not isinstance(is_enabled, bool):
            raise _Refused(400, 'give {"enabled": true} or {"enabled": false}')
        if not self._get_outbox().set_enabled(_read_id(parts[0]), is_enabled):
            raise _Refused(404, f"no receiver {parts[0]}")
        return self._get_outbox().list_receivers()

    def _remove_receiver(self, _body: Any, parts: list[str]) -> Any:
        if not self._get_outbox().remove_receiver(_read_id(parts[0])):
            raise _Refused(404, f"no receiver {parts[0]}")
        return self._get_outbox().list_receivers()

    async def _run_deliveries(self, _body: Any, parts: list[str]) -> Any:
        if parts != ["run"]:
            raise _Refused(404, f"POST {CONTROL_PATH}/deliveries/run sends what is due")
        return [delivery.show() for delivery in await self._get_outbox().run_due()]

    def _reset(self, body: Any, parts: list[str]) -> Any:
        app = self._app
        app.clock.shift = timedelta(0)
        app.faults.reset()
        app.log.clear()
        app.memory.clear()
        for rows in app.emulator.streams.values():
            rows.reset()
        app.emulator.reset()
        if app.outbox is not None:
            app.outbox.reset()
        return self._show_state(body, parts)


_PLACES = {"receivers": ("", "/{id}"), "deliveries": ("", "/run")}


def _read_body(body: bytes) -> Any:
    try:
        return decode_bounded(body, most=MOST_DEPTH) if body else None
    except ValueError as error:
        raise _Refused(400, f"the body is not JSON: {error}") from None


def _get_object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise _Refused(400, "the body must be a JSON object")
    return body


def _read_id(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise _Refused(400, f"{text!r} is no id: ids here are whole numbers")
    return int(text)


def _read_amount(body: dict[str, Any], rows: EmulatedStream) -> int:
    count, share = body.get("count"), body.get("share")
    if type(count) is int and count >= 0 and share is None:
        return count
    if isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share <= 1 and count is None:
        return round(rows.count()["rows"] * share)
    raise _Refused(400, 'say how many rows: {"count": 10}, or {"share": 0.01} for one in a hundred')
