"""The Ashby emulator asked without a socket: calls, walks, and changes over the control plane."""

import asyncio
import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from unihire.integration.emulate import EmulatorResponse, Request
from unihire.sandbox.host import SandboxApp
from unihire.sandbox.runner import build_sandbox

Row = dict[str, Any]
ORIGIN = "http://sandbox"


class Refusal(Exception):
    """The vendor's refusal: its code, and the status it came with."""

    def __init__(self, code: str, status: int, body: Row) -> None:
        super().__init__(f"{status} {code}: {body}")
        self.code, self.status, self.body = code, status, body


def sign(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


@dataclass
class AshbyLine:
    """An emulator, and the key it is asked with."""

    app: SandboxApp
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> dict[str, str]:
        return dict(self.app.emulator.credentials.others)

    def with_key(self, key: str) -> "AshbyLine":
        return AshbyLine(self.app, {"authorization": sign(key)})

    def send(self, name: str, raw: bytes = b"{}", method: str = "POST", **headers: str) -> EmulatorResponse:
        """The answer itself, whatever it is."""
        given = {"authorization": sign(self.keys["api_key"]), "content-type": "application/json", **self.headers}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.app.emulator.answer(Request(method, f"/{name}", (), given, raw, ORIGIN))

    def ask_whole(self, name: str, body: Row) -> Row:
        """A good answer with all that is beside its results. Raises Refusal."""
        answer = self.send(name, msgspec.json.encode(body))
        found: Row = msgspec.json.decode(answer.body)
        if answer.status != 200 or found["success"] is not True:
            raise Refusal(found["errorInfo"]["code"], answer.status, found)
        return found

    def ask(self, endpoint: str, /, **body: Any) -> Any:
        return self.ask_whole(endpoint, body)["results"]

    def page(self, endpoint: str, /, **body: Any) -> Row:
        return self.ask_whole(endpoint, body)

    def walk_whole(self, endpoint: str, /, **body: Any) -> tuple[list[Row], str | None]:
        """All rows, and the sync token of the last page."""
        rows: list[Row] = []
        cursor: Row = {}
        while True:
            page = self.ask_whole(endpoint, {**body, **cursor})
            rows += page["results"]
            if not page["moreDataAvailable"]:
                assert "nextCursor" not in page
                return rows, page.get("syncToken")
            assert "syncToken" not in page
            cursor = {"cursor": page["nextCursor"]}

    def walk(self, endpoint: str, /, **body: Any) -> list[Row]:
        return self.walk_whole(endpoint, **body)[0]

    async def control_async(self, method: str, path: str, body: Any = None) -> Any:
        content = b"" if body is None else msgspec.json.encode(body)
        assert self.app._answer_control is not None
        answer = await self.app._answer_control(Request(method, f"/_sandbox/{path}", (), {}, content, ORIGIN))
        assert answer.status == 200, answer.body
        return msgspec.json.decode(answer.body)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        return asyncio.run(self.control_async(method, path, body))

    def change(self, stream: str, id_: str, **fields: Any) -> None:
        self.control("PATCH", f"rows/{stream}/{id_}", fields)

    def reset(self) -> None:
        self.control("POST", "reset")


def open_ashby(size: int = 150, seed: int = 4, **options: str) -> AshbyLine:
    """An emulator of its own, without a limit of calls unless one is set."""
    return AshbyLine(build_sandbox("ashby", size=size, seed=seed, options={"rate_limit": "0", **options}))


def list_ids(rows: Iterable[Row]) -> list[str]:
    return [row["id"] for row in rows]
