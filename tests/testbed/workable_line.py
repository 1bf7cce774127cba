"""The Workable emulator asked without a socket: calls, walks, and changes over the control plane."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from unihire.integration.emulate import EmulatorResponse, Request
from unihire.sandbox.host import SandboxApp
from unihire.sandbox.runner import build_sandbox

Row = dict[str, Any]
ORIGIN = "http://sandbox"
BASE = "/spi/v3"


class RefusedCall(Exception):
    """The vendor's refusal: its status and body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body

    @property
    def fields(self) -> list[str]:
        """What the refusal says is wrong."""
        return list(self.body.get("validation_errors", {}))


@dataclass
class WorkableLine:
    """An emulator, and the token it is asked with; none means the account's."""

    app: SandboxApp
    token: str | None = None

    @property
    def tokens(self) -> dict[str, str]:
        return dict(self.app.emulator.credentials.others)

    def with_token(self, token: str) -> "WorkableLine":
        return WorkableLine(self.app, token)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        origin: str = ORIGIN,
        **headers: str,
    ) -> EmulatorResponse:
        """The answer itself, whatever it is; `path` may have a query, and headers have _ for -."""
        parts = urlsplit(path)
        token = self.tokens["api_token"] if self.token is None else self.token
        given = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = raw if raw is not None else b"" if body is None else msgspec.json.encode(body)
        where = parts.path if parts.path.startswith(BASE) else BASE + parts.path
        query = parse_qsl(parts.query, keep_blank_values=True)
        return self.app.emulator.answer(Request(method, where, query, given, content, origin))

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The body of a good answer; None for none. Raises RefusedCall."""
        answer = self.send(method, path, body)
        found = msgspec.json.decode(answer.body) if answer.body else None
        if answer.status not in (200, 201, 204):
            raise RefusedCall(answer.status, found)
        return found

    def get(self, path: str, **query: Any) -> Any:
        return self.ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, /, **body: Any) -> Any:
        return self.ask("POST", path, body)

    def pages(self, path: str, **query: Any) -> list[Row]:
        """Every page of a list, by its links."""
        found = [self.get(path, **query)]
        while "paging" in found[-1]:
            link = found[-1]["paging"]["next"]
            assert link.startswith(ORIGIN + BASE), link
            found.append(self.get(link.removeprefix(ORIGIN)))
            assert len(found) < 1000
        return found

    def walk(self, path: str, **query: Any) -> list[Row]:
        rows: list[Row] = []
        for page in self.pages(path, **query):
            (member,) = set(page) - {"paging"}
            rows += page[member]
        return rows

    def candidate(self, id_: str) -> Row:
        found: Row = self.get(f"/candidates/{id_}")["candidate"]
        return found

    async def control_async(self, method: str, path: str, body: Any = None) -> Any:
        content = b"" if body is None else msgspec.json.encode(body)
        assert self.app._answer_control is not None
        answer = await self.app._answer_control(Request(method, f"/_sandbox/{path}", (), {}, content, ORIGIN))
        assert answer.status == 200, answer.body
        return msgspec.json.decode(answer.body)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        return asyncio.run(self.control_async(method, path, body))

    def row(self, stream: str, id_: object) -> Row:
        """The truth."""
        found: Row = self.control("GET", f"rows/{stream}/{id_}")
        return found

    def change(self, stream: str, id_: object, **fields: Any) -> None:
        self.control("PATCH", f"rows/{stream}/{id_}", fields)

    def reset(self) -> None:
        self.control("POST", "reset")


def open_workable(size: int = 120, seed: int = 4, **options: str) -> WorkableLine:
    """An emulator of its own, without limits of calls unless they are set."""
    free = {"rate_limit": "0", "partner_rate_limit": "0"}
    return WorkableLine(build_sandbox("workable", size=size, seed=seed, options={**free, **options}))


def list_ids(rows: Iterable[Row]) -> list[str]:
    return [row["id"] for row in rows]
