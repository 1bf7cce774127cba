"""Candidates moved, disqualified, reverted, copied and relocated."""

from unihire.integration.emulate import Row
from unihire.integrations.workable.emulator.api.bodies import check_body
from unihire.integrations.workable.emulator.api.calls import BASE, EMPTY, Answer, Call, Endpoint, Refused, refuse_field
from unihire.integrations.workable.emulator.rows.values import read_text, to_milli, to_second
from unihire.integrations.workable.emulator.writes.acting import get_actor, note_activity
from unihire.integrations.workable.emulator.writes.inputs import has_candidate

SCOPE = "w_candidates"
MOST_NOTE = 256
COPIED = (
    "name", "firstname", "lastname", "email", "headline", "image_url", "anonymized", "address", "phone", "domain",
    "common_source", "common_source_category", "cover_letter", "summary", "education_entries", "experience_entries",
    "skills", "tags", "location", "resume_metadata", "social_profiles", "sourced",
)  # fmt: skip
"""What a copy has of the candidate; answers belong to the other job's questions."""


def list_move_writes() -> tuple[Endpoint, ...]:
    one, who = "/candidates/{id}", {"member_id": "text"}
    elsewhere = {**who, "target_job_shortcode": "text!", "target_stage": "text"}
    return (
        Endpoint(
            "POST",
            f"{one}/move",
            SCOPE,
            move,
            {**who, "target_stage": "text", "fill_reserved_requisition": "bool", "requisition": "object"},
        ),
        Endpoint(
            "POST",
            f"{one}/disqualify",
            SCOPE,
            disqualify,
            {
                **who,
                "disqualify_reason_id": "text",
                "disqualify_note": "text",
                "withdrew": "bool",
                "disqualification_reason": "text",
            },
        ),
        Endpoint("POST", f"{one}/revert", SCOPE, revert, who),
        Endpoint("POST", f"{one}/copy", SCOPE, copy, elsewhere),
        Endpoint("POST", f"{one}/relocate", SCOPE, relocate, elsewhere),
    )


def _get_both(call: Call) -> tuple[Row, Row]:
    candidate = call.get_candidate()
    return candidate, get_actor(call, candidate.get("job_shortcode"))


def _find_entry(call: Call, kind: object) -> Row:
    """What reaching a stage of this kind does to a candidate."""
    now = to_second(call.rows.now() // 1000)
    if kind == "offer":
        return {"moved_to_offer_at": now, "hired_at": None}
    return {"hired_at": now if kind == "hired" else None}


def move(call: Call) -> Answer:
    """Without a stage to the next one. Where it is already, nothing happens."""
    candidate, member = _get_both(call)
    job = call.rows.find_job(candidate.get("job_shortcode"))
    pipeline, slug = 0 if job is None else job.get("pipeline"), call.body.get("target_stage")
    if slug is None:
        slugs = [row.get("slug") for row in call.rows.list_stages(pipeline)]
        place = slugs.index(candidate.get("stage_slug")) + 1 if candidate.get("stage_slug") in slugs else len(slugs)
        slug = slugs[place] if place < len(slugs) else None
    stage = call.rows.find_stage(pipeline, slug)
    if stage is None:
        raise refuse_field("target_stage", "is invalid")
    requisition = _read_requisition(call, stage)
    if candidate.get("stage_slug") == slug:
        return Answer(EMPTY)
    fields = {"stage_slug": slug, **_find_entry(call, stage.get("kind"))}
    call.rows.change("candidates", candidate["id"], fields)
    note_activity(call, candidate, str(slug), member, target_stage=stage["id"])
    if requisition is not None:
        call.rows.change("requisitions", requisition["id"], {"candidate_id": candidate["id"], "state": "filled"})
    return Answer(EMPTY)


def _read_requisition(call: Call, stage: Row) -> Row | None:
    if "requisition" not in call.body:
        return None
    given = check_body({"code": "text!", "start_date": "text", "salary": "object"}, call.body["requisition"])
    found = call.rows.find_requisition(given["code"])
    if found is None or stage.get("kind") != "hired":
        raise refuse_field("requisition", "is invalid")
    return found


def disqualify(call: Call) -> Answer:
    """The stage stays."""
    candidate, member = _get_both(call)
    if candidate.get("disqualified") is True:
        raise Refused(422, "the candidate is disqualified already")
    note, reason = call.body.get("disqualify_note"), call.body.get("disqualification_reason")
    if note is not None and len(note) > MOST_NOTE:
        raise refuse_field("disqualify_note", f"is longer than {MOST_NOTE} characters")
    if "disqualify_reason_id" in call.body:
        row = call.rows.find("disqualification_reasons", call.body["disqualify_reason_id"])
        if row is None:
            raise refuse_field("disqualify_reason_id", "is invalid")
        reason = read_text(row, "description")
    call.rows.change(
        "candidates",
        candidate["id"],
        {
            "disqualified": True,
            "disqualified_at": to_milli(call.rows.now()),
            "withdrew": call.body.get("withdrew", False),
            "disqualification_reason": reason,
        },
    )
    note_activity(call, candidate, "disqualified", member, body=note)
    return Answer(EMPTY)


def revert(call: Call) -> Answer:
    candidate, member = _get_both(call)
    if candidate.get("disqualified") is not True:
        raise Refused(422, "the candidate is not disqualified")
    none = {"disqualified": False, "disqualified_at": None, "withdrew": False, "disqualification_reason": None}
    call.rows.change("candidates", candidate["id"], none)
    note_activity(call, candidate, "reverted", member)
    return Answer(EMPTY)


def copy(call: Call) -> Answer:
    candidate, member = _get_both(call)
    row = _make_copy(call, candidate, call.body.get("target_stage"))
    note_activity(call, candidate, "copied", member)
    return _answer_link(call, row)


def relocate(call: Call) -> Answer:
    """The candidate is on the other job under a new id, and the old one is gone."""
    candidate, _ = _get_both(call)
    if "target_stage" not in call.body:
        raise refuse_field("target_stage", "is missing")
    row = _make_copy(call, candidate, call.body["target_stage"])
    call.rows.delete("candidates", candidate["id"])
    return _answer_link(call, row)


def _make_copy(call: Call, candidate: Row, slug: str | None) -> Row:
    shortcode = call.body["target_job_shortcode"]
    job = call.rows.find_job(shortcode)
    if job is None or shortcode == candidate.get("job_shortcode"):
        raise refuse_field("target_job_shortcode", "is invalid")
    member = get_actor(call, shortcode)
    slug = slug or "applied"
    stage = call.rows.find_stage(job.get("pipeline"), slug)
    if stage is None:
        raise refuse_field("target_stage", "is invalid")
    email = read_text(candidate, "email")
    if email is not None and has_candidate(call.rows, email, job):
        raise refuse_field("email", "candidate already exists")
    fields = {name: candidate[name] for name in COPIED if name in candidate}
    fields |= {"job_shortcode": shortcode, "stage_slug": slug, "originating_candidate_id": candidate["id"]}
    fields |= {"uploader_id": member["id"], **_find_entry(call, stage.get("kind"))}
    row = call.rows.create("candidates", fields)
    call.site.files.copy("resumes", candidate["id"], row["id"])
    note_activity(call, row, slug, member, target_stage=stage["id"])
    return row


def _answer_link(call: Call, row: Row) -> Answer:
    return Answer({"candidate": {"id": row["id"], "url": f"{call.base_url}{BASE}/candidates/{row['id']}"}})
