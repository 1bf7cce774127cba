"""Candidates and applications written at Personio: what the vendor gets, what comes back, and what it refuses."""

import itertools
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.personio_v1 import APPLICATIONS, DOCUMENTS, JOB, PDF, UNPUBLISHED_JOB
from testbed.personio_writes import Writing, open_writing
from testbed.tenants import open_api, read_all
from testbed.vendor import say
from unihire.errors import PermissionMissing, ReferenceMissing, RetryLater, VendorChanged, VendorRefused
from unihire.integration.registry import get_integration, list_unwritable, list_writes
from unihire.integrations.personio.applying import ApplicationParams, CandidateParams
from unihire.kit.seal import Sealer
from unihire.model.inputs import INPUTS, ApplicationInput, CandidateInput, FileInput
from unihire.platform import context_writes
from unihire.platform.context_synced import SyncedContext

NUMBERS = itertools.count(1)
OTHER_JOB = "495039"
CREATE, APPLY = "candidate.create", "application.create"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_writing(databases, sealer) as writing:
        yield writing


@pytest.fixture
def writing(opened: Writing, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writing]:
    monkeypatch.setattr(context_writes, "LOOK_PAUSES", (0.0, 0.02))
    monkeypatch.setattr(context_writes, "ACCEPTED_PAUSES", (0.0, 0.02))
    opened.line.calls.clear()
    yield opened
    opened.break_down()


@pytest.fixture
def email() -> str:
    """Nobody's yet: rows are not forgotten between tests, as a row belongs to one write."""
    return f"ada+{next(NUMBERS)}@example.com"


def make_person(email: str, **more: Any) -> CandidateInput:
    return CandidateInput(
        **{"first_name": "Ada", "last_name": "Muster", "email_addresses": [email], "job": str(JOB), **more}
    )


def make_file(name: str | None = "cv.pdf", content: bytes = PDF, kind: str | None = "RESUME") -> FileInput:
    return FileInput(file_name=name, file_content=b64encode(content).decode(), attachment_type=kind)


def list_faults(error: VendorRefused | PermissionMissing) -> list[tuple[str | None, str]]:
    read = get_integration("personio").read_refusal
    assert read is not None
    return list(read(error.body))


def test_every_write_of_the_vocabulary_is_declared_or_has_a_reason() -> None:
    declared = {write.name for write in list_writes("personio").values()}
    reasons = list_unwritable("personio")
    assert declared == {CREATE, APPLY}
    assert declared | set(reasons) == {spec.name for spec in INPUTS.values()}
    assert not declared & set(reasons)
    assert [reason for reason in reasons.values() if len(reason) < 20 or not reason.endswith(".")] == []
    for write in list_writes("personio").values():
        fields = {field.name for field in INPUTS[write.model, write.verb].fields}
        assert {*write.takes, *write.named.values()} <= fields
        assert set(write.requires) <= set(write.takes)
        assert write.params is not None
        assert set(write.options) <= set(write.params.__struct_fields__)
        assert write.credential in {one.name for one in get_integration("personio").list_credentials()}


# What is sent, and what comes back


async def test_candidate_is_made_with_an_application_and_both_are_read_back(
    writing: Writing, email: str, databases: Databases
) -> None:
    written = await writing.write(CREATE, make_person(email), is_read_back=True)
    (application,) = writing.find_applications(email)
    assert written.row.stream == "candidates"
    assert written.id == application["candidate"]["id"]
    assert written.row.get_text("email") == email
    assert {stream: set(ids) for stream, ids in written.touched.items()} == {
        "applications": {application["id"]},
        "candidates": {written.id},
    }
    assert written.made == {"application": application["id"]}
    assert writing.read_submission(application["id"]) == {
        "first_name": "Ada", "last_name": "Muster", "email": email, "job_position_id": JOB,
    }  # fmt: skip
    async with open_api(databases.settings("migrated"), writing.tenant) as api:
        people, applied = [await read_all(api, plural) for plural in ("candidates", "applications")]
    (person,) = [one for one in people if one["remote_id"] == written.id]
    assert person["email_addresses"] == [email]
    assert [one["id"] for one in applied if one["remote_id"] == application["id"]] == person["applications"]


