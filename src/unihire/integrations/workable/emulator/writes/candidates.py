"""Candidates made and changed; their tags, custom attributes, comments and ratings."""

from collections.abc import Mapping

from unihire.integration.emulate import Row
from unihire.integrations.workable.emulator.api.bodies import check_body
from unihire.integrations.workable.emulator.api.calls import (
    EMPTY,
    Answer,
    Call,
    Endpoint,
    Refused,
    refuse_field,
    refuse_missing,
)
from unihire.integrations.workable.emulator.rows.hiring import EVERYBODY, SCALES, find_score
from unihire.integrations.workable.emulator.rows.ids import find_number, name_job
from unihire.integrations.workable.emulator.rows.values import read_object
from unihire.integrations.workable.emulator.writes.acting import get_actor, note_activity
from unihire.integrations.workable.emulator.writes.inputs import read_candidate, read_file

SCOPE = "w_candidates"
MADE: Mapping[str, str] = {"sourced": "bool", "candidate": "object!"}
RATED: Mapping[str, str] = {
    "member_id": "text", "comment": "text!", "scale": "text", "grade": "int", "score": "text", "stage_id": "id",
    "score_card": "object",
}  # fmt: skip
COMMENT = {"body": "text", "policy": "texts", "attachment": "object"}
VALUE: Mapping[str, str] = {
    "custom_attribute_key": "text!", "value": "text", "checked": "bool", "date": "text", "choices": "texts",
    "file": "object", "file_url": "text",
}  # fmt: skip
SCORES = ("negative", "positive", "definite")


def list_candidate_writes() -> tuple[Endpoint, ...]:
    one = "/candidates/{id}"
    comment = {"member_id": "text", "comment": "object!"}
    return (
        Endpoint("POST", "/jobs/{shortcode}/candidates", SCOPE, create_candidate, MADE),
        Endpoint("POST", "/jobs/{shortcode}/{stage}/candidates", SCOPE, create_candidate, MADE),
        Endpoint("POST", "/talent_pool/candidates", SCOPE, create_in_pool, MADE),
        Endpoint("PATCH", one, SCOPE, change_candidate, {"candidate": "object!"}),
        Endpoint("PUT", f"{one}/tags", SCOPE, set_tags, {"tags": "texts!"}),
        Endpoint("PATCH", f"{one}/update_custom_attribute_value", SCOPE, set_attribute, VALUE),
        Endpoint("POST", f"{one}/comments", SCOPE, add_comment, comment),
        Endpoint("POST", f"{one}/ratings", SCOPE, add_rating, RATED),
        Endpoint("PUT", f"{one}/ratings", SCOPE, change_rating, RATED),
    )


def create_candidate(call: Call) -> Answer:
    job = call.get_job()
    if job.get("state") == "archived":
        raise Refused(422, "the job is archived")
    return _create(call, job)


def create_in_pool(call: Call) -> Answer:
    return _create(call, None)


def _create(call: Call, job: Row | None) -> Answer:
    is_sourced = call.body.get("sourced", True)
    slug = call.names.get("stage", "sourced" if is_sourced else "applied")
    if call.rows.find_stage(0 if job is None else job.get("pipeline"), slug) is None:
        raise refuse_missing()
    fields, resume = read_candidate(call, job, None)
    fields |= {"stage_slug": slug, "sourced": is_sourced, "outlet": "SPI"}
    if fields.get("domain"):
        fields["common_source"] = fields["domain"]
    row = call.rows.create("candidates", {**fields, "job_shortcode": None if job is None else name_job(job)})
    _store_resume(call, row, resume)
    note_activity(call, row, "sourced" if is_sourced else "applied", None)
    body = {"status": "created", "candidate": call.show_candidate(row)}
    return Answer(body, int(call.site.options["created_status"]))


def _store_resume(call: Call, row: Row, content: bytes | None) -> None:
    """The resume is among the candidate's files, in the place of an earlier one."""
    if content is not None:
        call.site.files.store("resumes", row["id"], content)
    name = read_object(row, "resume_metadata").get("filename")
    if name is None:
        return
    number = find_number("candidates", row["id"]) or 0
    for _, file in call.rows.list_linked("files", "_candidate", number):
        if file.get("kind") == "resume":
            call.rows.change("files", file["id"], {"name": name})
            return
    call.rows.create("files", {"name": name, "kind": "resume", "source": "candidate", "candidate_id": row["id"]})


