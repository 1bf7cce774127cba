"""The matrix says what the declarations say, and changes with them."""

from dataclasses import replace
from typing import Any

import msgspec

from testbed.vendor import ACME
from unihire.dialects.unihire import matrix
from unihire.dialects.unihire.matrix import FilterCapability, IntegrationCapabilities, ModelCapability
from unihire.integration.declare import Join, RecordMapping, Stream
from unihire.integration.operate import Nothing, Operation, OperationContext, Output
from unihire.model import MODELS, Job
from unihire.outbound.auth import AuthorizationCode, Credential
from unihire.outbound.paging import WholeList

CANNOT = {"offer": "There are no offers.", "job.code": "There is no code."}


def describe(**changes: Any) -> IntegrationCapabilities:
    return matrix.describe_integration(replace(ACME, cannot=CANNOT, **changes))


def get_model(found: IntegrationCapabilities, name: str) -> ModelCapability:
    return next(model for model in found.models if model.name == name)


def with_job_maps(**changes: Any) -> tuple[Stream, ...]:
    """The streams, the map of jobs otherwise."""
    pipelines, jobs, people = ACME.streams
    return (pipelines, replace(jobs, mappings=(replace(jobs.mappings[0], **changes), *jobs.mappings[1:])), people)


def test_every_model_is_told_with_all_its_fields_in_the_order_of_the_vocabulary() -> None:
    found = describe()
    assert [(model.name, model.plural, model.is_native) for model in found.models] == [
        (spec.name, spec.plural, spec.is_native) for spec in MODELS.values()
    ]
    for model in found.models:
        spec = MODELS[model.name]
        every = [(field.name, list(field.words), field.is_more) for field in (*spec.fields, *spec.more)]
        assert [(field.name, field.words, field.is_more) for field in model.fields] == every
        assert [field.name for field in model.fields if field.is_more] == [field.name for field in spec.more]


def test_model_is_given_where_a_stream_maps_to_it_and_otherwise_told_why_not() -> None:
    found = describe()
    given = {model.name: model.streams for model in found.models if model.is_given}
    assert given == {
        "candidate": ["people"],
        "department": ["jobs"],
        "job": ["jobs"],
        "job_interview_stage": ["pipelines"],
    }
    offer = get_model(found, "offer")
    assert (offer.is_given, offer.reason, offer.streams) == (False, "There are no offers.", [])
    assert {(field.is_given, field.reason) for field in offer.fields} == {(False, "There are no offers.")}


def test_model_that_no_stream_gives_has_no_field_even_where_no_reason_is_told() -> None:
    offer = get_model(matrix.describe_integration(replace(ACME, cannot={})), "offer")
    assert (offer.is_given, offer.reason) == (False, None)
    assert not any(field.is_given for field in offer.fields)


def test_field_is_given_unless_the_vendor_cannot() -> None:
    fields = {field.name: field for field in get_model(describe(), "job").fields}
    assert [name for name, field in fields.items() if not field.is_given] == ["code"]
    assert fields["code"].reason == "There is no code."
    assert {field.reason for name, field in fields.items() if name != "code"} == {None}


def test_what_streams_declare_decides_even_where_a_reason_says_otherwise() -> None:
    found = matrix.describe_integration(replace(ACME, cannot={"job": "There are no jobs."}))
    job = get_model(found, "job")
    assert (job.is_given, job.reason) == (True, None)
    assert all(field.is_given for field in job.fields)


def test_stream_tells_its_permission_its_marker_and_what_it_becomes() -> None:
    told = {stream.name: stream for stream in describe().streams}
    assert list(told) == ["pipelines", "jobs", "people"]
    assert (told["jobs"].permission, told["people"].permission) == ("jobs:read", None)
    assert (told["jobs"].is_incremental, told["pipelines"].is_incremental) == (True, False)
    blind = replace(ACME.streams[1], by_id=None)
    assert describe(streams=(blind,)).streams[0].is_incremental
    assert told["jobs"].models == ["job", "department"]


def test_joined_streams_are_told_of_the_stream_and_of_its_models() -> None:
    pipelines, jobs, people = ACME.streams
    posts = Stream(name="posts", path="/posts", paging=WholeList(items="rows"), id_of=lambda row: row["id"])
    joined = replace(
        jobs,
        joins=(
            Join(name="first", stream="posts", on="job"),
            Join(name="second", stream="posts", on="twin"),
            Join(name="way", stream="pipelines", on="id", key="pipeline"),
        ),
    )
    found = describe(streams=(pipelines, posts, joined, people))
    told = {stream.name: stream for stream in found.streams}
    assert (told["posts"].models, told["jobs"].joins) == ([], ["posts", "pipelines"])
    assert get_model(found, "job").joins == ["posts", "pipelines"]
    assert get_model(found, "candidate").joins == []


def test_model_of_several_streams_names_each_once() -> None:
    pipelines, jobs, people = ACME.streams
    more = replace(people, name="leads", mappings=(*people.mappings, *people.mappings))
    candidate = get_model(describe(streams=(pipelines, jobs, people, more)), "candidate")
    assert candidate.streams == ["people", "leads"]


