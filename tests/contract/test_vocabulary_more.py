"""What only richer faces show, said a second time, independent of how `model/` writes it down."""

import re
from collections.abc import Iterable
from typing import Annotated

import pytest

from unihire.model import MODELS, NATIVE_MODELS, FieldSpec, Record
from unihire.model.spec import Field, model

# As in test_vocabulary.py; `day` is a text that holds one, `number` one with or without a point, `Name` a struct.
MORE = """
activity: application →application; body_format TEXT|HTML; remote_updated_at moment
application: status ACTIVE|HIRED|REJECTED|WITHDRAWN|CONVERTED|TRANSFERRED|ARCHIVED; ended_by COMPANY|CANDIDATE|OTHER;
    is_prospect flag; hired_at moment; withdrawn_at moment; stage_entered_at moment; start_date day; answers [Answer];
    job_posting →job_posting; source_record →source; hiring_team [TeamMember]; cover_letter text; is_anonymized flag;
    remote_created_at moment; remote_updated_at moment; remote_url text
attachment: application →application; content_type text; size whole; remote_created_at moment; remote_updated_at moment
candidate: name text; places [Place]; phones [Contact]; emails [Contact]; tag_records [→tag]; is_internal flag;
    is_anonymized flag; sources [text]; educations [Education]; employments [Employment]; available_from day;
    salary_expectation Pay; consent Consent; remote_url text
department: parent →department; remote_created_at moment; remote_updated_at moment
eeoc: application →application; remote_created_at moment; remote_updated_at moment
job_interview_stage: jobs [→job]; pipeline text;
    stage_type LEAD|APPLIED|SCREEN|ASSESSMENT|INTERVIEW|OFFER|HIRED|ENDED|OTHER; remote_created_at moment;
    remote_updated_at moment
job: hiring_team [TeamMember];
    employment_type FULL_TIME|PART_TIME|CONTRACT|SEASONAL|INTERNSHIP|TEMPORARY|PERMANENT|OTHER;
    workplace ON_SITE|HYBRID|REMOTE|TEMPORARY; pay Pay; places [Place];
    visibility PUBLIC|INTERNAL|UNLISTED|CONFIDENTIAL;
    opened_at moment; closed_at moment; openings_count whole; category text; seniority text; team text; remote_url text
offer: version whole; is_current flag; pay Pay; remote_updated_at moment
office: place Place; parent →office; remote_created_at moment; remote_updated_at moment
reject_reason: ended_by COMPANY|CANDIDATE|OTHER; is_active flag; remote_created_at moment; remote_updated_at moment
remote_user: roles [Role]; name text; title text; employee_id text; remote_updated_at moment
scheduled_interview: is_cancelled flag; time_zone text; title text; kind CALL|MEETING|INTERVIEW; video_url text;
    attendees [Attendee]; group text; external_id text
scorecard: score number; score_max number; attributes [Rating]; answers [Answer]; notes text; status DRAFT|COMPLETE;
    remote_updated_at moment
screening_question: choices [Choice]; position whole; posting →job_posting; category EEO|DEMOGRAPHIC|CONSENT;
    remote_created_at moment; remote_updated_at moment
tag: remote_created_at moment; remote_updated_at moment
"""

NEW = """
job_posting: title text; content text; status PUBLISHED|CLOSED|DRAFT|INTERNAL|PENDING; is_internal flag; job →job;
    urls [Url]; language text; published_at moment; remote_created_at moment; remote_updated_at moment
source: name text; category text; is_active flag; remote_created_at moment; remote_updated_at moment
application_transition: application →application; from_stage →job_interview_stage; to_stage →job_interview_stage;
    entered_at moment; left_at moment; user →remote_user; remote_created_at moment; remote_updated_at moment
"""