def change_candidate(call: Call) -> Answer:
    """Lists are replaced as a whole; what is left out stays."""
    before = call.get_candidate()
    job = call.rows.find_job(before.get("job_shortcode"))
    fields, resume = read_candidate(call, job, before)
    row = call.rows.change("candidates", before["id"], fields)
    if "resume_metadata" in fields:
        _store_resume(call, row, resume)
    return Answer({"candidate": call.show_candidate(row)})


def set_tags(call: Call) -> Answer:
    tags = list(dict.fromkeys(call.body["tags"]))
    call.rows.change("candidates", call.get_candidate()["id"], {"tags": tags})
    return Answer({"tags": tags})


def set_attribute(call: Call) -> Answer:
    candidate, key = call.get_candidate(), call.body["custom_attribute_key"]
    attribute = next((row for row in call.rows.list_all("custom_attributes") if row.get("key") == key), None)
    if attribute is None:
        raise refuse_missing()
    given = {name: value for name, value in call.body.items() if name != "custom_attribute_key"}
    if len(given) != 1:
        raise refuse_field("value", "is missing" if not given else "is sent twice")
    (value,) = given.values()
    if "file" in given:
        value = read_file(value, "file")[0]
    values = {**read_object(candidate, "custom_attributes"), key: value}
    call.rows.change("candidates", candidate["id"], {"custom_attributes": values})
    return Answer({})


# What members say


def _touch(call: Call, candidate: Row) -> None:
    if call.site.options["comments_touch"] == "yes":
        call.rows.change("candidates", candidate["id"], {})


def add_comment(call: Call) -> Answer:
    candidate = call.get_candidate()
    member = get_actor(call, candidate.get("job_shortcode"))
    comment = check_body(COMMENT, call.body["comment"], "comment.")
    if not comment.get("body") and "attachment" not in comment:
        raise refuse_field("comment.body", "is missing")
    roles = comment.get("policy", EVERYBODY)
    if not set(roles) <= set(EVERYBODY):
        raise refuse_field("comment.policy", "is invalid")
    if "attachment" in comment:
        name, content = read_file(comment["attachment"], "comment.attachment")
        fields = {"name": name, "kind": "other", "source": "comment", "candidate_id": candidate["id"]}
        call.site.files.store("files", call.rows.create("files", fields)["id"], content)
    row = note_activity(
        call, candidate, "comment", member, body=comment.get("body"), visibility_roles=list(dict.fromkeys(roles))
    )
    _touch(call, candidate)
    return Answer({"id": row["id"]})


def _read_rating(call: Call) -> Row:
    """The old score goes before the grade."""
    scale, score, grade = call.body.get("scale", "thumbs"), call.body.get("score"), call.body.get("grade")
    count = dict(SCALES).get(scale)
    if count is None:
        raise refuse_field("scale", "is invalid")
    if score is not None:
        if score not in SCORES:
            raise refuse_field("score", "is invalid")
        grade = SCORES.index(score) * (count - 1) // 2
    elif grade is None:
        raise refuse_field("grade", "is missing")
    elif not 0 <= grade < count:
        raise refuse_field("grade", "is invalid")
    return {"score": score or find_score(scale, grade), "scale": scale, "grade": grade}


def add_rating(call: Call) -> Answer:
    candidate = call.get_candidate()
    member = get_actor(call, candidate.get("job_shortcode"))
    note_activity(call, candidate, "rating", member, body=call.body["comment"], rating=_read_rating(call))
    _touch(call, candidate)
    return Answer(EMPTY)


def change_rating(call: Call) -> Answer:
    """The member's own last one; 404 where there is none."""
    candidate = call.get_candidate()
    member = get_actor(call, candidate.get("job_shortcode"))
    rating = _read_rating(call)
    rows = call.rows.list_linked("activities", "_candidate", find_number("candidates", candidate["id"]) or 0)
    own = [row for _, row in rows if row.get("action") == "rating" and row.get("member_id") == member["id"]]
    if not own:
        raise refuse_missing()
    call.rows.change("activities", own[-1]["id"], {"body": call.body["comment"], "rating": rating})
    _touch(call, candidate)
    return Answer(EMPTY)