async def test_everything_that_is_taken_reaches_the_vendor(writing: Writing, email: str) -> None:
    stage = next(one for one in writing.find_stages(str(JOB)) if one.get("id"))
    person = make_person(
        email,
        phone_numbers=["+49 30 23125 042"],
        locations=["Köln"],
        tags=["remote", f"tag of {email}"],
        job_interview_stage=stage["id"],
        custom_fields={"custom_attribute_1": "a text", "custom_attribute_3": "Yes"},
        attachments=[make_file(), make_file("letter.docx", b"PK", "COVER_LETTER"), make_file("x.png", b"", "other")],
    )
    params = CandidateParams(
        message="made up\nin two lines",
        application_date=date(2022, 2, 17),
        recruiting_channel_id=5102,
        external_posting_id=f"5102-{JOB}",
        salary_expectations="60,000",
        birthday=date(1990, 2, 28),
        gender="diverse",
        available_from="2030-01-01",
    )
    tags = writing.count("tags")
    written = await writing.write(CREATE, person, params)
    assert not written.refused
    (application,) = writing.find_applications(email)
    sent = writing.read_submission(application["id"])
    assert {one["id"]: one["value"] for one in sent.pop("attributes")} == {
        "phone": "+49 30 23125 042", "location": "Köln", "birthday": "1990-02-28", "gender": "diverse",
        "available_from": "2030-01-01", "salary_expectations": "60,000", "custom_attribute_1": "a text",
        "custom_attribute_3": "Yes",
    }  # fmt: skip
    files = sent.pop("files")
    assert [(one["original_filename"], one["category"]) for one in files] == [
        ("cv.pdf", "cv"), ("letter.docx", "cover-letter"), ("x.png", "other"),
    ]  # fmt: skip
    assert sent == {
        "first_name": "Ada", "last_name": "Muster", "email": email, "job_position_id": JOB,
        "message": "made up\nin two lines", "application_date": "2022-02-17", "recruiting_channel_id": 5102,
        "external_posting_id": f"5102-{JOB}", "tags": ["remote", f"tag of {email}"],
        "phase": {"type": "custom", "id": int(stage["id"])},
    }  # fmt: skip
    assert application["current_stage"]["id"] == stage["id"]
    assert application["channel"]["id"] == "5102"
    assert application["application_date"] == "2022-02-17"
    assert writing.count("tags") > tags
    shown = ("phone", "location", "birthday", "gender", "available_from")
    values = [written.row.get_text(name) for name in shown]
    assert values == ["+49 30 23125 042", "Köln", "1990-02-28", "DIVERSE", "2030-01-01"]


async def test_content_of_a_file_comes_back_as_it_was_whatever_its_name(writing: Writing, email: str) -> None:
    name = 'Ada\'s "Lebenslauf"; é\r\nX-Odd: yes\\.pdf'
    await writing.write(CREATE, make_person(email, attachments=[make_file(name)]))
    (application,) = writing.find_applications(email)
    shown = 'Ada\'s "Lebenslauf"; é X-Odd: yes\\.pdf'
    (sent,) = writing.read_submission(application["id"])["files"]
    assert sent["original_filename"] == shown
    listed = writing.company.v2.get(f"/v2/document-management/documents?owner_id={application['id']}").json()["_data"]
    assert [(one["name"], one["category"]["id"]) for one in listed] == [(shown, "cv")]
    path = f"/v2/document-management/documents/{listed[0]['id']}/download"
    assert writing.company.v2.get(path).content == PDF


async def test_channel_of_a_source_record_is_found_among_the_latest_applications(writing: Writing, email: str) -> None:
    rows = writing.company.v2.get("/v2/recruiting/applications?limit=200").json()["_data"]
    channel = next(row["channel"] for row in rows if "channel" in row)
    await writing.write(CREATE, make_person(email, source_record=channel["name"]))
    (application,) = writing.find_applications(email)
    assert application["channel"] == channel
    await writing.tenant.sync()
    context = SyncedContext(
        pool=writing.tenant.pool, connector=writing.tenant.connector, integration=writing.tenant.integration
    )
    (read,) = list_writes("personio")["candidate", "create"].options.values()
    options = await read(context)
    assert (int(channel["id"]), channel["name"]) in {(one.value, one.title) for one in options}
    assert len(options) == len({one.value for one in options})


@pytest.mark.parametrize("phase", ["unassigned", "rejected", "withdrawn", "offer", "accepted"])
async def test_system_phase_is_given_by_its_word(writing: Writing, email: str, phase: Any) -> None:
    await writing.write(CREATE, make_person(email), CandidateParams(system_phase=phase))
    (application,) = writing.find_applications(email)
    assert writing.read_submission(application["id"])["phase"] == {"type": "system", "id": phase}
    assert application["current_stage"]["type"] == phase.upper()


