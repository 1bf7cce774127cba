"""The Ashby emulator's files: uploaded by an address or a form, linked for a short time."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from testbed.ashby import ORIGIN, AshbyLine, Refusal, Row, list_ids, open_ashby
from unihire.integration.emulate import EmulatorResponse, Request

CONTENT = b"%PDF-1.4 made up"


@pytest.fixture
def line() -> AshbyLine:
    return open_ashby(size=100, seed=4)


def make_form(fields: dict[str, str], file: tuple[str, bytes] | None, *, last: bool = True) -> bytes:
    parts = [
        b'Content-Disposition: form-data; name="%s"\r\n\r\n%s' % (name.encode(), text.encode())
        for name, text in fields.items()
    ]
    if file is not None:
        head = b'Content-Disposition: form-data; name="%s"; filename="a.pdf"\r\nContent-Type: application/pdf\r\n\r\n'
        whole = head % file[0].encode() + file[1]
        parts = [*parts, whole] if last else [whole, *parts]
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"


def announce(line: AshbyLine, context: str = "CandidateFiles", **more: Any) -> Row:
    body = {"filename": "letter.pdf", "contentType": "application/pdf", "contentLength": len(CONTENT), **more}
    found: Row = line.ask("file.createFileUploadHandle", fileUploadContext=context, **body)
    return found


def post(line: AshbyLine, upload: Row, raw: bytes | None = None) -> EmulatorResponse:
    path = urlsplit(upload["url"]).path
    body = make_form(upload["fields"], ("file", CONTENT)) if raw is None else raw
    headers = {"content-type": "multipart/form-data; boundary=x"}
    return line.app.emulator.answer(Request("POST", path, (), headers, body, ORIGIN))


def get(line: AshbyLine, url: str) -> EmulatorResponse:
    parts = urlsplit(url)
    return line.app.emulator.answer(Request("GET", parts.path, parse_qsl(parts.query), {}, b"", ORIGIN))


@pytest.mark.parametrize(
    ("context", "endpoint", "member"),
    [
        ("CandidateFiles", "candidate.uploadFile", "fileHandle"),
        ("CandidateResume", "candidate.uploadResume", "resumeHandle"),
    ],
)
def test_file_is_uploaded_in_three_steps_and_read_again(
    line: AshbyLine, context: str, endpoint: str, member: str
) -> None:
    row = line.ask("candidate.create", name="Ada")
    upload = announce(line, context)
    body = {"candidateId": row["id"], member: upload["handle"]}
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask(endpoint, **body)
    assert upload["url"].startswith(ORIGIN)
    assert post(line, upload).status == 204
    after = line.ask(endpoint, **body)
    (handle,) = after["fileHandles"]
    assert handle["name"] == "letter.pdf"
    assert (after.get("resumeFileHandle") == handle) == (context == "CandidateResume")
    link = line.ask("file.info", fileHandle=handle["handle"])["url"]
    answer = get(line, link)
    assert (answer.status, answer.body, answer.content_type) == (200, CONTENT, "application/pdf")
    with pytest.raises(Refusal, match="file_handle_not_found"):
        line.ask(endpoint, **body)


def test_upload_wants_its_fields_first_the_file_last_and_the_announced_length(line: AshbyLine) -> None:
    upload = announce(line)
    fields = upload["fields"]
    for raw, status in (
        (make_form(fields, ("file", CONTENT), last=False), 403),
        (make_form({**fields, "signature": "x"}, ("file", CONTENT)), 403),
        (make_form({**fields, "Content-Type": "text/plain"}, ("file", CONTENT)), 403),
        (make_form(fields, None), 400),
        (make_form(fields, ("other", CONTENT)), 400),
        (make_form(fields, ("file", CONTENT + b"x")), 400),
        (make_form(fields, ("file", b"")), 400),
        (b"nonsense", 400),
    ):
        assert post(line, upload, raw).status == status
    assert post(line, upload).status == 204


def test_upload_address_lives_for_ten_minutes(line: AshbyLine) -> None:
    upload = announce(line)
    line.app.clock.advance(timedelta(minutes=11))
    assert post(line, upload).status == 403
    assert post(line, {"url": f"{ORIGIN}/_storage/unknown", "fields": {}}, b"").status == 403


def test_handle_is_for_what_it_was_announced_for(line: AshbyLine) -> None:
    row, upload = line.ask("candidate.create", name="Ada"), announce(line, "CandidateResume")
    post(line, upload)
    with pytest.raises(Refusal, match="file_handle_not_found"):
        line.ask("candidate.uploadFile", candidateId=row["id"], fileHandle=upload["handle"])
    for wrong in ({"contentLength": 0}, {"contentLength": 10**9}, {"filename": " "}):
        with pytest.raises(Refusal, match="invalid_input"):
            announce(line, **wrong)


@pytest.mark.parametrize(("endpoint", "part"), [("candidate.uploadFile", "file"), ("candidate.uploadResume", "resume")])
def test_file_may_come_in_a_form(line: AshbyLine, endpoint: str, part: str) -> None:
    row = line.ask("candidate.create", name="Ada")
    fields = {"candidateId": row["id"]}
    headers = {"content_type": "multipart/form-data; boundary=x"}
    answer = line.send(endpoint, make_form(fields, (part, CONTENT)), **headers)
    found = msgspec.json.decode(answer.body)
    assert found["success"] is True
    (handle,) = found["results"]["fileHandles"]
    assert get(line, line.ask("file.info", fileHandle=handle["handle"])["url"]).body == CONTENT
    for raw in (make_form(fields, ("x", CONTENT)), make_form({}, (part, CONTENT)), b"x", b""):
        answer = line.send(endpoint, raw, **headers)
        assert msgspec.json.decode(answer.body)["errorInfo"]["code"] == "invalid_input"


def test_files_of_the_made_up_company_are_read_over_links_that_end(line: AshbyLine) -> None:
    row = next(row for row in line.walk("candidate.list") if "resumeFileHandle" in row)
    assert row["resumeFileHandle"]["id"] in list_ids(row["fileHandles"])
    handle = row["resumeFileHandle"]["handle"]
    link = line.ask("file.info", fileHandle=handle)["url"]
    assert get(line, link).body.startswith(b"%PDF")
    assert get(line, link[:-1] + "x").status == 403
    assert get(line, link.partition("?")[0]).status == 403
    line.app.clock.advance(timedelta(minutes=11))
    assert get(line, link).status == 403
    for wrong in ("", "x", handle[:-2], handle + "A"):
        with pytest.raises(Refusal, match="file_not_found"):
            line.ask("file.info", fileHandle=wrong)


def test_offers_have_files_too(line: AshbyLine) -> None:
    offer = line.ask("offer.list")[0]
    (handle,) = offer["latestVersion"]["fileHandles"]
    assert get(line, line.ask("file.info", fileHandle=handle["handle"])["url"]).status == 200


def test_uploads_are_bounded_together(line: AshbyLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unihire.integrations.ashby.emulator.api.files.MOST_STORED", 2 * len(CONTENT))
    statuses = [post(line, announce(line)).status for _ in range(3)]
    assert statuses == [204, 204, 503]
