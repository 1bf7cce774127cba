"""The operations that create, on rows in memory: what is written, as whom, and how it is known again."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from testbed.operation_context import Json, MemoryContext
from unihire.errors import ReferenceMissing, VendorChanged
from unihire.integration.operate import Trace, VendorCall, describe_type
from unihire.integration.vendor_row import VendorRow
from unihire.integrations.greenhouse.harvest_v1.inputs import NewEducation, read_day
from unihire.integrations.greenhouse.harvest_v1.operations.creates import OPERATIONS
from unihire.integrations.greenhouse.writes.custom_values import fit_value
from unihire.model import MODELS

NAMED = {operation.name: operation for operation in OPERATIONS}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SHOWN = {"private": "privately_visible", "public": "publicly_visible", "admin_only": "admin_only_visible"}
NAMES = {"user_id": 7, "first_name": "Ada", "last_name": "Beispiel"}


THERE: dict[str, list[Json]] = {"jobs": [{"id": 3, "name": "A"}, {"id": 4, "name": "B"}], "users": [{"id": 9}]}


DEFAULTS: dict[str, Json] = {
    "candidates": {"private": False, "can_email": True},
    "applications": {"status": "in_process", "prospect": False},
}
"""What the vendor adds to rows it makes."""


class WriteContext(MemoryContext):
    """Remembers as whom each thing was made and how it is looked for. A candidate's row shows its application."""

    def __init__(self, **rows: Any) -> None:
        super().__init__(**{**THERE, **rows})
        self.acting: dict[str, int | None] = {}
        self.traces: dict[str, Trace] = {}
        self.has_application = True

    async def create(self, step: str, call: VendorCall, *, stream: str, trace: Trace) -> VendorRow:
        assert isinstance(call.body, dict)
        acting_as, body = int(call.acting_as or 0), call.body
        self.acting[step], self.traces[step] = acting_as, trace
        row = (await super().create(step, call, stream=stream, trace=trace)).data
        row.pop("custom_fields", None)
        if stream == "notes":
            row |= {"user_id": acting_as, "type": body["note_type"], "visibility": SHOWN[body["visibility"]]}
        if "application" in body and self.has_application:
            nested = {"candidate_id": row["id"], "status": "in_process", "prospect": False, **body["application"]}
            call = VendorCall(path=call.path, body=nested)
            made = await super().create(f"{step}.", call, stream="applications", trace=trace)
            row["application"] = made.data
        for member, value in DEFAULTS.get(stream, {}).items():
            row.setdefault(member, value)
        return VendorRow(stream, row)


async def run(name: str, context: MemoryContext, **input: Any) -> Any:
    return await NAMED[name].run(context, msgspec.convert(input, NAMED[name].input))


def list_written(context: MemoryContext) -> list[tuple[str, str]]:
    return [(step, path) for step, path, _ in context.created if not step.endswith(".")]


def get_body(context: MemoryContext, step: str) -> Json:
    (body,) = (body for made, _, body in context.created if made == step)
    return body


def test_inputs_stand_in_the_order_of_the_page_people_know() -> None:
    person = [
        "user_id", "first_name", "last_name", "company", "title", "phone_numbers", "addresses", "email_addresses",
        "website_addresses", "social_media_addresses", "tags", "custom_fields", "recruiter", "coordinator",
        "activity_feed_notes", "is_private",
    ]  # fmt: skip
    file = ["filename", "type2", "content", "url", "content_type"]
    expected: dict[str, list[str]] = {
        "create_candidate": [*person, "educations", "employments", "applications"],
        "create_candidate_application": [
            "user_id", "candidate_id", "job_id", "source_id", "initial_stage_id", "referrer", "attachments",
            "recruiter_id", "coordinator_id",
        ],
        "create_candidate_note": ["candidate_id", "user_id", "body", "visibility"],
        "create_prospect": [*person, "application"],
    }  # fmt: skip
    for name, fields in expected.items():
        properties = describe_type(NAMED[name].input)["properties"]
        assert list(properties) == fields
        assert all("title" in property for property in properties.values())
    application = describe_type(NAMED["create_candidate"].input)["properties"]["applications"]["items"]["properties"]
    assert list(application) == ["job_id", "source_id", "initial_stage_id", "referrer", "attachments"]
    assert application["initial_stage_id"]["lookup"]["input"] == {"job_id": "{{job_id}}"}
    assert list(application["attachments"]["anyOf"][0]["items"]["properties"]) == file