async def test_known_person_gets_another_application_and_is_the_row(writing: Writing, email: str) -> None:
    first = await writing.write(CREATE, make_person(email))
    again = await writing.write(CREATE, make_person(email.upper(), first_name="Eda", job=OTHER_JOB))
    assert again.id == first.id
    assert {row["job"]["id"] for row in writing.find_applications(email)} == {str(JOB), OTHER_JOB}


async def test_known_candidate_applies_and_both_are_touched(writing: Writing, email: str) -> None:
    person = await writing.write(CREATE, make_person(email))
    stage = next(one for one in writing.find_stages(OTHER_JOB) if one.get("id"))
    written = await writing.write(
        APPLY,
        ApplicationInput(
            candidate=person.id, job=OTHER_JOB, current_stage=stage["id"], custom_fields={"custom_attribute_1": "x"}
        ),
        ApplicationParams(message="Once more.", application_date=date(2023, 1, 2)),
    )
    (row,) = [one for one in writing.find_applications(email) if one["job"]["id"] == OTHER_JOB]
    assert (written.row.stream, written.id, row["candidate"]["id"]) == ("applications", row["id"], person.id)
    assert {stream: set(ids) for stream, ids in written.touched.items()} == {
        "applications": {row["id"]},
        "candidates": {person.id},
    }
    assert writing.read_submission(row["id"]) == {
        "first_name": "Ada", "last_name": "Muster", "email": email, "job_position_id": int(OTHER_JOB),
        "message": "Once more.", "application_date": "2023-01-02", "phase": {"type": "custom", "id": int(stage["id"])},
        "attributes": [{"id": "custom_attribute_1", "value": "x"}],
    }  # fmt: skip
    assert row["current_stage"]["id"] == stage["id"]


async def test_dry_run_says_what_would_be_sent_and_sends_nothing(writing: Writing, email: str) -> None:
    person = make_person(email, attachments=[make_file()], tags=["remote"])
    form, application = await writing.plan(CREATE, person)
    assert (form["method"], form["path"]) == ("POST", DOCUMENTS)
    assert "multipart/form-data" in form["body"]
    assert (application["method"], application["path"]) == ("POST", APPLICATIONS)
    assert application["body"].pop("files")[0]["original_filename"] == "cv.pdf"
    assert application["body"] == {
        "first_name": "Ada", "last_name": "Muster", "email": email, "job_position_id": JOB, "tags": ["remote"],
    }  # fmt: skip
    assert [path for method, path in writing.line.calls if method == "POST" and path.startswith("/v1")] == []
    known = await writing.write(CREATE, make_person(email))
    (again,) = await writing.plan(APPLY, ApplicationInput(candidate=known.id, job=OTHER_JOB))
    assert again["body"]["email"] == email


# Parts that are refused


@pytest.mark.parametrize(
    ("file", "status", "code"),
    [
        (make_file("cv.exe"), 422, "errors.invalid-file-type"),
        (make_file(None), 422, "errors.invalid-file-type"),
        (make_file(content=bytes(20 * 2**20 + 1)), 413, "errors.file-too-big"),
    ],
    ids=["type", "no name", "size"],
)
async def test_file_that_is_refused_leaves_the_candidate(
    writing: Writing, email: str, file: FileInput, status: int, code: str
) -> None:
    written = await writing.write(CREATE, make_person(email, attachments=[file, make_file("good.pdf")]))
    (application,) = writing.find_applications(email)
    assert [one["original_filename"] for one in writing.read_submission(application["id"])["files"]] == ["good.pdf"]
    assert list(written.refused) == ["attachment 1"]
    error = written.refused["attachment 1"]
    assert isinstance(error, VendorRefused)
    assert error.status == status
    ((member, words),) = list_faults(error)
    assert (member, code in words) == ("file", True)


async def test_upload_that_is_answered_without_a_uuid_makes_nothing(writing: Writing, email: str) -> None:
    writing.line.lose(DOCUMENTS, lambda _: say({"size": 1}))
    with pytest.raises(VendorChanged, match="no uuid"):
        await writing.write(CREATE, make_person(email, attachments=[make_file()]))
    assert writing.sent == 0
    assert writing.find_applications(email) == []


# What is refused


def change(**fields: Any) -> dict[str, Any]:
    return fields


