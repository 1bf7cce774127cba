"""Files of writes: fetched from an address, or sent as base64, within bounds; vendors' functions get the content."""

import asyncio
import base64
import binascii
import mimetypes
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
import msgspec

from unihire.errors import AddressRefused, Invalid
from unihire.model import FileInput
from unihire.outbound.addresses import AddressPolicy, make_connector
from unihire.platform.writing.body_checks import Problem, describe

MOST_BYTES = 20 * 1024 * 1024
"""Of one file."""

FETCH_SECONDS = 30.0

CHUNK = 64 * 1024

UNKNOWN_TYPE = "application/octet-stream"

TYPES = frozenset(
    {
        "application/msword",
        "application/pdf",
        "application/rtf",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/zip",
        "audio/mpeg",
        "image/gif",
        "image/jpeg",
        "image/png",
        "text/csv",
        "text/plain",
        "text/rtf",
        "video/mp4",
    }
)
"""The types of files that are taken and handed out: none that a browser would run."""


class Files:
    """Gets the content of the files in a body. `policy` says where addresses may lead."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy

    async def fill(self, data: dict[str, Any]) -> dict[str, Any]:
        """The body, in which each file has its content, name and type. Raises Invalid, with the place of the file."""
        places = list(_list_files(data))
        if not places:
            return data
        filled = await asyncio.gather(*(self._read(place, file) for place, file in places))
        if problems := [one for one in filled if isinstance(one, _Bad)]:
            raise Invalid([problem.problem for problem in problems])
        if "attachments" in data:
            return {**data, "attachments": [one for one in filled if isinstance(one, dict)]}
        return {**data, **next(one for one in filled if isinstance(one, dict))}

    async def _read(self, place: tuple[str | int, ...], file: dict[str, Any]) -> "dict[str, Any] | _Bad":
        url, content = file.get("file_url"), file.get("file_content")
        if (url is None) == (content is None):
            return _Bad(describe(place, "send either file_url or file_content", None))
        if content is not None:
            try:
                read = base64.b64decode(content, validate=True)
            except (binascii.Error, ValueError):
                return _Bad(describe((*place, "file_content"), "this is not base64", None))
            if len(read) > MOST_BYTES:
                return _Bad(describe((*place, "file_content"), _too_large(), None))
            found_type = None
        else:
            try:
                read, found_type = await self._fetch(str(url))
            except AddressRefused as error:
                return _Bad(describe((*place, "file_url"), str(error), url))
            except _Unfetched as error:
                return _Bad(describe((*place, "file_url"), str(error), url))
        if not read:
            return _Bad(describe(place, "the file is empty", None))
        name = file.get("file_name") or (unquote(PurePosixPath(urlsplit(str(url)).path).name) if url else "")
        if not name:
            return _Bad(describe((*place, "file_name"), "Field required", None))
        kind = file.get("content_type") or mimetypes.guess_type(name)[0] or found_type or UNKNOWN_TYPE
        if kind not in TYPES:
            return _Bad(describe((*place, "content_type"), f"files of the type {kind} are not taken", kind))
        return {
            **file,
            "file_name": name,
            "file_content": base64.b64encode(read).decode(),
            "content_type": kind,
            "file_url": None,
        }

    async def _fetch(self, url: str) -> tuple[bytes, str | None]:
        """The file at an address, and its type. Raises AddressRefused and _Unfetched."""
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=make_connector(self._policy, limit=4),
                    timeout=timeout,
                    cookie_jar=aiohttp.DummyCookieJar(),
                ) as session,
                session.get(url, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise _Unfetched(f"the address answers {answer.status}, and must answer 200 with the file")
                read = bytearray()
                async for chunk in answer.content.iter_chunked(CHUNK):
                    read += chunk
                    if len(read) > MOST_BYTES:
                        raise _Unfetched(_too_large())
                return bytes(read), answer.content_type
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _Unfetched(f"the file could not be fetched ({type(error).__name__})") from error


class _Unfetched(Exception):
    """A file could not be had from its address; the message says why."""


class _Bad(msgspec.Struct):
    """What is wrong with a file."""

    problem: Problem


def _too_large() -> str:
    return f"the file is larger than {MOST_BYTES // 1024 // 1024} MiB"


def _list_files(data: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """The files in a body with their places: those of `attachments`, or the body itself where that is one."""
    names = FileInput.__struct_fields__
    if isinstance(data.get("attachments"), list):
        for number, file in enumerate(data["attachments"]):
            yield ("body", "attachments", number), file
    elif "file_name" in data or "file_url" in data or "file_content" in data:
        yield ("body",), {name: data[name] for name in names if name in data}