def test_fields_that_are_said_to_be_written_are_fields_there_are() -> None:
    for operation in OPERATIONS:
        assert operation.is_write
        assert operation.writes
        for model, fields in operation.writes.items():
            assert set(fields) <= {field.name for field in MODELS[model].fields}


async def test_only_what_was_given_is_written() -> None:
    context = WriteContext()
    await run("create_candidate", context, **NAMES, company=None, tags=[], custom_fields=[], email_addresses=[
        {"type2": "work", "value": "ada@example.com"}, {"type2": "other", "value": None}, {"value": "b@example.com"},
    ], applications=[{"job_id": 3, "source_id": None}])  # fmt: skip
    assert get_body(context, "candidate") == {
        "first_name": "Ada",
        "last_name": "Beispiel",
        "email_addresses": [{"value": "ada@example.com", "type": "work"}, {"value": "b@example.com"}],
        "application": {"job_id": 3},
    }
    assert not {"custom_fields", "candidate_tags", "user_emails", "referrers"} & context.calls.keys()


async def test_writes_go_in_the_order_that_was_planned() -> None:
    context = WriteContext()
    file = {"filename": "a.pdf", "type2": "resume", "content": "aGk="}
    await run(
        "create_candidate",
        context,
        **NAMES,
        applications=[{"job_id": 3, "attachments": [file]}, {"job_id": 4, "attachments": [file, file]}],
        educations=[{"school_id": 1}],
        employments=[{"company_name": "Example", "title": "Clerk", "start_date": "2012-08-15T00:00:00.000Z"}],
        activity_feed_notes=[{"user_id": 9, "body": "Hello.", "visibility": "public"}],
    )
    assert context.planned == [
        "candidate", "application.1", "education.0", "employment.0", "attachment.0.0", "attachment.1.0",
        "attachment.1.1", "note.0",
    ]  # fmt: skip
    assert [step for step, _ in list_written(context)] == context.planned
    assert context.scopes == {f"harvest:{path.removeprefix('/v3/')}:create" for _, path in list_written(context)}
    assert context.acting == {**dict.fromkeys(context.planned, 7), "note.0": 9}
    first, second = (row["id"] for row in context.rows["applications"])
    assert [row["application_id"] for row in context.rows["attachments"]] == [first, second, second]
    assert get_body(context, "employment.0")["start_date"] == "2012-08-15"
    assert context.touched["applications"] == [str(first), str(second)]


async def test_application_is_found_where_the_answer_does_not_show_it() -> None:
    context = WriteContext(applications=[
        {"id": 51, "candidate_id": 1, "job_id": 3, "status": "in_process", "stage_id": 8, "prospect": False},
    ])  # fmt: skip
    context.has_application = False
    file = {"filename": "a.pdf", "type2": "admin_only", "url": "https://files.example.com/a.pdf"}
    await run("create_candidate", context, **NAMES, applications=[{"job_id": 3, "attachments": [file]}])
    assert get_body(context, "attachment.0.0") == {
        "application_id": 51, "filename": "a.pdf", "type": "other", "visibility": "admin_only",
        "url": "https://files.example.com/a.pdf",
    }  # fmt: skip
    assert context.touched == {"applications": ["51"], "application_stages": ["8"]}
    lonely = WriteContext()
    lonely.has_application = False
    with pytest.raises(VendorChanged, match="its application is not"):
        await run("create_candidate", lonely, **NAMES, applications=[{"job_id": 3}])


