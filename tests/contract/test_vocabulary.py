"""The vocabulary, said a second time: what the contract promises, independent of how `model/` writes it down."""

import re
from pathlib import Path
from typing import Any

import pytest

from unihire import model
from unihire.dialects.bindbee.face import NATIVE
from unihire.model import MODELS, NATIVE_MODELS, FieldSpec, FilterMatch, ModelSpec, Url
from unihire.model.spec import resolve_fields

# field: what it is. `text`, `flag`, `whole`, `[…]` a list of them, `moment` a text that holds one, `→model` a relation,
# `WORD|WORD` an open list of words. Then how it filters: `?` exact, `~` without letter case, `#` comma list of ids;
# `~,` also a comma list, `?!` these words only, `~+` repeated, `?name` under another name.
CONTRACT = """
activities: user →remote_user #; activity_type NOTE|EMAIL|OTHER; subject text; body text;
    visibility ADMIN_ONLY|PUBLIC|PRIVATE; candidate →candidate #; remote_created_at moment; remote_id ?
applications: candidate →candidate #; job →job #; applied_at moment; rejected_at moment; source text ?;
    credited_to →remote_user #; current_stage →job_interview_stage #; reject_reason →reject_reason #; remote_id ?
attachments: file_name text; file_url text; attachment_type RESUME|COVER_LETTER|OFFER_LETTER|OTHER|-;
    candidate →candidate #; remote_id ?
candidates: first_name text ~; last_name text ~; company text ~,; title text; last_interaction_at moment;
    is_private flag; can_email flag; locations [text]; phone_numbers [text]; email_addresses [text] ~+; urls [url];
    tags [text] ?tag; applications [→application]; attachments [→attachment]; remote_created_at moment;
    remote_updated_at moment; avatar text; remote_id ?
departments: name text
eeocs: candidate →candidate #; submitted_at moment;
    race AMERICAN_INDIAN_OR_ALASKA_NATIVE|ASIAN_OR_INDIAN_SUBCONTINENT|BLACK_OR_AFRICAN_AMERICAN|HISPANIC_OR_LATINO\
|NATIVE_HAWAIIAN_OR_OTHER_PACIFIC_ISLANDER|TWO_OR_MORE_RACES|WHITE|PREFER_NOT_TO_DISCLOSE|-;
    gender MALE|FEMALE|NON-BINARY|OTHER|PREFER_NOT_TO_DISCLOSE|-;
    veteran_status I_DONT_WISH_TO_ANSWER|DISABLED_VETERAN|SPECIAL_DISABLED_VETERAN|VIETNAM_ERA_VETERAN\
|OTHER_PROTECTED_VETERAN|THREE_YEAR_RECENTLY_SEPARATED_VETERAN|ONE_YEAR_RECENTLY_SEPARATED_VETERAN|DISABLED_INDIVIDUAL\
|I_IDENTIFY_AS_ONE_OR_MORE_OF_THE_CLASSIFICATIONS_OF_A_PROTECTED_VETERAN|I_AM_NOT_A_PROTECTED_VETERAN|-;
    disability_status YES_I_HAVE_A_DISABILITY_OR_PREVIOUSLY_HAD_A_DISABILITY|NO_I_DONT_HAVE_A_DISABILITY\
|I_DONT_WISH_TO_ANSWER|-
job-interview-stages: name text; job →job #; stage_order whole; remote_id ?
jobs: name text; description text; code text ?; status OPEN|CLOSED|DRAFT|ARCHIVED|PENDING|- ?!; job_posting_urls [url];
    remote_created_at moment; remote_updated_at moment; confidential flag; departments [→department];
    offices [→office] #; hiring_managers [→remote_user]; recruiters [→remote_user]; remote_id ?
offers: application →application #; creator →remote_user #; remote_created_at moment; closed_at moment; sent_at moment;
    start_date moment;
    status DRAFT|APPROVAL-SENT|APPROVED|SENT|SENT-MANUALLY|OPENED|DENIED|SIGNED|DEPRECATED; remote_id ?
offices: name text; location text; remote_id ?
reject-reasons: name text
remote-users: first_name text; last_name text; email text ~; disabled flag; remote_created_at moment;
    access_role ADMIN|SUPER_ADMIN|TEAM_MEMBER|LIMITED_TEAM_MEMBER|INTERVIEWER|RECRUITER|-
scheduled-interviews: application →application #; job_interview_stage →job_interview_stage #; organizer →remote_user #;
    interviewers [→remote_user]; location text; start_at moment; end_at moment; remote_created_at moment;
    remote_updated_at moment; status SCHEDULED|AWAITING_FEEDBACK|COMPLETE
scorecards: application →application #; interview →scheduled_interview #; interviewer →remote_user #;
    remote_created_at moment; submitted_at moment; overall_recommendation DEFINITELY_NO|NO|NO_DECISION|YES|STRONG_YES
screening-questions: job →job #; description text; title text;
    type DATE|FILE|SINGLE_SELECT|MULTI_SELECT|SINGLE_LINE_TEXT|MULTI_LINE_TEXT|NUMERIC|BOOLEAN; required flag;
    options [object]
tags: name text
"""
URL_WORDS = "PERSONAL|COMPANY|PORTFOLIO|BLOG|SOCIAL_MEDIA|OTHER|JOB_POSTING|-"

