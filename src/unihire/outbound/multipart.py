"""A file as the body of a form that is posted (multipart/form-data, RFC 7578), written by aiohttp."""

import mimetypes
import re
import secrets
from collections.abc import Mapping

from aiohttp import FormData, MultipartWriter

from unihire.kit.file_contents import FileBytes
from unihire.outbound.streamed_body import Body, put_between

ANY_TYPE = "application/octet-stream"

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


async def write_file_form(
    field: str,
    file_name: str,
    content: FileBytes,
    content_type: str | None,
    *,
    before: Mapping[str, str] | None = None,
) -> tuple[Body, str]:
    """The body with one file under the name `field`, and its content type, which has the boundary.

    The fields `before` come before it, as stores of files want those that they gave.

    A file name may have any characters: control characters become spaces; quotes and backslashes, which servers read in
    several ways, become `'` and `_`; others are sent as UTF-8. A content type that is none, or missing, is guessed by
    the name.
    """
    name = clean_file_name(file_name).replace('"', "'").replace("\\", "_")
    if content_type is None or not _TYPE.fullmatch(content_type):
        content_type = mimetypes.guess_type(name)[0] or ANY_TYPE
    # Names are not percent-encoded: servers would store them so.
    form = FormData(quote_fields=False)
    for member, text in (before or {}).items():
        form.add_field(member, text)
    marker = secrets.token_hex(16).encode()
    form.add_field(field, marker, filename=name, content_type=content_type)
    writer = form()
    assert isinstance(writer, MultipartWriter)
    return put_between(await writer.as_bytes(), marker, content), writer.content_type


def clean_file_name(name: str) -> str:
    """The name in one line, encodable; `file` where nothing is left of it."""
    return _CONTROLS.sub(" ", name).strip().encode("utf-8", "replace").decode() or "file"