async def test_team_is_that_of_every_application() -> None:
    context = WriteContext(user_emails=[{"id": 1, "user_id": 21, "email": "rec@example.com"}])
    await run("create_candidate", context, **NAMES, recruiter={"email": "rec@example.com"},
              coordinator={"id": 22, "email": "passed.over@example.com"},
              applications=[{"job_id": 3}, {"job_id": 4}])  # fmt: skip
    team = {"recruiter_id": 21, "coordinator_id": 22}
    assert get_body(context, "candidate")["application"] == {"job_id": 3, **team}
    assert get_body(context, "application.1") == {"candidate_id": 1, "job_id": 4, **team}
    assert context.calls["user_emails"] == 1


async def test_candidate_who_gets_something_is_read_anew() -> None:
    for name, given in (
        ("create_candidate_application", {"candidate_id": 5, "job_id": 3, "user_id": 7}),
        ("create_candidate_note", {"candidate_id": 5, "user_id": 7, "body": "x", "visibility": "public"}),
    ):
        context = WriteContext()
        await run(name, context, **given)
        assert context.touched["candidates"] == ["5"]


REFERRERS = [
    {"id": 31, "user_id": 21, "name": "Ann Example"},
    {"id": 32, "user_id": None, "name": "Ann Example"},
    {"id": 33, "user_id": None, "name": "A former colleague"},
]


@pytest.mark.parametrize(
    ("type2", "value", "found"),
    [
        ("id", 21, 31),
        ("id", "21", 31),
        ("email", "ann@example.com", 31),
        ("outside", "Ann Example", 32),
        ("outside", "Nobody", None),
        ("id", 99, None),
        ("email", "nobody@example.com", None),
    ],
)
async def test_referrer_is_found_by_user_address_or_name(type2: str, value: Any, found: int | None) -> None:
    context = WriteContext(referrers=REFERRERS, user_emails=[{"id": 1, "user_id": 21, "email": "ann@example.com"}])
    given = {"user_id": 7, "candidate_id": 1, "job_id": 3, "referrer": {"type2": type2, "value": value}}
    if found is None:
        with pytest.raises(ReferenceMissing, match=r"^#/referrer/value: "):
            await run("create_candidate_application", context, **given)
        assert context.created == []
    else:
        await run("create_candidate_application", context, **given)
        assert get_body(context, "application")["referrer_id"] == found


def make_field(id: int, name: str, key: str, value_type: str = "short_text", active: bool = True) -> Json:
    return {"id": id, "name": name, "name_key": key, "value_type": value_type, "active": active,
            "field_type": "candidate"}  # fmt: skip


FIELDS = [
    make_field(41, "Shoe size", "size"),
    make_field(42, "size", "hat_size"),
    make_field(43, "Level", "old_level", active=False),
    make_field(44, "Level", "level_1"),
    make_field(2024, "41", "number"),
]


@pytest.mark.parametrize(
    ("key", "id"),
    [
        (41, 41),
        ("41", 41),  # digits are an id, whatever a field may be called
        ("size", 41),  # a key goes before a name
        ("hat_size", 42),
        ("Shoe size", 41),
        ("shoe size", 41),
        ("Level", 44),  # of two the active one
        ("old_level", 43),
    ],
)
async def test_custom_field_is_found_by_id_key_or_name(key: int | str, id: int) -> None:
    context = WriteContext(custom_fields=FIELDS)
    await run("create_prospect", context, **NAMES, custom_fields=[{"key": key, "value": "x"}, {"key": None}])
    assert get_body(context, "candidate")["custom_fields"] == [{"custom_field_id": id, "value": "x"}]