def test_words_of_the_vendor_and_own_fields_of_the_customer_are_told_where_they_are_kept() -> None:
    plain = get_model(describe(), "job")
    assert not plain.has_custom_fields
    assert [field.vendor_words for field in plain.fields if field.vendor_words] == []
    streams = with_job_maps(words={"status": "state.name"}, custom=lambda source: {})
    job = get_model(describe(streams=streams), "job")
    assert job.has_custom_fields
    assert {field.name: field.vendor_words for field in job.fields if field.vendor_words} == {"status": ["state.name"]}
    assert not get_model(describe(streams=streams), "department").has_custom_fields


def test_filters_say_how_they_compare_and_how_several_values_are_given() -> None:
    def told(model: str) -> dict[str, FilterCapability]:
        return {known.param: known for known in get_model(describe(), model).filters}

    candidate, job, application = told("candidate"), told("job"), told("application")
    assert (candidate["first_name"].kind, candidate["first_name"].several) == ("any_case", None)
    assert (candidate["company"].kind, candidate["company"].several) == ("any_case", "comma")
    assert (candidate["email_addresses"].kind, candidate["email_addresses"].several) == ("any_case", "repeat")
    assert (candidate["tag"].kind, candidate["tag"].field) == ("exact", "tags")
    assert (job["status"].kind, job["status"].words[:2]) == ("exact", ["OPEN", "CLOSED"])
    assert (application["candidate"].kind, application["candidate"].several) == ("ids", "comma")
    assert (application["ids"].field, application["modified_after"].kind) == (None, "moment")
    assert "remote_id" in job
    assert "remote_id" not in told("department")
    assert all(known.words == [] for known in candidate.values())


def test_filter_finds_something_where_its_field_is_given_only() -> None:
    job = {known.param: known.is_given for known in get_model(describe(), "job").filters}
    assert job == {
        "ids": True, "modified_after": True, "remote_id": True, "code": False, "status": True, "offices": True,
    }  # fmt: skip
    assert not any(known.is_given for known in get_model(describe(), "offer").filters)


def test_field_names_the_filter_that_looks_at_it() -> None:
    for model in describe().models:
        by_field = {known.field: known.param for known in model.filters if known.field}
        assert by_field == {field.name: field.filter for field in model.fields if field.filter}


def test_ways_to_connect_tell_what_is_asked_for_but_no_value() -> None:
    (flow,) = describe().auth
    assert (flow.flow, flow.credentials_of, flow.scopes) == ("client_credentials", "customer", [])
    assert [(asked.name, asked.is_secret) for asked in flow.credentials] == [
        ("client_id", False), ("client_secret", True),
    ]  # fmt: skip
    partner = AuthorizationCode(
        authorize_path="/authorize",
        token_path="/token",
        credentials=(Credential("client_id", "Id", "", is_optional=True),),
        scopes=("jobs:read",),
    )
    _, flow = describe(partner_auth=partner).auth
    assert (flow.flow, flow.credentials_of, flow.scopes) == ("authorization_code", "partner", ["jobs:read"])
    assert flow.write_scopes == []
    assert flow.credentials[0].is_optional


async def do_nothing(context: OperationContext, given: Nothing) -> Output:
    return Output()


def operation(name: str, **others: Any) -> Operation:
    return Operation(
        name=name, title=name.title(), description="", input=Nothing, output=Output, run=do_nothing, calls="1", **others
    )


def test_model_is_written_by_the_operations_that_say_so_and_only_in_their_fields() -> None:
    assert not any(model.can_write or model.written_by for model in describe().models)
    found = matrix.describe_integration(
        ACME,
        [
            operation("read"),
            operation("create", is_write=True, writes={"job": ("name", "code"), "offer": ()}),
            operation("rename", is_write=True, writes={"job": ("name",)}),
        ],
    )
    written = {model.name: model.written_by for model in found.models if model.can_write}
    assert written == {"job": ["create", "rename"], "offer": ["create"]}
    assert [(m.name, f.name) for m in found.models for f in m.fields if f.can_write] == [
        ("job", "name"),
        ("job", "code"),
    ]


def test_operations_are_told_in_their_order() -> None:
    found = matrix.describe_integration(ACME, [operation("write", is_write=True), operation("choose", kind="ddl")])
    told = [(one.name, one.title, one.kind, one.is_write) for one in found.operations]
    assert told == [("write", "Write", "public", True), ("choose", "Choose", "ddl", False)]


def test_published_names_are_plain_words() -> None:
    told = msgspec.json.decode(msgspec.json.encode(describe()))
    (job,) = (model for model in told["models"] if model["name"] == "job")
    assert list(job) == [
        "name", "plural", "native", "given", "reason", "streams", "joins", "custom_fields", "write", "written_by",
        "fields", "filters",
    ]  # fmt: skip
    assert list(job["fields"][0]) == ["name", "more", "given", "reason", "words", "vendor_words", "filter", "write"]
    assert list(job["filters"][0]) == ["param", "field", "kind", "several", "words", "given"]
    assert list(told["streams"][0]) == ["name", "permission", "incremental", "models", "joins"]
    assert list(told["auth"][0]["credentials"][0]) == ["name", "title", "secret", "optional"]


def test_second_map_of_a_stream_to_the_same_model_counts_too() -> None:
    pipelines, jobs, people = ACME.streams
    more = replace(jobs, mappings=(*jobs.mappings, RecordMapping(Job, jobs.mappings[0].map, words={"status": "other"})))
    job = get_model(describe(streams=(pipelines, more, people)), "job")
    assert [field.vendor_words for field in job.fields if field.name == "status"] == [["other"]]