REFUSALS = [
    (change(first_name=" "), None, "first_name", "errors.attribute-validation.required-attribute"),
    (change(last_name=""), None, "last_name", "errors.attribute-validation.required-attribute"),
    (change(email_addresses=["ada@example"]), None, "email", "errors.attribute-validation.invalid-email-format"),
    (change(job=str(UNPUBLISHED_JOB)), None, "job_position_id", "errors.job-position.not-published"),
    (change(job="999999999"), None, "job_position_id", "errors.job-position.not-published"),
    (
        change(),
        CandidateParams(application_date=datetime.now(UTC).date() + timedelta(days=2)),
        "application_date",
        "errors.date-validation.date-in-the-future",
    ),
    (
        change(),
        CandidateParams(recruiting_channel_id=1),
        "recruiting_channel_id",
        "errors.posting-validation.channel-not-found",
    ),
    (
        change(),
        CandidateParams(external_posting_id="1-2"),
        "external_posting_id",
        "errors.posting-validation.posting-not-found",
    ),
    (
        change(custom_fields={"custom_attribute_99": "x"}),
        None,
        "attributes",
        "errors.attribute-validation.unknown",
    ),
    (
        change(custom_fields={"custom_attribute_2": "x"}),
        None,
        "attributes",
        "errors.attribute-validation.invalid-date-format",
    ),
    (
        change(custom_fields={"custom_attribute_3": "Perhaps"}),
        None,
        "attributes",
        "errors.attribute-validation.unknown-attribute-option",
    ),
]


@pytest.mark.parametrize(("fields", "params", "member", "code"), REFUSALS, ids=[one[3][7:] for one in REFUSALS])
async def test_refusal_names_the_member_and_says_what_is_wrong(
    writing: Writing, email: str, fields: dict[str, Any], params: Any, member: str, code: str
) -> None:
    steps: dict[str, Any] = {}
    before = writing.count("submissions")
    with pytest.raises(VendorRefused) as refused:
        await writing.write(CREATE, make_person(email, **fields), params, steps=steps)
    assert refused.value.status == 400
    found = list_faults(refused.value)
    assert [name for name, _ in found] == [member]
    assert found[0][1].endswith(f"({code})")
    assert writing.count("submissions") == before
    assert steps == {}
    assert member in {*list_writes("personio")["candidate", "create"].named, *CandidateParams.__struct_fields__}


@pytest.mark.parametrize("name", [CREATE, APPLY])
async def test_second_application_for_a_job_is_refused_as_the_vendor_says(
    writing: Writing, email: str, name: str
) -> None:
    person = await writing.write(CREATE, make_person(email))
    input = make_person(email) if name == CREATE else ApplicationInput(candidate=person.id, job=str(JOB))
    with pytest.raises(VendorRefused) as refused:
        await writing.write(name, input)
    assert list_faults(refused.value) == [
        ("email", "this e-mail address may have applied for this job already (errors.applicant-already-exists)")
    ]
    assert len(writing.find_applications(email)) == 1


