"""Files as forms: what a server reads is what was given, whatever the name."""

import asyncio
from email import message_from_bytes
from email.policy import HTTP

import pytest

from unihire.kit.file_contents import FileBytes
from unihire.outbound.multipart import clean_file_name, write_file_form

CONTENT = b"%PDF\r\n--\r\n\x00\xff"


def read(name: str, content: bytes = CONTENT, content_type: str | None = None) -> tuple[str | None, str, bytes]:
    """File name, content type and content of the one file in the form, by another reader than aiohttp's."""
    body, whole_type = asyncio.run(write_file_form("file", name, FileBytes(content), content_type))
    assert isinstance(body, bytes)
    assert whole_type.startswith("multipart/form-data; boundary=")
    form = message_from_bytes(b"Content-Type: " + whole_type.encode() + b"\r\n\r\n" + body, policy=HTTP)
    (part,) = form.iter_parts()
    assert part.get_param("name", header="content-disposition") == "file"
    lines = [line for line in body.split(b"\r\n\r\n")[0].split(b"\r\n") if b":" in line]
    assert {line.split(b":")[0].lower() for line in lines} == {b"content-type", b"content-disposition"}
    found = part.get_payload(decode=True)
    assert isinstance(found, bytes)
    raw = lines[-1].partition(b'filename="')[2]
    assert raw.endswith(b'"')
    assert raw.count(b'"') == 1
    return raw[:-1].decode(), part.get_content_type(), found


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("cv.pdf", "cv.pdf"),
        ('a "cv"; b.pdf', "a 'cv'; b.pdf"),
        ("a\\b.pdf", "a_b.pdf"),
        ("Résumé 日本.pdf", "Résumé 日本.pdf"),
        ("cv\r\nX-Odd: yes\r\n\r\n.pdf", "cv X-Odd: yes .pdf"),
        ("cv\x00\u2028\x7f.pdf", "cv .pdf"),
        ("half \ud83d.pdf", "half ?.pdf"),
        ("100%41.pdf", "100%41.pdf"),
        ("", "file"),
        ("\n", "file"),
    ],
)
def test_name_is_in_one_line_and_quoted_once(given: str, sent: str) -> None:
    name, _, content = read(given)
    assert (name, content) == (sent, CONTENT)


def test_clean_name_keeps_quotes() -> None:
    assert clean_file_name(' a "cv"\n\\.pdf ') == 'a "cv" \\.pdf'


@pytest.mark.parametrize(
    ("name", "given", "sent"),
    [
        ("cv.pdf", "text/plain", "text/plain"),
        ("cv.pdf", None, "application/pdf"),
        ("cv.pdf", "text/plain\r\nX-Odd: yes", "application/pdf"),
        ("cv.pdf", "pdf", "application/pdf"),
        ("cv", None, "application/octet-stream"),
    ],
)
def test_type_is_the_given_one_or_guessed(name: str, given: str | None, sent: str) -> None:
    assert read(name, content_type=given)[1] == sent


def test_large_file_is_written_whole() -> None:
    content = bytes(range(256)) * 8192
    assert read("large.zip", content)[2] == content


async def test_fields_come_before_the_file_in_their_order() -> None:
    fields = {"key": "k", "signature": "s"}
    body, content_type = await write_file_form("file", "cv.pdf", FileBytes(b"PDF"), None, before=fields)
    assert isinstance(body, bytes)
    assert content_type.startswith("multipart/form-data; boundary=")
    places = [body.index(text) for text in (b'name="key"', b'name="signature"', b'name="file"')]
    assert places == sorted(places)