@pytest.mark.parametrize(
    ("value_type", "given", "written"),
    [
        ("number", "5", 5),
        ("number", "5.5", 5.5),
        ("number", 5, 5),
        ("number", "-9223372036854775807", -(2**63 - 1)),
        ("number", "9223372036854775808", "9223372036854775808"),
        ("number", "many", "many"),
        ("yes_no", "Yes", True),
        ("yes_no", "false", False),
        ("yes_no", "perhaps", "perhaps"),
        ("yes_no", True, True),
        ("user", "4000", 4000),
        ("multi_select", "German", ["German"]),
        ("multi_select", ["German", 7], ["German", 7]),
        ("short_text", 7, "7"),
        ("short_text", "7", "7"),
        ("currency", {"amount": 5, "unit": "EUR"}, {"amount": 5, "unit": "EUR"}),
        ("single_select", "M", "M"),
        ("number", None, None),
        (None, 7, 7),
    ],
)
def test_values_of_forms_become_what_the_field_takes(value_type: str | None, given: Any, written: Any) -> None:
    fitted = fit_value(given, value_type)
    assert (fitted, type(fitted)) == (written, type(written))


@pytest.mark.parametrize("text", ["2001-09-15", "2001-09-15T00:00:00.000Z", "2001-09-15T23:30:00-08:00"])
def test_day_is_taken_as_it_is_written(text: str) -> None:
    assert read_day(text) == "2001-09-15"


