"""Bodies that are forms with a file, `multipart/form-data`: read into what a JSON body would have."""

from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from unihire.errors import BadRequest, NotNow, TooLarge
from unihire.kit.file_contents import IN_MEMORY, DiskFull, FileBytes, take_over

FORM = "multipart/form-data"

MOST_FIELDS = 20

FIELD_BYTES = 64 * 1024

ROOM_SECONDS = 5.0
"""After which a caller may ask again whose file found no room."""

FILE = "file"
"""The name of the part that is the file."""


def is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


class Form(NamedTuple):
    """The members of a form, and the content of the file where that is large: then they have its hash."""

    members: dict[str, Any]
    file: FileBytes | None = None


async def read_form(request: Request, most: int) -> Form:
    """The members of a form: texts as they are, an empty one left out; the file as name, type and base64 content.

    A large file is on disk, and never in memory as a whole.

    What a text says of the file's name and type goes before what its part says, in whichever order they come.

    Raises TooLarge beyond `most` bytes, without reading on, BadRequest where it is no such form, and NotNow where there
    is no room for the file.
    """

    async def read() -> AsyncGenerator[bytes, None]:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise TooLarge(f"The body is larger than {most // 1024:,} KiB")
            yield chunk

    parser = MultiPartParser(request.headers, read(), max_files=1, max_fields=MOST_FIELDS, max_part_size=FIELD_BYTES)
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


async def _read_members(items: list[tuple[str, str | UploadFile]]) -> Form:
    file: FileBytes | None = None
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
        file = await _take_content(value)
        members["file_content"] = file.in_json if file.is_in_memory else await file.digest()
        if value.filename:
            of_part["file_name"] = value.filename
        if value.content_type:
            of_part["content_type"] = value.content_type.partition(";")[0].strip().lower()
    return Form({**of_part, **members}, None if file is None or file.is_in_memory else file)


async def _take_content(sent: UploadFile) -> FileBytes:
    """The content of a part that is a file; a large one is on disk. Raises NotNow."""
    size = sent.size or 0
    if size <= IN_MEMORY:
        return FileBytes(await sent.read())
    try:
        return take_over(sent.file, size)
    except DiskFull:
        raise NotNow("There is no room for the file now", ROOM_SECONDS) from None
