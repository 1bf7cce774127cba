"""What a route is, and the routes of the writes."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from unihire.errors import ConfigError
from unihire.integration.emulate import EmulatorResponse, Outbox, Receiver, Request, Row
from unihire.integrations.greenhouse.emulator.api.auth import JSON, Token
from unihire.integrations.greenhouse.emulator.query import Invalid
from unihire.integrations.greenhouse.emulator.rows.times import from_millis
from unihire.integrations.greenhouse.emulator.writes.actions import ACTIONS, Action, run_action
from unihire.integrations.greenhouse.emulator.writes.bodies import read_object
from unihire.integrations.greenhouse.emulator.writes.plain import WRITES, Act, Writer
from unihire.kit.clock import Clock, to_micros

PREFIX = "/v3/"
BULK_SCOPES = {"POST": "create", "PATCH": "update", "DELETE": "destroy"}

AnswerRoute = Callable[["Call"], EmulatorResponse]


class Call(NamedTuple):
    """A request that passed the gate."""

    request: Request
    resource: str
    ids: tuple[str, ...]
    token: Token
    base_url: str


class Route(NamedTuple):
    """One operation: its path with the ids left out, the scope it wants, and what answers it."""

    name: str
    resource: str
    scope: str
    answer: AnswerRoute


class Refused(Exception):
    """The request gets this status; the body has the message and, where there are any, the errors."""

    def __init__(self, status: int, message: str, *errors: str) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors


class WriteRoutes:
    """Answers writes."""

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        outbox: Outbox,
        send: Callable[[str, Row, str], Row],
        find_actor: Callable[[Token], int],
        is_strict: bool,
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._outbox = outbox
        self._send = send
        self._find_actor = find_actor
        self._is_strict = is_strict
        self._secrets: dict[int, str] = {}

    def list(self) -> list[tuple[str, Route]]:
        routes = []
        for name, writes in WRITES.items():
            path, scope = f"{PREFIX}{name}", f"harvest:{name}:"
            if writes.create is not None:
                routes.append(("POST", Route(path, name, scope + "create", self._create)))
            for method in writes.bulk:
                routes.append((method, Route(f"{path}/bulk", name, scope + BULK_SCOPES[method], self._run_bulk)))
            if writes.update is not None:
                routes.append(("PATCH", Route(f"{path}/{{id}}", name, scope + "update", self._update)))
            if writes.destroys:
                routes.append(("DELETE", Route(f"{path}/{{id}}", name, scope + "destroy", self._destroy)))
        for name, actions in ACTIONS.items():
            for action in actions:
                path = f"{PREFIX}{name}/{{id}}/{action.verb}"
                routes.append((action.method, Route(path, name, f"harvest:{name}:{action.verb}", self._make(action))))
        return [(method, route._replace(answer=self._do_at_once(route.answer))) for method, route in routes]

    def _do_at_once(self, answer: AnswerRoute) -> AnswerRoute:
        """All that one write touches has the same moment."""
        rows = self._writer.rows

        def answer_at_once(call: Call) -> EmulatorResponse:
            rows.acting_at = to_micros(self._clock.now()) // 1000
            try:
                return answer(call)
            finally:
                rows.acting_at = None

        return answer_at_once

    def _begin(self, call: Call) -> Act:
        now = self._writer.rows.acting_at
        assert now is not None, "writes go through _do_at_once"
        return Act(call.resource, self._find_actor(call.token), from_millis(now), self._is_strict)

    def _get(self, call: Call) -> Row:
        text = call.ids[0]
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0
        row = self._writer.rows.find(call.resource, number)
        if row is None:
            raise Refused(404, "Resource not found")
        return row

    def _answer(self, status: int, row: Row | None, call: Call) -> EmulatorResponse:
        if status == 204 or row is None:
            return EmulatorResponse(204 if status == 204 else status)
        stored = self._writer.rows.streams[call.resource].find(row["id"])
        # What people changed over the control plane is sent as it is, as in lists.
        return EmulatorResponse(
            status, msgspec.json.encode(self._send(call.resource, {**row, **(stored or {})}, call.base_url)), JSON
        )

    def _create(self, call: Call) -> EmulatorResponse:
        given = read_object(call.request.body)
        row = self._writer.create(self._begin(call), given)
        if call.resource == "webhooks":
            self._register(row, given.get("secret"))
        if call.resource == "candidates" and given.get("application") is not None:
            # One reader says that the answer then has both: harvest_v3.json, candidates.
            (application,) = self._writer.list_linked("applications", "candidate_id", row["id"])
            row = {**row, "application": self._send("applications", application, call.base_url)}
        return self._answer(201, row, call)

    def _update(self, call: Call) -> EmulatorResponse:
        number = self._get(call)["id"]
        given = read_object(call.request.body)
        row = self._writer.update(self._begin(call), number, given)
        if call.resource == "webhooks":
            self._register(row, given.get("secret"))
        return self._answer(200, row, call)

    def _destroy(self, call: Call) -> EmulatorResponse:
        row = self._get(call)
        self._writer.destroy(self._begin(call), row["id"])
        if call.resource == "webhooks":
            self._outbox.remove_receiver(row["id"])
        return EmulatorResponse(204)

    def _run_bulk(self, call: Call) -> EmulatorResponse:
        given = read_object(call.request.body)
        report = self._writer.run_bulk(self._begin(call), call.request.method, given)
        return EmulatorResponse(202, msgspec.json.encode(report), JSON)

    def _make(self, action: Action) -> AnswerRoute:
        def answer(call: Call) -> EmulatorResponse:
            row = self._get(call)
            given = read_object(call.request.body)
            return self._answer(action.status, run_action(self._writer, self._begin(call), action, row, given), call)

        return answer

    def _register(self, row: Row, secret: object) -> None:
        """Make the outbox send what this webhook asks for."""
        if row["disabled"]:
            self._outbox.remove_receiver(row["id"])
            return
        try:
            kept = self._secrets[row["id"]] = str(secret or self._secrets.get(row["id"], ""))
            receiver = Receiver(row["id"], row["name"], row["url"], kept, (row["event"],))
            self._outbox.add_receiver(receiver)
        except ConfigError as error:
            self._writer.remove("webhooks", row["id"])
            raise Invalid({"url": str(error)}) from None