@pytest.mark.parametrize("text", ["2001", "15.9.2001", "2001-13-01", "tomorrow"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a date is written"):
        read_day(text)


def test_month_and_year_are_the_first_of_the_month() -> None:
    education = NewEducation(start_month=9, start_year=2001, end_date="2004-05-15")
    assert (education.start_day(), education.end_day()) == ("2001-09-01", "2004-05-15")


# How things are known again


def stamp(rows: Iterable[Json], at: datetime) -> list[Json]:
    return [{**row, "created_at": at.isoformat()} for row in rows]


async def look(context: WriteContext, step: str, since: datetime = LONG_AGO) -> list[int]:
    """The ids of the rows that may be what the step made, as far as they show."""
    return [row.get_number("id") for row in await context.traces[step].look(since)]


async def is_known(context: WriteContext, step: str) -> bool:
    """Whether a row is taken for what the step made, looked at further."""
    trace = context.traces[step]
    rows = await trace.look(LONG_AGO)
    return any([trace.confirm is None or await trace.confirm(row) for row in rows])


PERSON = {
    "company": "Example Works", "title": "Clerk", "is_private": True, "tags": ["Java"],
    "phone_numbers": [{"type2": "mobile", "value": "+1 (555) 123-4567"}],
    "addresses": [{"type2": "home", "value": "1 Example Street"}],
    "website_addresses": [{"type2": "blog", "value": "https://ada.example.com"}],
    "social_media_addresses": ["https://social.example.com/in/ada"],
    "email_addresses": [{"type2": "work", "value": "a@example.com"}, {"type2": "other", "value": "b@example.com"}],
    "custom_fields": [{"key": "Size", "value": "M"}, {"key": "years", "value": "5"}],
}  # fmt: skip
PERSON_ROW = {
    "id": 5, "first_name": "Ada", "last_name": "Beispiel ", "company": "example works", "title": "Clerk",
    "private": True, "tags": ["Java", "Set by a rule"], "phone_numbers": [{"value": "+15551234567", "type": "mobile"}],
    "addresses": [{"value": "1 Example  Street"}], "website_addresses": [{"value": "https://ada.example.com"}],
    "social_media_addresses": [{"value": "https://social.example.com/in/ada"}],
    "email_addresses": [{"value": "b@example.com"}, {"value": "A@example.com", "type": "work"}],
    "custom_fields": {"size": {"name": "Size", "type": "single_select", "value": "M"},
                      "years": {"name": "years", "type": "number", "value": 5}},
}  # fmt: skip
PERSON_FIELDS = [
    {"id": 71, "name": "Size", "name_key": "size", "value_type": "single_select", "field_type": "candidate"},
    {"id": 72, "name": "years", "name_key": "years", "value_type": "number", "field_type": "candidate"},
]


@pytest.mark.parametrize(
    ("change", "is_it"),
    [
        ({}, True),
        ({"first_name": "Eda"}, False),
        ({"last_name": "Beispielen"}, False),
        ({"company": "Another"}, False),
        ({"title": None}, False),
        ({"private": False}, False),
        ({"tags": []}, False),
        ({"phone_numbers": [{"value": "+15551234568"}]}, False),
        ({"addresses": []}, False),
        ({"website_addresses": [{"value": "https://ada.example.com"}] * 2}, False),
        ({"social_media_addresses": []}, False),
        ({"email_addresses": [{"value": "a@example.com"}]}, False),
        ({"email_addresses": []}, False),
        ({"custom_fields": {"size": {"value": "L"}}}, False),
        ({"custom_fields": {"years": {"value": 6}}}, False),
        ({"custom_fields": {}}, True),
        ({"email_addresses": "odd", "custom_fields": "odd", "tags": None}, True),
    ],
)
async def test_candidate_is_known_by_all_that_was_sent(change: Json, is_it: bool) -> None:
    context = WriteContext(custom_fields=PERSON_FIELDS)
    await run("create_prospect", context, **NAMES, **PERSON)
    now = datetime.now(UTC)
    context.rows["candidates"] = stamp([{**PERSON_ROW, **change}], now - timedelta(hours=1))
    assert await look(context, "candidate") == [5] * is_it
    assert await look(context, "candidate", now - timedelta(minutes=2)) == []


async def test_candidate_with_what_nobody_sent_is_another() -> None:
    context = WriteContext()
    await run("create_prospect", context, **NAMES)
    plain = {"id": 5, "first_name": "Ada", "last_name": "Beispiel"}
    for more in ({"company": "X"}, {"title": "X"}, {"email_addresses": [{"value": "x@example.com"}]}):
        context.rows["candidates"] = stamp([{**plain, **more}], datetime.now(UTC))
        assert await look(context, "candidate") == []
    context.rows["candidates"] = stamp(
        [{**plain, "company": "", "title": None, "tags": ["A rule's"]}], datetime.now(UTC)
    )
    assert await look(context, "candidate") == [5]


@pytest.mark.parametrize(
    ("sent", "shown", "is_it"),
    [
        ({"job_id": 3}, {"job_id": 3}, True),
        ({"job_id": 3}, {"job_id": 4}, False),
        ({"job_id": 3}, {"job_id": 3, "prospect": True}, False),
        ({"job_id": 3, "source_id": 16}, {"job_id": 3, "source_id": 16}, True),
        ({"job_id": 3, "source_id": 16}, {"job_id": 3, "source_id": None}, False),
        ({"job_id": 3}, {"job_id": 3, "source_id": 16, "recruiter_id": 9}, True),
        ({"job_id": 3, "initial_stage_id": 31}, {"job_id": 3, "stage_id": 301}, True),
        ({"job_id": 3, "initial_stage_id": 32}, {"job_id": 3, "stage_id": 301}, False),
    ],
)
async def test_candidate_is_known_by_the_application_too(sent: Json, shown: Json, is_it: bool) -> None:
    context = WriteContext(application_stages=[{"id": 301, "job_interview_stage_id": 31}])
    await run("create_candidate", context, **NAMES, applications=[sent])
    id = context.rows["candidates"][0]["id"]
    context.rows["applications"] = [{"id": 900, "candidate_id": id, "prospect": False, **shown}]
    assert await is_known(context, "candidate") is is_it


@pytest.mark.parametrize(
    ("shown", "details", "is_it"),
    [
        ({"prospective_job_ids": [4, 3]}, {"pool_id": 50, "pool_stage_id": 51}, True),
        ({"prospective_job_ids": [3]}, {"pool_id": 50, "pool_stage_id": 51}, False),
        ({"prospective_job_ids": [3, 4]}, {"pool_id": 50, "pool_stage_id": 52}, False),
        ({"prospective_job_ids": [3, 4], "prospect": False}, {"pool_id": 50, "pool_stage_id": 51}, False),
    ],
)
async def test_prospect_is_known_by_jobs_and_pool(shown: Json, details: Json, is_it: bool) -> None:
    context = WriteContext()
    wanted = {"job_ids": [3, 4], "prospect_pool_id": 50, "prospect_pool_stage_id": 51}
    await run("create_prospect", context, **NAMES, application=wanted)
    id = context.rows["candidates"][0]["id"]
    context.rows["applications"] = [{"id": 900, "candidate_id": id, "prospect": True, **shown}]
    context.rows["prospect_details"] = [{"id": 1, "application_id": 900, **details}]
    assert await is_known(context, "candidate") is is_it


NOTE = {"candidate_id": 1, "user_id": 9, "body": "Hello.", "visibility": "private"}
NOTE_ROW = {"id": 60, "candidate_id": 1, "user_id": 9, "body": "Hello.", "type": "NOTE",
            "visibility": "privately_visible", "created_at": "2026-01-01T00:00:00.000Z"}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "is_it"),
    [
        ({}, True),
        ({"body": " Hello.\n"}, True),
        ({"body": "Hello!"}, False),
        ({"user_id": 8}, False),
        ({"visibility": "publicly_visible"}, False),
        ({"type": "EMAIL"}, False),
        ({"candidate_id": 2}, False),
    ],
)
async def test_note_is_known_by_candidate_author_and_text(change: Json, is_it: bool) -> None:
    context = WriteContext()
    await run("create_candidate_note", context, **NOTE)
    context.rows["notes"] = [{**NOTE_ROW, **change}]
    assert await is_known(context, "note") is is_it


