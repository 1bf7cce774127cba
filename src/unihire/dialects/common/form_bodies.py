"""Bodies that are forms with a file, `multipart/form-data`: read into what a JSON body would have."""

import base64
from collections.abc import AsyncGenerator
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from unihire.errors import BadRequest, TooLarge

FORM = "multipart/form-data"

MOST_FIELDS = 20

FIELD_BYTES = 64 * 1024

FILE = "file"
"""The name of the part that is the file."""


def is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


async def read_form(request: Request, most: int) -> dict[str, Any]:
    """The members of a form: texts as they are, an empty one left out; the file as name, type and base64 content.

    What a text says of the file's name and type goes before what its part says, in whichever order they come.

    Raises TooLarge beyond `most` bytes, without reading on, and BadRequest where it is no such form.
    """

    async def read() -> AsyncGenerator[bytes, None]:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise TooLarge(f"The body is larger than {most // 1024:,} KiB")
            yield chunk

    parser = MultiPartParser(
        request.headers, read(), max_files=1, max_fields=MOST_FIELDS, max_part_size=FIELD_BYTES
    )  # a file is on disk meanwhile
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise BadRequest(f"The body is no form: {error.message}") from None
    except ClientDisconnect:
        raise BadRequest("The body ended early") from None
    except (KeyError, ValueError):
        raise BadRequest("The body is no form") from None
    try:
        return await _read_members(list(form.multi_items()))
    finally:
        await form.close()


async def _read_members(items: list[tuple[str, str | UploadFile]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    of_part: dict[str, str] = {}
    for name, value in items:
        if name in members or (name == FILE and "file_content" in members):
            raise BadRequest(f"{name} is in the form twice")
        if isinstance(value, str):
            if value:
                members[name] = value
            continue
        if name != FILE:
            raise BadRequest(f"The file must be in the part {FILE}")
        content = await value.read()
        members["file_content"] = base64.b64encode(content).decode()
        if value.filename:
            of_part["file_name"] = value.filename
        if value.content_type:
            of_part["content_type"] = value.content_type.partition(";")[0].strip().lower()
    return {**of_part, **members}
