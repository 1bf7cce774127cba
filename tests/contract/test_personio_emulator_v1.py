"""The Personio emulator takes applications over v1 as the vendor's documents say, and shows them in v2."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from testbed.personio_v1 import (
    APPLICATIONS,
    DOCUMENTS,
    JOB,
    UNPUBLISHED_JOB,
    Company,
    Json,
    body,
    list_reasons,
    serve_company,
    sign,
)
from unihire.errors import ConfigError
from unihire.integration.emulate import Credentials, Request
from unihire.sandbox.runner import build_sandbox

OTHER_JOB = 495039


@pytest.fixture(scope="module")
def served() -> Iterator[Company]:
    with serve_company() as company:
        yield company


@pytest.fixture
def company(served: Company) -> Company:
    return served.reset()


# What is accepted


def test_application_is_created_without_a_body_and_is_the_newest_in_v2(company: Company) -> None:
    answer = company.submit()
    assert (answer.status_code, answer.content) == (201, b"")
    now = datetime.now(UTC)
    row = company.v2.get("/v2/recruiting/applications?limit=1").json()["_data"][0]
    person = company.v2.get("/v2/recruiting/candidates?limit=1").json()["_data"][0]
    assert company.find_application() == row
    assert row["candidate"] == {
        "id": person["id"],
        "email": "ada.muster@example.com",
        "first_name": "Ada",
        "last_name": "Muster",
    }
    assert (row["job"]["id"], row["job"]["name"]) == (str(JOB), "Software Developer")
    assert row["application_date"] == now.date().isoformat()
    assert row["is_anonymized"] is False
    assert "channel" not in row
    for moment in (row["created_at"], row["updated_at"], person["created_at"], person["updated_at"]):
        assert timedelta(0) <= now - datetime.fromisoformat(moment["date-time"]) < timedelta(minutes=1)
    assert person["applications"] == [{"id": row["id"], "application_date": row["application_date"]}]
    found = company.v2.get("/v2/recruiting/candidates", params={"email": "ADA.muster@example.com"}).json()["_data"]
    assert [one["id"] for one in found] == [person["id"]]


def test_every_documented_field_is_taken_and_what_v2_has_of_it_is_shown(company: Company) -> None:
    uuid = company.upload().json()["uuid"]
    fields = {
        "recruiting_channel_id": 5102,
        "external_posting_id": f"5102-{JOB}",
        "message": "made up\nin two lines",
        "application_date": "2022-02-17",
        "phase": {"type": "system", "id": "offer"},
        "tags": ["remote", "second round", "remote"],
        "files": [{"uuid": uuid, "original_filename": "My CV.pdf", "category": "cv"}],
        "attributes": [
            {"id": "birthday", "value": "1990-02-28"},
            {"id": "gender", "value": "diverse"},
            {"id": "location", "value": "Köln"},
            {"id": "phone", "value": "+49 30 23125 042"},
            {"id": "available_from", "value": "2030-01-01"},
            {"id": "salary_expectations", "value": "60,000"},
            {"id": "custom_attribute_1", "value": "a text"},
            {"id": "custom_attribute_2", "value": "2021-04-30"},
            {"id": "custom_attribute_3", "value": "Yes"},
        ],
    }
    assert company.submit(**fields, unknown_field=1).status_code == 201
    row = company.find_application()
    assert row["application_date"] == "2022-02-17"
    assert row["channel"]["id"] == "5102"
    assert row["current_stage"]["type"] == "OFFER"
    person = company.v2.get(f"/v2/recruiting/candidates/{row['candidate']['id']}").json()
    shown = ("birthday", "gender", "location", "phone", "available_from")
    assert [person[name] for name in shown] == ["1990-02-28", "DIVERSE", "Köln", "+49 30 23125 042", "2030-01-01"]
    for hidden in ("tags", "attributes", "message", "files", "salary_expectations", "custom_attributes"):
        assert hidden not in row
        assert hidden not in person
    written = company.look(f"rows/submissions/{row['id']}")
    assert written == {**body(**fields), "id": row["id"], "candidate_id": person["id"]}
    assert company.look("streams")["tags"]["created"] == 2
    company.submit(email="other@example.com", tags=["remote", "third"])
    assert company.look("streams")["tags"]["created"] == 3


@pytest.mark.parametrize(
    ("id_", "type_"),
    [
        ("unassigned", "UNASSIGNED"),
        ("rejected", "REJECTED"),
        ("withdrawn", "WITHDRAWN"),
        ("offer", "OFFER"),
        ("accepted", "ACCEPTED"),
    ],
)
def test_system_phase_becomes_the_stage_and_its_first_transition(company: Company, id_: str, type_: str) -> None:
    assert company.submit(phase={"type": "system", "id": id_}).status_code == 201
    row = company.find_application()
    assert row["current_stage"]["type"] == type_
    moves = company.v2.get(f"/v2/recruiting/applications/{row['id']}/stage-transitions").json()["_data"]
    assert moves == [{"stage": row["current_stage"], "entered_at": row["created_at"]}]


@pytest.mark.parametrize("is_text", [False, True])
def test_custom_phase_of_the_jobs_category_becomes_the_stage(company: Company, is_text: bool) -> None:
    stage = company.find_stage(13415, 2)
    company.submit(phase={"type": "custom", "id": stage["id"] if is_text else int(stage["id"])})
    assert company.find_application()["current_stage"] == stage


def test_phase_that_the_category_does_not_have_becomes_unassigned_in_silence(company: Company) -> None:
    elsewhere = int(company.find_stage(13416, 2)["id"])
    for place, id_ in enumerate((elsewhere, 7, "no such phase")):
        email = f"ada.{place}@example.com"
        assert company.submit(email=email, phase={"type": "custom", "id": id_}).status_code == 201
        (row,) = company.find_applications(email)
        assert row["current_stage"]["type"] == "UNASSIGNED"
    assert company.submit().status_code == 201
    assert company.find_application()["current_stage"] == company.find_stage(13415, 0)


def test_without_a_phase_the_first_stage_of_the_category_is_taken(company: Company) -> None:
    stages = company.look("rows/categories/13415")["stages"]
    change = {"stages": [stages[1], stages[0], *stages[2:]]}
    httpx.patch(company.ready.control_url + "rows/categories/13415", json=change).raise_for_status()
    company.submit()
    assert company.find_application()["current_stage"] == stages[1]
    company.submit(job_position_id=OTHER_JOB, phase={"type": "system", "id": "unassigned"})
    assert {row["current_stage"]["type"] for row in company.find_applications()} == {"CUSTOM", "UNASSIGNED"}


def test_same_person_may_apply_to_another_job_and_stays_one_candidate_as_they_were(company: Company) -> None:
    company.submit()
    first = company.v2.get("/v2/recruiting/candidates?limit=1").json()["_data"][0]
    attributes = [{"id": "phone", "value": "1"}]
    answer = company.submit(
        job_position_id=OTHER_JOB, first_name="Eva", email="Ada.Muster@EXAMPLE.com", attributes=attributes
    )
    assert answer.status_code == 201
    rows = company.find_applications()
    assert {row["job"]["id"] for row in rows} == {str(JOB), str(OTHER_JOB)}
    assert {row["candidate"]["id"] for row in rows} == {first["id"]}
    person = company.v2.get(f"/v2/recruiting/candidates/{first['id']}").json()
    assert {**person, "applications": None} == {**first, "applications": None}
    assert len(person["applications"]) == 2


def test_candidate_of_the_made_up_company_is_matched_too(company: Company) -> None:
    person = company.v2.get("/v2/recruiting/candidates?limit=1&updated_at.lt=2024-01-01T00:00:00Z").json()["_data"][0]
    assert company.submit(email=person["email"]).status_code == 201
    row = company.find_applications(person["email"])[0]
    assert (row["candidate"]["id"], row["candidate"]["first_name"]) == (person["id"], person["first_name"])


# What is refused


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({"first_name": ...}, {"first_name": "attribute-validation.required-attribute"}),
        ({"last_name": None}, {"last_name": "attribute-validation.required-attribute"}),
        ({"first_name": " \t "}, {"first_name": "attribute-validation.required-attribute"}),
        ({"email": ""}, {"email": "attribute-validation.required-attribute"}),
        ({"job_position_id": ...}, {"job_position_id": "attribute-validation.required-attribute"}),
        ({"email": "ada.example.com"}, {"email": "attribute-validation.invalid-email-format"}),
        ({"job_position_id": 1}, {"job_position_id": "job-position.not-published"}),
        ({"job_position_id": UNPUBLISHED_JOB}, {"job_position_id": "job-position.not-published"}),
        ({"recruiting_channel_id": 1}, {"recruiting_channel_id": "posting-validation.channel-not-found"}),
        ({"recruiting_channel_id": 0}, {"recruiting_channel_id": "posting-validation.channel-not-found"}),
        ({"external_posting_id": "x"}, {"external_posting_id": "posting-validation.posting-not-found"}),
        ({"external_posting_id": f"5101-{OTHER_JOB}"}, {"external_posting_id": "posting-validation.posting-not-found"}),
        (
            {"recruiting_channel_id": 5102, "external_posting_id": f"5101-{JOB}"},
            {"external_posting_id": "posting-validation.posting-not-found"},
        ),
        ({"application_date": "17.02.2022"}, {"application_date": "attribute-validation.invalid-date-format"}),
        ({"application_date": "2022-02-30"}, {"application_date": "attribute-validation.invalid-date-format"}),
        ({"application_date": "20220217"}, {"application_date": "attribute-validation.invalid-date-format"}),
        ({"application_date": "9999-12-31"}, {"application_date": "date-validation.date-in-the-future"}),
        ({"phase": {"type": "system", "id": "hired"}}, {"phase.id": "phase-validation.invalid-system-phase"}),
        ({"phase": {"type": "system", "id": 7}}, {"phase.id": "phase-validation.invalid-system-phase"}),
        ({"phase": {"type": "custom"}}, {"phase.id": "attribute-validation.required-attribute"}),
        ({"phase": {"id": "offer"}}, {"phase.type": "attribute-validation.required-attribute"}),
        ({"tags": ["a", " "]}, {"tags[1]": "attribute-validation.required-attribute"}),
        (
            {"attributes": [{"id": "shoe_size", "value": "44"}]},
            {"attributes[0].id": "attribute-validation.unknown"},
        ),
        (
            {"attributes": [{"id": "custom_attribute_99", "value": "44"}]},
            {"attributes[0].id": "attribute-validation.unknown"},
        ),
        (
            {"attributes": [{"id": "phone", "value": "1"}, {"id": "phone"}]},
            {"attributes[1].value": "attribute-validation.required-attribute"},
        ),
        (
            {"attributes": [{"id": "birthday", "value": "28.2.1990"}]},
            {"attributes[0].value": "attribute-validation.invalid-date-format"},
        ),
        (
            {"attributes": [{"id": "custom_attribute_2", "value": "soon"}]},
            {"attributes[0].value": "attribute-validation.invalid-date-format"},
        ),
        (
            {"attributes": [{"id": "gender", "value": "MALE"}]},
            {"attributes[0].value": "attribute-validation.unknown-attribute-option"},
        ),
        (
            {"attributes": [{"id": "custom_attribute_3", "value": "Maybe"}]},
            {"attributes[0].value": "attribute-validation.unknown-attribute-option"},
        ),
        (
            {"files": [{"uuid": str(UUID(int=7)), "original_filename": "cv.pdf", "category": "cv"}]},
            {"files[0].uuid": "file-validation.file-not-exists"},
        ),
        (
            {"files": [{"uuid": str(UUID(int=7)), "original_filename": "cv.pdf", "category": "resume"}]},
            {"files[0].category": "file-validation.unknown-file-category"},
        ),
        (
            {"files": [{"uuid": str(UUID(int=7)), "category": "cv"}]},
            {"files[0].original_filename": "attribute-validation.required-attribute"},
        ),
        (
            {"first_name": "", "email": "x", "application_date": "x"},
            {
                "first_name": "attribute-validation.required-attribute",
                "email": "attribute-validation.invalid-email-format",
                "application_date": "attribute-validation.invalid-date-format",
            },
        ),
    ],
)
def test_field_that_does_not_fit_is_refused_by_its_code_and_nothing_is_written(
    company: Company, fields: Json, reasons: dict[str, str]
) -> None:
    before = company.look("streams")
    answer = company.submit(**fields)
    assert answer.status_code == 400
    assert list_reasons(answer) == {field: [f"errors.{code}"] for field, code in reasons.items()}
    assert company.look("streams") == before


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 5000,
        b'{"first_name": "\xff"}',
        *(
            httpx.Request("POST", "http://x", json=body(**fields)).read()
            for fields in (
                {"first_name": 7},
                {"job_position_id": str(JOB)},
                {"job_position_id": float(JOB)},
                {"job_position_id": True},
                {"job_position_id": -1},
                {"job_position_id": 10**40},
                {"message": None},
                {"application_date": 20220217},
                {"phase": "offer"},
                {"phase": {"type": "other", "id": "offer"}},
                {"phase": {"type": "custom", "id": 1.5}},
                {"phase": {"type": "custom", "id": 10**30}},
                {"phase": {"type": "custom", "id": [1]}},
                {"tags": "remote"},
                {"tags": [7]},
                {"files": {}},
                {"files": ["x"]},
                {"attributes": [None]},
                {"attributes": [{"id": "phone", "value": 7}]},
            )
        ),
    ],
)
def test_body_of_the_wrong_types_is_refused_with_the_status_alone(company: Company, sent: bytes) -> None:
    answer = company.v1.post(APPLICATIONS, content=sent, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert UUID(error["id"])
    assert (error["status"], error["title"]) == ("400", "Bad Request")
    assert error["detail"]


def test_application_that_is_no_json_is_refused(company: Company) -> None:
    assert company.v1.post(APPLICATIONS, data=body()).status_code == 400
    assert company.v1.post(APPLICATIONS, content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 400


def test_body_may_have_a_megabyte_and_no_more(company: Company) -> None:
    assert company.submit(message="x" * (2**20 - 1000)).status_code == 201
    answer = company.submit(email="other@example.com", message="x" * 2**20)
    assert (answer.status_code, answer.json()["errors"][0]["status"]) == (413, "413")
    assert company.find_applications("other@example.com") == []


def test_second_application_to_the_same_job_is_refused(company: Company) -> None:
    uuid = company.upload().json()["uuid"]
    files_ = [{"uuid": uuid, "original_filename": "cv.pdf", "category": "cv"}]
    assert company.submit().status_code == 201
    before = company.look("streams")
    for email in ("ada.muster@example.com", "ADA.Muster@example.com"):
        answer = company.submit(email=email, first_name="Eva", files=files_, tags=["new"])
        assert answer.status_code == 400
        assert list_reasons(answer) == {"email": ["errors.applicant-already-exists"]}
    assert company.look("streams") == before
    assert company.submit(job_position_id=OTHER_JOB, files=files_).status_code == 201
    number = next(row["id"] for row in company.find_applications() if row["job"]["id"] == str(JOB))
    httpx.delete(company.ready.control_url + f"rows/applications/{number}").raise_for_status()
    assert company.submit().status_code == 201, "one that is gone does not count"


def test_who_applied_before_v1_was_used_is_known(company: Company) -> None:
    row = company.v2.get("/v2/recruiting/applications?limit=20").json()["_data"][3]
    answer = company.submit(email=row["candidate"]["email"], job_position_id=int(row["job"]["id"]))
    assert list_reasons(answer) == {"email": ["errors.applicant-already-exists"]}


def test_other_methods_are_not_offered(company: Company) -> None:
    for path in (APPLICATIONS, DOCUMENTS):
        for method in ("GET", "PUT", "DELETE"):
            answer = company.v1.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


# The key


def test_v1_takes_its_own_key_with_the_companys_id_alone(company: Company) -> None:
    good = sign(company.app)
    others = [
        {},
        {"Authorization": good["Authorization"]},
        {"X-Company-ID": good["X-Company-ID"]},
        {**good, "X-Company-ID": "10568"},
        {**good, "Authorization": f"Bearer {company.buy_token()}"},
        {**good, "Authorization": good["Authorization"].removeprefix("Bearer ")},
        {**good, "Authorization": "Bearer wrong"},
    ]
    base_url = str(company.v1.base_url).rstrip("/")
    for path in (APPLICATIONS, DOCUMENTS):
        for headers in others:
            answer = httpx.post(base_url + path, json=body(), headers=headers)
            assert (answer.status_code, answer.content) == (401, b""), headers
    assert company.find_applications() == []
    assert httpx.post(base_url + APPLICATIONS, json=body(), headers=good).status_code == 201


def test_v2_refuses_the_v1_key(company: Company) -> None:
    for path in ("/v2/recruiting/applications", "/v2/document-management/documents?owner_id=1", "/v2/persons"):
        assert company.v1.get(path).status_code == 401


def test_key_is_shown_and_may_be_chosen(company: Company) -> None:
    assert company.look("")["other_credentials"] == company.ready.other_credentials
    assert set(company.ready.other_credentials) == {"recruiting_api_key", "company_id"}
    chosen = Credentials("papi-mine", "papi-secret", {"recruiting_api_key": "mine"})
    app = build_sandbox("personio", size=100, credentials=chosen)
    request = Request(
        "POST", APPLICATIONS, (), {"authorization": "Bearer mine", "x-company-id": "10567"}, b"", "http://x"
    )
    assert app.emulator.answer(request).status == 400
    assert app.emulator.credentials.client_id == "papi-mine"
    assert build_sandbox("personio", size=100, credentials=app.emulator.credentials)
    for wrong in ({"api_key": "x"}, {"company_id": "1"}, {"recruiting_api_key": ""}):
        with pytest.raises(ConfigError):
            build_sandbox("personio", size=100, credentials=Credentials("a", "b", wrong))


def test_with_auth_off_v1_asks_for_no_key_either() -> None:
    app = build_sandbox("personio", size=100, options={"auth": "off"})
    request = Request("POST", APPLICATIONS, (), {"content-type": "application/json"}, b"{}", "http://x")
    assert app.emulator.answer(request).status == 400


# Limits


@pytest.mark.parametrize("path", [APPLICATIONS, DOCUMENTS])
def test_twenty_requests_a_minute_and_each_path_its_own(path: str) -> None:
    app = build_sandbox("personio", size=100)
    other = DOCUMENTS if path == APPLICATIONS else APPLICATIONS
    headers = {name.lower(): value for name, value in sign(app).items()}

    def post(where: str) -> int:
        return app.emulator.answer(Request("POST", where, (), headers, b"", "http://x")).status

    wrong = {**headers, "authorization": "Bearer wrong"}
    for _ in range(30):
        app.emulator.answer(Request("POST", path, (), wrong, b"", "http://x"))
    assert {post(path) for _ in range(20)} == {400 if path == APPLICATIONS else 422}
    answer = app.emulator.answer(Request("POST", path, (), headers, b"", "http://x"))
    assert (answer.status, answer.body, list(answer.headers)) == (429, b"", [])
    assert post(other) != 429
    app.clock.set(app.clock.now() + timedelta(seconds=55))
    assert post(path) == 429
    app.clock.set(app.clock.now() + timedelta(seconds=6))
    assert {post(path) for _ in range(20)} == {400 if path == APPLICATIONS else 422}
    assert post(path) == 429
    app.emulator.reset()
    assert post(path) != 429


@pytest.mark.parametrize("word", ["401", "403", "429", "500"])
def test_faults_have_the_shapes_of_v1(company: Company, word: str) -> None:
    fault = [{"word": word, "next": 2}]
    httpx.put(company.ready.control_url + "faults", json=fault).raise_for_status()
    for answer in (company.submit(), company.upload()):
        assert answer.status_code == int(word)
        if word in ("401", "429"):
            assert answer.content == b""
        else:
            assert answer.json()["errors"][0]["status"] == word
    assert company.submit().status_code == 201


# All at once


async def test_of_equal_submissions_at_once_exactly_one_is_taken(company: Company) -> None:
    async with httpx.AsyncClient(base_url=str(company.v1.base_url), headers=sign(company.app)) as client:
        same = [client.post(APPLICATIONS, json=body()) for _ in range(10)]
        others = [client.post(APPLICATIONS, json=body(email=f"{place}@example.com")) for place in range(10)]
        answers = await asyncio.gather(*same, *others)
    assert sorted(answer.status_code for answer in answers[:10]) == [201] + [400] * 9
    assert {answer.status_code for answer in answers[10:]} == {201}
    assert len(company.find_applications()) == 1
    assert company.look("streams")["submissions"]["rows"] == 11


def test_reset_forgets_everything_that_was_written(company: Company) -> None:
    start = company.look("streams")
    file = {"uuid": company.upload().json()["uuid"], "original_filename": "cv.pdf", "category": "cv"}
    company.submit(files=[file], tags=["remote"])
    changed = company.look("streams")
    assert {name for name, count in changed.items() if count != start[name]} == {
        "candidates",
        "applications",
        "documents",
        "uploads",
        "submissions",
        "tags",
    }
    httpx.post(company.ready.control_url + "reset").raise_for_status()
    assert company.look("streams") == start
    assert list_reasons(company.submit(files=[file])) == {"files[0].uuid": ["errors.file-validation.file-not-exists"]}


def test_requests_are_counted_by_their_paths(company: Company) -> None:
    company.submit()
    company.submit()
    company.upload()
    counts = company.look("requests")["by_route"]
    assert counts[f"POST {APPLICATIONS}"] == {"201": 1, "400": 1}
    assert counts[f"POST {DOCUMENTS}"] == {"200": 1}
