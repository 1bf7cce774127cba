"""The Personio emulator takes files over v1 as the vendor's documents say, and shows them in v2 once they are used."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from testbed.personio_v1 import DOCUMENTS, PDF, Company, Json, list_reasons, serve_company
from unihire.integrations.personio.emulator import files

V2_DOCUMENTS = "/v2/document-management/documents"


@pytest.fixture(scope="module")
def served() -> Iterator[Company]:
    with serve_company() as company:
        yield company


@pytest.fixture
def company(served: Company) -> Company:
    return served.reset()


def test_upload_answers_with_what_was_uploaded(company: Company) -> None:
    for name, mimetype, extension in (
        ("My_CV.pdf", "application/pdf", "pdf"),
        ("Lebenslauf Käthe.DOCX", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
        ("notes.of.ada.txt", "text/plain", "txt"),
        ("empty.csv", "text/csv", "csv"),
    ):
        content = b"" if name == "empty.csv" else PDF
        answer = company.upload(name, content)
        assert answer.status_code == 200
        row = answer.json()
        assert UUID(row.pop("uuid"))
        assert row == {"size": len(content), "mimetype": mimetype, "original_filename": name, "extension": extension}


def test_file_is_a_document_of_the_application_that_has_it(company: Company) -> None:
    uuids = [company.upload(name, PDF + name.encode()).json()["uuid"] for name in ("a.pdf", "b.txt", "c.pdf")]
    written = [
        {"uuid": uuids[0], "original_filename": "My CV.pdf", "category": "cv"},
        {"uuid": uuids[1].upper(), "original_filename": "letter.txt", "category": "cover-letter"},
    ]
    assert company.submit(files=written).status_code == 201
    owner = company.find_application()["id"]

    def list_documents(**query: Any) -> list[Json]:
        answer = company.v2.get(V2_DOCUMENTS, params={"owner_id": owner, **query}).raise_for_status()
        rows: list[Json] = answer.json()["_data"]
        return rows

    letter, cv = list_documents()
    assert (cv["name"], cv["category"], cv["owner"]) == ("My CV.pdf", {"id": "cv"}, {"id": owner})
    assert (cv["size"], cv["comment"]) == (len(PDF) + 5, None)
    assert {"id", "date", "document_type", "created_at"} <= cv.keys()
    today, tomorrow = cv["created_at"][:10], (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert list_documents(category_id="cover-letter") == [letter]
    assert list_documents(**{"created_at.gte": today, "created_at.lt": tomorrow}) == [letter, cv]
    assert list_documents(**{"created_at.gte": tomorrow}) == list_documents(**{"created_at.lt": today}) == []
    page = company.v2.get(V2_DOCUMENTS, params={"owner_id": owner, "limit": 1}).json()
    following = company.v2.get(page["_meta"]["links"]["next"]["href"]).json()
    assert [*page["_data"], *following["_data"]] == [letter, cv]
    assert "next" not in following["_meta"]["links"]
    download = company.v2.get(f"{V2_DOCUMENTS}/{cv['id']}/download")
    assert (download.content, download.headers["content-type"]) == (PDF + b"a.pdf", "application/pdf")
    assert company.v2.get(V2_DOCUMENTS, params={"owner_id": "7"}).json()["_data"] == []
    assert company.look("streams")["uploads"]["rows"] == 3


def test_documents_are_refused_as_documented(company: Company) -> None:
    for query in ("", "?owner_id=", "?owner_id=1&limit=300", "?owner_id=1&created_at.gte=x", "?owner_id=1&cursor=x"):
        assert company.v2.get(V2_DOCUMENTS + query).status_code == 400, query
    for number in ("1", "x"):
        answer = company.v2.get(f"{V2_DOCUMENTS}/{number}/download")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    headers = {"Authorization": f"Bearer {company.buy_token('personio:recruiting:read')}"}
    assert company.v2.get(V2_DOCUMENTS + "?owner_id=1", headers=headers).status_code == 403


def test_one_application_alone_may_have_an_upload(company: Company) -> None:
    file = {"uuid": company.upload().json()["uuid"], "original_filename": "cv.pdf", "category": "cv"}
    answer = company.submit(files=[file, file])
    assert list_reasons(answer) == {"files[1].uuid": ["errors.file-validation.file-not-exists"]}
    assert company.submit(files=[file]).status_code == 201
    answer = company.submit(email="other@example.com", files=[file])
    assert list_reasons(answer) == {"files[0].uuid": ["errors.file-validation.file-not-exists"]}


def test_file_may_have_20_megabytes_and_no_more(company: Company) -> None:
    assert company.upload(content=bytes(20 * 2**20)).status_code == 200
    for size in (20 * 2**20 + 1, 30 * 2**20):
        answer = company.upload(content=bytes(size))
        assert answer.status_code == 413
        assert list_reasons(answer) == {"file": ["errors.file-too-big"]}


@pytest.mark.parametrize("name", ["virus.exe", "pdf", "cv.", "cv.pdf.html"])
def test_file_of_another_type_is_refused(company: Company, name: str) -> None:
    answer = company.upload(name)
    assert answer.status_code == 422
    assert list_reasons(answer) == {"file": ["errors.invalid-file-type"]}


def test_form_without_a_file_is_refused(company: Company) -> None:
    for answer in (
        company.v1.post(DOCUMENTS, files={"document": ("cv.pdf", PDF)}),
        company.v1.post(DOCUMENTS, files={"file": (None, "text")}),
    ):
        assert answer.status_code == 422
        assert list_reasons(answer) == {"file": ["errors.attribute-validation.required-attribute"]}


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{}",
        b"--x",
        b"--x\r\n",
        b"--x\r\n\r\n",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\nabc',
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n',
        b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\na\r\n--y--\r\n--x--\r\n",
        b"--x\r\nContent-Length: 99999\r\n\r\nabc\r\n--x--\r\n",
        b"--x\r\nContent-Length: minus\r\n\r\nabc\r\n--x--\r\n",
        b"--x\r\n" + b"A: b\r\n" * 1000 + b"\r\nabc\r\n--x--\r\n",
        b"--x\r\nA: " + b"b" * 100_000 + b"\r\n\r\nabc\r\n--x--\r\n",
        b"\x00\xff" * 1000,
        b'--x\r\nContent-Disposition: form-data; name="_charset_"\r\n\r\n' + b"u" * 40 + b"\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename\r\n\r\nabc\r\n--x--\r\n',
        b"--x--\r\n",
    ],
)
def test_body_that_is_no_form_is_refused(company: Company, content_type: str, sent: bytes) -> None:
    answer = company.v1.post(DOCUMENTS, content=sent, headers={"Content-Type": content_type})
    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_name_that_is_no_utf8_is_answered(company: Company) -> None:
    sent = b'--x\r\nContent-Disposition: form-data; name="file"; filename="\xff.pdf"\r\n\r\nabc\r\n--x--\r\n'
    answer = company.v1.post(DOCUMENTS, content=sent, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert (answer.status_code, answer.json()["original_filename"]) == (200, "?.pdf")


def test_files_are_bounded_and_forgotten_by_a_reset(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_STORED_BYTES", 100)
    assert company.upload(content=bytes(60)).status_code == 200
    answer = company.upload(content=bytes(60))
    assert (answer.status_code, answer.json()["errors"][0]["status"]) == (500, "500")
    httpx.post(company.ready.control_url + "reset").raise_for_status()
    assert company.upload(content=bytes(60)).status_code == 200