@pytest.mark.parametrize(
    ("fields", "params", "words"),
    [
        (change(email_addresses=["a@example.com", "b@example.com"]), None, "email_addresses: the vendor takes one"),
        (change(email_addresses=["nobody"]), None, "email_addresses: it is no e-mail address"),
        (change(phone_numbers=["1", "2"]), None, "phone_numbers: the vendor takes one"),
        (change(locations=["A", "B"]), None, "locations: the vendor takes one"),
        (change(custom_fields={"level": "L3"}), None, "custom_fields/level: the vendor's names are custom_attribute_"),
        (change(custom_fields={"custom_attribute_1": True}), None, "custom_attribute_1: the vendor takes a text"),
        (change(custom_fields={"custom_attribute_1": ["x"]}), None, "custom_attribute_1: the vendor takes a text"),
        (change(source_record="X"), CandidateParams(recruiting_channel_id=1), "source_record: .* says it already"),
        (change(job_interview_stage="1"), CandidateParams(system_phase="offer"), "stage: .* says it already"),
        (
            change(attachments=[FileInput(file_name="a.pdf", file_content="%")]),
            None,
            "attachments/0/file_content: it is no base64",
        ),
    ],
)
async def test_what_the_vendor_would_not_see_is_refused_before_anything_is_sent(
    writing: Writing, email: str, fields: dict[str, Any], params: Any, words: str
) -> None:
    with pytest.raises(ReferenceMissing, match=words):
        await writing.write(CREATE, make_person(email, **fields), params)
    assert not [call for call in writing.line.calls if call[0] == "POST" and call[1].startswith("/v1")]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (change(job="a-job"), "job: the vendor's id of it is no number"),
        (change(job_interview_stage="new"), "job_interview_stage: the vendor's id"),
        (change(job_interview_stage="999999"), "job_interview_stage: the job has no such stage"),
        (change(source_record="No such channel"), "source_record: none of the latest 1,000 applications"),
    ],
)
async def test_reference_that_is_not_there_is_named_before_anything_is_sent(
    writing: Writing, email: str, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(ReferenceMissing, match=words):
        await writing.write(CREATE, make_person(email, **fields))
    assert writing.sent == 0


async def test_stage_of_another_job_is_not_one_of_this(writing: Writing, email: str) -> None:
    """The vendor would take it and begin at `unassigned`."""
    own = {one.get("id") for one in writing.find_stages(str(JOB))}
    jobs = writing.company.v2.get("/v2/recruiting/jobs?limit=200").json()["_data"]
    other = next(
        stage["id"]
        for job in jobs
        if "category" in job
        for stage in writing.find_stages(job["id"])
        if stage.get("id") and stage["id"] not in own
    )
    with pytest.raises(ReferenceMissing, match="no such stage"):
        await writing.write(CREATE, make_person(email, job_interview_stage=other))


async def test_candidate_who_is_not_known_by_an_address_of_their_own_cannot_apply(writing: Writing, email: str) -> None:
    with pytest.raises(ReferenceMissing, match="candidate: the vendor has no such candidate"):
        await writing.write(APPLY, ApplicationInput(candidate="1", job=OTHER_JOB))
    person = await writing.write(CREATE, make_person(email))
    writing.change_candidate(person.id, first_name="")
    with pytest.raises(ReferenceMissing, match="more than it has: first name"):
        await writing.write(APPLY, ApplicationInput(candidate=person.id, job=OTHER_JOB))
    writing.change_candidate(person.id, first_name="Ada")
    twin = await writing.write(CREATE, make_person(f"twin-of-{email}"))
    writing.change_candidate(twin.id, email=email)
    with pytest.raises(ReferenceMissing, match="another candidate has the same e-mail address"):
        await writing.write(APPLY, ApplicationInput(candidate=person.id, job=OTHER_JOB))
    assert writing.sent == 2


# Keys and limits


@pytest.mark.parametrize("missing", [("recruiting_api_key", "company_id"), ("recruiting_api_key",), ("company_id",)])
async def test_without_a_key_nothing_is_sent_and_the_error_says_where_to_get_it(
    writing: Writing, email: str, missing: tuple[str, ...]
) -> None:
    places = {
        "recruiting_api_key": "the Recruiting API key (only for writing: Settings > Integrations > API credentials > "
        "Recruiting API key)",
        "company_id": "the Company ID (only for writing: a number, shown beside the recruiting API key)",
    }
    steps: dict[str, Any] = {}
    with pytest.raises(PermissionMissing) as refused:
        await writing.write(CREATE, make_person(email), steps=steps, **dict.fromkeys(missing, ""))
    needs = " and ".join(places[name] for name in missing)
    assert str(refused.value) == (
        f"POST {APPLICATIONS}: writing needs {needs}; unihire reconnect takes what is missing"
    )
    assert (writing.sent, steps) == (0, {})


@pytest.mark.parametrize("wrong", [{"recruiting_api_key": "other"}, {"company_id": "7"}])
async def test_key_that_is_refused_is_a_missing_permission_and_no_end_of_reads(
    writing: Writing, email: str, wrong: dict[str, str]
) -> None:
    steps: dict[str, Any] = {}
    with pytest.raises(
        PermissionMissing, match=r"refuses the Recruiting API key and the Company ID \(401\)"
    ) as refused:
        await writing.write(CREATE, make_person(email), steps=steps, **wrong)
    assert writing.credentials["recruiting_api_key"] not in str(refused.value)
    assert (writing.sent, steps) == (1, {})
    assert writing.find_applications(email) == []


async def test_company_without_the_feature_lacks_a_permission_and_the_words_say_which(
    writing: Writing, email: str
) -> None:
    writing.break_down({"word": "403", "path": "/v1/*"})
    with pytest.raises(PermissionMissing) as refused:
        await writing.write(CREATE, make_person(email))
    assert [member for member, _ in list_faults(refused.value)] == [None]
    assert "feature.public-api.disabled" in list_faults(refused.value)[0][1]


async def test_limit_of_the_vendor_is_waited_for_as_its_documents_say(writing: Writing, email: str) -> None:
    """429 has no Retry-After: a minute, by the documents. Who does not wait so long is told how long it is."""
    steps: dict[str, Any] = {}
    writing.break_down({"word": "429", "path": APPLICATIONS, "next": 1})
    with pytest.raises(RetryLater) as refused:
        await writing.write(CREATE, make_person(email), steps=steps, patience=5)
    assert (refused.value.after, refused.value.status) == (60, 429)
    assert (writing.sent, steps) == (1, {})
    await writing.write(CREATE, make_person(email), steps=steps, patience=5)
    assert len(writing.find_applications(email)) == 1
