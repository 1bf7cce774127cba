"""Files of writes: fetched from an address, or sent with the call, within bounds; vendors' functions get the content.

What was fetched, or came in a form, is on disk where it is large; what came as base64 is in memory.
"""

import asyncio
import base64
import binascii
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import aiohttp
import msgspec

from unihire.errors import AddressRefused, Invalid, NotNow
from unihire.kit.file_contents import DiskFull, FileBytes, Spool
from unihire.model import FileInput
from unihire.outbound.addresses import AddressPolicy, make_connector
from unihire.platform.writing.body_checks import Problem, describe

MOST_BYTES = 20 * 1024 * 1024
"""Of one file."""

MOST_FETCHED = 100 * 1024 * 1024
"""Bytes of all files of one write that are fetched."""

FETCHES_AT_ONCE = 8
"""Of one process; others wait."""

FETCH_SECONDS = 30.0

FULL_SECONDS = 5.0
"""After which a caller may ask again whose file found no room."""

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


class FilledFiles(NamedTuple):
    """The members of a body that are files, each with name and type, and their contents in that order."""

    members: dict[str, Any]
    contents: tuple[FileBytes, ...] = ()


class Files:
    """Gets the content of the files in a body. `policy` says where addresses may lead."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._fetching = asyncio.Semaphore(FETCHES_AT_ONCE)

    async def fill(self, data: dict[str, Any], sent: FileBytes | None = None) -> FilledFiles:
        """The files of a body. `sent` is the content of the only one, where the body has its hash instead.

        Raises Invalid, with the place of the file, and NotNow where there is no room for it.
        """
        places, tally = list(_list_files(data)), _Tally()
        if not places:
            return FilledFiles(data)
        try:
            filled = await asyncio.gather(*(self._read(place, file, sent, tally) for place, file in places))
        except DiskFull:
            raise NotNow("There is no room for the files of this write now", FULL_SECONDS) from None
        if problems := [one for one in filled if isinstance(one, _Bad)]:
            raise Invalid([problem.problem for problem in problems])
        read = [one for one in filled if isinstance(one, _Read)]
        contents = tuple(one.content for one in read)
        if "attachments" in data:
            return FilledFiles({**data, "attachments": [one.file for one in read]}, contents)
        return FilledFiles({**data, **read[0].file}, contents)

    async def _read(
        self, place: tuple[str | int, ...], file: dict[str, Any], sent: FileBytes | None, tally: "_Tally"
    ) -> "_Read | _Bad":
        url, given, found_type = file.get("file_url"), file.get("file_content"), None
        if (url is None) == (given is None):
            return _Bad(describe(place, "send either file_url or file_content", None))
        if given is not None:
            try:
                content = FileBytes(base64.b64decode(given, validate=True)) if sent is None else sent
            except (binascii.Error, ValueError):
                return _Bad(describe((*place, "file_content"), "this is not base64", None))
            if content.size > MOST_BYTES:
                return _Bad(describe((*place, "file_content"), _too_large(), None))
        else:
            try:
                async with self._fetching:
                    content, found_type = await self._fetch(str(url), tally)
            except AddressRefused as error:
                return _Bad(describe((*place, "file_url"), str(error), url))
            except _Unfetched as error:
                return _Bad(describe((*place, "file_url"), str(error), url))
        if not content.size:
            return _Bad(describe(place, "the file is empty", None))
        name = file.get("file_name") or (unquote(PurePosixPath(urlsplit(str(url)).path).name) if url else "")
        if not name:
            return _Bad(describe((*place, "file_name"), "Field required", None))
        kind = file.get("content_type") or mimetypes.guess_type(name)[0] or found_type or UNKNOWN_TYPE
        if kind not in TYPES:
            return _Bad(describe((*place, "content_type"), f"files of the type {kind} are not taken", kind))
        named = {**file, "file_name": name, "file_content": None, "content_type": kind, "file_url": None}
        return _Read(named, content)

    async def _fetch(self, url: str, tally: "_Tally") -> tuple[FileBytes, str | None]:
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
                with Spool() as spool:
                    async for chunk in answer.content.iter_chunked(CHUNK):
                        tally.fetched += len(chunk)
                        if spool.size + len(chunk) > MOST_BYTES:
                            raise _Unfetched(_too_large())
                        if tally.fetched > MOST_FETCHED:
                            most = MOST_FETCHED // 1024 // 1024
                            raise _Unfetched(f"the files of this write are larger than {most} MiB together")
                        await spool.write(chunk)
                    return spool.finish(), answer.content_type
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _Unfetched(f"the file could not be fetched ({type(error).__name__})") from error


class _Unfetched(Exception):
    """A file could not be had from its address; the message says why."""


@dataclass
class _Tally:
    """How much was fetched for a write."""

    fetched: int = 0


class _Read(NamedTuple):
    """A file with its name and type, and its content."""

    file: dict[str, Any]
    content: FileBytes


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