TYPES = {"string": "text", "boolean": "flag", "integer": "whole", "url": "url", "object": "object"}


def read_contract() -> dict[str, dict[str, str]]:
    """By plural: field → its shape and filter, as written above."""
    models = {}
    for line in re.sub(r"\n +", " ", CONTRACT.strip()).splitlines():
        plural, _, fields = line.partition(": ")
        models[plural] = {name: " ".join(rest) for name, *rest in (field.split() for field in fields.split(";"))}
    return models


EXPECTED = read_contract()


def describe(spec: ModelSpec, field: FieldSpec) -> str:
    """A field of ours in the words of the table; texts that hold moments are told by their example."""
    kind = TYPES[field.items or field.type]
    if field.to:
        kind = f"→{field.to}"
    elif field.words:
        kind = "|".join(field.words)
    elif kind == "text" and str(field.example).endswith("Z"):
        kind = "moment"
    kind = f"[{kind}]" if field.type == "array" else kind
    if field.filter is None:
        return kind
    sign = {FilterMatch.EXACT: "?", FilterMatch.FOLDED: "~", FilterMatch.ID: "#"}[field.filter]
    (grammar,) = (param.grammar for param in NATIVE.filters[spec] if param.field is field)
    marks = [(grammar.takes_commas, ","), (grammar.is_closed, "!"), (grammar.is_repeated, "+")]
    return f"{kind} {sign}{''.join(mark for is_on, mark in marks if is_on)}{grammar.name or ''}"


def test_there_are_the_sixteen_models_and_no_other() -> None:
    assert sorted(spec.plural for spec in NATIVE_MODELS.values()) == sorted(EXPECTED)
    assert len(EXPECTED) == 16


@pytest.mark.parametrize("plural", EXPECTED)
def test_model_has_the_contracts_fields_with_their_types_words_relations_and_filters(plural: str) -> None:
    spec = next(spec for spec in NATIVE_MODELS.values() if spec.plural == plural)
    expected = dict(EXPECTED[plural])
    has_remote_id_filter = expected.pop("remote_id", None) == "?"
    found = {field.name: describe(spec, field) for field in spec.fields if field.name != "remote_id"}
    assert found == expected
    assert NATIVE.has_remote_id_filter(spec) == has_remote_id_filter


def test_urls_carry_the_key_of_the_seed_and_the_key_of_the_newer_contract() -> None:
    fields = {field.name: "|".join(field.words) for field in resolve_fields(Url)}
    assert fields == {"value": "", "type": "", "url_type": URL_WORDS}


def test_every_relation_points_to_a_model() -> None:
    targets = {relation.to for spec in NATIVE_MODELS.values() for relation in spec.relations}
    assert targets <= MODELS.keys()


def test_numbers_of_models_are_those_stored_in_databases() -> None:
    # Never change or reuse one: rows in every installation carry them.
    numbers = {spec.number: spec.plural for spec in MODELS.values()}
    assert numbers == dict(enumerate([*sorted(EXPECTED), "job-postings", "sources", "application-transitions"], 1))


@pytest.mark.parametrize("plural", EXPECTED)
def test_every_field_is_explained_and_has_an_example_of_its_type(plural: str) -> None:
    spec = next(spec for spec in NATIVE_MODELS.values() if spec.plural == plural)
    kinds: dict[str, Any] = {"string": str, "boolean": bool, "integer": int, "array": list}
    for field in spec.fields:
        assert field.meaning.endswith("."), field.name
        if field.items not in ("url", "object"):
            assert isinstance(field.example, kinds[field.type]), field.name


@pytest.mark.parametrize("plural", EXPECTED)
def test_answer_has_the_common_keys_once(plural: str) -> None:
    spec = next(spec for spec in NATIVE_MODELS.values() if spec.plural == plural)
    keys = NATIVE.list_keys(spec)
    assert sorted(keys) == sorted({*EXPECTED[plural], "id", "remote_id", "modified_at", "custom_fields", "raw_data"})


def test_vocabulary_has_no_words_of_how_a_query_is_written() -> None:
    wire = re.compile(r"\b(param|parameter|repeated|comma|query|has_no_blanks|remote_id_filter|page_size|cursor)\b")
    found = [
        f"{path.name}: {match.group()}"
        for path in sorted(Path(model.__file__).parent.glob("*.py"))
        for match in wire.finditer(path.read_text())
    ]
    assert found == []