STRUCTS = """
Contact: value text; type PERSONAL|HOME|WORK|MOBILE|SKYPE|OTHER; is_primary flag
Place: text text; street text; postal_code text; city text; region text; country_code text
Pay: amount number; minimum number; maximum number; currency text; period YEAR|MONTH|TWO_WEEKS|WEEK|DAY|HOUR
Answer: question →screening_question; question_remote_id text; title text;
    type DATE|FILE|SINGLE_SELECT|MULTI_SELECT|SINGLE_LINE_TEXT|MULTI_LINE_TEXT|NUMERIC|BOOLEAN; text text; values [text]
Choice: remote_id text; label text
TeamMember: user →remote_user; role HIRING_MANAGER|RECRUITER|COORDINATOR|SOURCER|INTERVIEWER|OWNER; role_name text
Attendee: user →remote_user; email text; name text; status ACCEPTED|DECLINED|TENTATIVE|PENDING
Rating: name text; kind ATTRIBUTE|SKILL; rating DEFINITELY_NO|NO|NO_DECISION|YES|STRONG_YES; score number; note text
Education: remote_id text; school text; degree text; field text; start text; end text
Employment: remote_id text; company text; title text; start text; end text; is_current flag; description text
Consent: given flag; given_at moment; expires_at moment
Role: remote_id text; label text; type ADMIN|SUPER_ADMIN|TEAM_MEMBER|LIMITED_TEAM_MEMBER|INTERVIEWER|RECRUITER|-
"""

TYPES = {"string": "text", "boolean": "flag", "integer": "whole", "number": "number"}
EXAMPLES: dict[str, type | tuple[type, ...]] = {
    "string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list,
}  # fmt: skip


def read(table: str) -> dict[str, list[str]]:
    lines = re.sub(r"\n +", " ", table.strip()).splitlines()
    return {name: fields.split("; ") for name, _, fields in (line.partition(": ") for line in lines)}


def describe(fields: Iterable[FieldSpec]) -> list[str]:
    return [f"{field.name} {describe_one(field)}" for field in fields]


def describe_one(field: FieldSpec) -> str:
    kind = field.struct.__name__ if field.struct is not None else TYPES[field.items or field.type]
    if field.to:
        kind = f"→{field.to}"
    elif field.words:
        kind = "|".join(field.words)
    elif kind == "text" and re.fullmatch(r"\d{4}-\d\d-\d\d", str(field.example)):
        kind = "day"
    elif kind == "text" and str(field.example).endswith("Z"):
        kind = "moment"
    return f"[{kind}]" if field.type == "array" else kind


def list_structs() -> dict[str, tuple[FieldSpec, ...]]:
    fields = [field for spec in MODELS.values() for field in (*spec.fields, *spec.more)]
    return {field.struct.__name__: field.parts for field in fields if field.struct is not None}


def test_each_native_model_has_these_fields_beside_its_members() -> None:
    assert {name: describe(spec.more) for name, spec in NATIVE_MODELS.items()} == read(MORE)


def test_three_models_are_not_on_the_native_face() -> None:
    new = {name: spec for name, spec in MODELS.items() if name not in NATIVE_MODELS}
    assert {name: describe(spec.fields[1:]) for name, spec in new.items()} == read(NEW)
    assert not any(spec.more or spec.is_native for spec in new.values())


def test_structs_have_these_parts() -> None:
    found = {name: describe(parts) for name, parts in list_structs().items() if name != "Url"}
    assert dict(sorted(found.items())) == dict(sorted(read(STRUCTS).items()))


def test_every_field_is_explained_and_has_an_example_of_its_type() -> None:
    fields = [field for spec in MODELS.values() for field in (*spec.fields, *spec.more)]
    fields += [part for parts in list_structs().values() for part in parts]
    for field in fields:
        assert field.meaning.endswith("."), field.name
        if field.struct is None and field.items != "object":
            assert isinstance(field.example, EXAMPLES[field.type]), field.name


def test_every_relation_points_to_a_model() -> None:
    fields = [field for spec in MODELS.values() for field in (*spec.fields, *spec.more)]
    inside = [part for parts in list_structs().values() for part in parts]
    assert {field.to for field in (*fields, *inside) if field.to} <= MODELS.keys()


def test_a_native_member_after_a_field_that_is_more_is_refused() -> None:
    class Wrong(Record):
        rich: Annotated[str | None, Field("Rich.", more=True)] = None
        plain: Annotated[str | None, Field("Plain.")] = None

    with pytest.raises(TypeError, match="after one of `more`"):
        model("wrong", plural="wrongs", number=99)(Wrong)
    assert "wrong" not in MODELS
