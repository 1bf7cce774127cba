"""The Lever emulator asked without a socket: calls, walks, and changes over the control plane."""

import asyncio
import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from unihire.integration.emulate import EmulatorResponse, Request
from unihire.sandbox.host import SandboxApp
from unihire.sandbox.runner import build_sandbox

Row = dict[str, Any]
ORIGIN = "http://sandbox"


class LeverRefusal(Exception):
    """The vendor's refusal: its status, code and message."""

    def __init__(self, status: int, body: Row) -> None:
        super().__init__(f"{status} {body['code']}: {body['message']}")
        self.status, self.code, self.message = status, body["code"], body["message"]


def sign_lever(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


@dataclass
class LeverLine:
    """An emulator, how it is signed in to, empty means with the first key, and the address it is asked at."""

    app: SandboxApp
    authorization: str = ""
    origin: str = ORIGIN

    @property
    def keys(self) -> dict[str, str]:
        return dict(self.app.emulator.credentials.others)

    def with_key(self, key: str) -> "LeverLine":
        return LeverLine(self.app, sign_lever(key), self.origin)

    def send(
        self, method: str, path: str, raw: bytes = b"", query: Any = (), *, content_type: str = "application/json"
    ) -> EmulatorResponse:
        """The answer itself, whatever it is."""
        headers = {"authorization": self.authorization or sign_lever(self.keys["api_key"])}
        if raw:
            headers["content-type"] = content_type
        # As over a socket: encoded once and decoded once.
        pairs = parse_qsl(urlencode(query, doseq=True), keep_blank_values=True)
        return self.app.emulator.answer(Request(method, f"/v1{path}", pairs, headers, raw, self.origin))

    def ask_whole(self, method: str, path: str, body: Any = None, **query: Any) -> Row:
        """A good answer with all that is beside its data. Raises LeverRefusal."""
        raw = b"" if body is None else msgspec.json.encode(body)
        return read_lever(self.send(method, path, raw, query))

    def get(self, path: str, **query: Any) -> Any:
        return self.ask_whole("GET", path, **query)["data"]

    def act(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """A write by the first user."""
        answer = self.ask_whole(method, path, body, **{"perform_as": self.keys["perform_as"], **query})
        return answer.get("data")

    def walk(self, path: str, **query: Any) -> list[Row]:
        """All rows of a list."""
        rows: list[Row] = []
        while True:
            page = self.ask_whole("GET", path, **query)
            rows += page["data"]
            if not page["hasNext"]:
                assert "next" not in page
                return rows
            query = {**query, "offset": page["next"]}

    async def control_async(self, method: str, path: str, body: Any = None) -> Any:
        content = b"" if body is None else msgspec.json.encode(body)
        assert self.app._answer_control is not None
        answer = await self.app._answer_control(Request(method, f"/_sandbox/{path}", (), {}, content, ORIGIN))
        assert answer.status == 200, answer.body
        return msgspec.json.decode(answer.body)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        return asyncio.run(self.control_async(method, path, body))

    def change(self, stream: str, id_: str, **fields: Any) -> Any:
        return self.control("PATCH", f"rows/{stream}/{id_}", fields)

    def reset(self) -> None:
        self.control("POST", "reset")


def read_lever(answer: EmulatorResponse) -> Row:
    """Raises LeverRefusal."""
    body: Row = msgspec.json.decode(answer.body) if answer.body else {}
    if answer.status >= 300:
        raise LeverRefusal(answer.status, body)
    return body


def open_lever(size: int = 100, seed: int = 4, **options: str) -> LeverLine:
    """An emulator of its own, without limits of calls unless they are set."""
    free = {"rate_limit": "0", "apply_limit": "0"}
    return LeverLine(build_sandbox("lever", size=size, seed=seed, options={**free, **options}))


def list_ids(rows: Iterable[Row]) -> list[str]:
    return [row["id"] for row in rows]


def make_lever_form(*parts: tuple[str, str | None, bytes]) -> tuple[bytes, str]:
    """(name, file name or None, content) of each part → body and content type."""
    lines = []
    for name, filename, content in parts:
        file = "" if filename is None else f'; filename="{filename}"'
        lines.append(f'--x\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content)
    return b"\r\n".join([*lines, b"--x--\r\n"]), "multipart/form-data; boundary=x"