async def test_author_does_not_tell_where_nobody_can_be_acted_for() -> None:
    context = WriteContext()
    context.can_act = False
    await run("create_candidate_note", context, **NOTE)
    context.rows["notes"] = [{**NOTE_ROW, "user_id": 1}]
    assert await is_known(context, "note")


MOMENT = "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("step", "stream", "row", "others"),
    [
        ("attachment.0.0", "attachments",
         {"filename": "cv.pdf", "type": "other", "visibility": "admin_only"},
         [{"filename": "cv.doc"}, {"type": "resume"}, {"visibility": "public"}, {"application_id": 999}]),
        ("education.0", "candidate_educations",
         {"school_name_custom_field_option_id": 81, "degree_custom_field_option_id": None,
          "start_at": "2001-09-01T00:00:00.000Z", "end_at": None},
         [{"school_name_custom_field_option_id": 82}, {"degree_custom_field_option_id": 83}, {"candidate_id": 999},
          {"start_at": "2001-10-01T00:00:00.000Z"}, {"end_at": MOMENT}]),
        ("employment.0", "candidate_employments",
         {"company_name": "Example", "title": "Clerk", "start_date": "2012-08-15", "end_date": None},
         [{"company_name": "Other"}, {"title": "Cook"}, {"start_date": "2012-08-16"}, {"end_date": "2013-01-01"},
          {"candidate_id": 999}]),
    ],
)  # fmt: skip
async def test_what_belongs_to_a_candidate_is_known_by_all_that_was_sent(
    step: str, stream: str, row: Json, others: list[Json]
) -> None:
    context = WriteContext()
    file = {"filename": "cv.pdf", "type2": "admin_only", "content": "aGk="}
    await run(
        "create_candidate", context, **NAMES, applications=[{"job_id": 3, "attachments": [file]}],
        educations=[{"school_id": 81, "start_date": "2001-09-15"}],
        employments=[{"company_name": "Example", "title": "Clerk", "start_date": "2012-08-15"}],
    )  # fmt: skip
    (made,) = context.rows[stream]
    known = {**row, "id": 77, "created_at": MOMENT} | {
        name: made[name] for name in ("candidate_id", "application_id") if name in made
    }
    context.rows[stream] = [known]
    assert await look(context, step) == [77]
    for other in others:
        context.rows[stream] = [{**known, **other}]
        assert await look(context, step) == [], other


async def test_application_that_came_with_the_candidate_is_not_taken_for_another() -> None:
    context = WriteContext()
    await run("create_candidate", context, **NAMES, applications=[{"job_id": 3}, {"job_id": 3}])
    _, second = (row["id"] for row in context.rows["applications"])
    assert await look(context, "application.1") == [second]
    assert context.traces["application.1"].within == "candidate"
    assert context.traces["candidate"].within is None
