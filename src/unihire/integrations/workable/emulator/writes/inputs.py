"""What is sent of a candidate, as a row has it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.workable.emulator.api.bodies import check_body
from unihire.integrations.workable.emulator.api.calls import Call, refuse_field
from unihire.integrations.workable.emulator.api.files import decode_file
from unihire.integrations.workable.emulator.rows.find import WorkableRows
from unihire.integrations.workable.emulator.rows.ids import find_number, name_job
from unihire.integrations.workable.emulator.rows.values import find_second, read_text, to_second

FIELDS = {
    "name": "text", "firstname": "text", "lastname": "text", "email": "text", "headline": "text?", "summary": "text?",
    "address": "text?", "phone": "text?", "cover_letter": "text?", "education_entries": "objects",
    "experience_entries": "objects", "answers": "objects", "skills": "texts", "tags": "texts",
    "social_profiles": "objects", "resume_url": "text", "resume": "object", "image_url": "text?", "image": "object",
    "image_source": "text", "domain": "text?", "recruiter_key": "text", "disqualified": "bool",
    "disqualification_reason": "text?", "disqualified_at": "text", "texting_consent": "text",
}  # fmt: skip
PLAIN = ("email", "headline", "summary", "address", "phone", "cover_letter", "tags", "image_url", "domain")
EDUCATION = {
    "school": "text!", "degree": "text", "field_of_study": "text", "start_date": "text", "end_date": "text",
}  # fmt: skip
EXPERIENCE = {
    "title": "text!", "company": "text", "industry": "text", "summary": "text", "current": "bool",
    "start_date": "text", "end_date": "text",
}  # fmt: skip
PROFILE = {"type": "text!", "url": "text!", "name": "text", "username": "text"}
ANSWER = {
    "question_key": "text!", "body": "text", "choices": "texts", "checked": "bool", "date": "text", "number": "number",
    "file": "object", "file_url": "text",
}  # fmt: skip
ANSWERED_WITH: Mapping[str, tuple[str, ...]] = {
    "free_text": ("body",), "short_text": ("body",), "multiple_choice": ("choices",), "dropdown": ("choices",),
    "boolean": ("checked",), "numeric": ("number",), "date": ("date",), "file": ("file", "file_url"),
}  # fmt: skip
"""Type of a question → the members that can answer it."""
FILE = {"name": "text!", "data": "text!"}
MOST_ENTRIES = 200
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def read_candidate(call: Call, job: Row | None, before: Row | None) -> tuple[Row, bytes | None]:
    """The fields of a row that a body says, and the resume it has; `before` is the row that is changed.

    Raises Refused, 422.
    """
    given = check_body(FIELDS, call.body["candidate"], "candidate.")
    found: Row = {name: given[name] for name in PLAIN if name in given}
    found |= _read_name(given, before)
    if "email" in given:
        _check_email(call.rows, given["email"], job, before)
    elif before is None:
        raise refuse_field("email", "is missing")
    for name, fields in (("education_entries", EDUCATION), ("experience_entries", EXPERIENCE)):
        if name in given:
            empty = {key: False if kind == "bool" else None for key, kind in fields.items()}
            found[name] = [{**empty, **entry} for entry in _check_entries(given, name, fields)]
    if "social_profiles" in given:
        found["social_profiles"] = _check_entries(given, "social_profiles", PROFILE)
    if "skills" in given:
        found["skills"] = [{"name": name} for name in given["skills"]]
    if "answers" in given:
        number = None if job is None else find_number("jobs", job["id"])
        found["answers"] = [_read_answer(call, entry, number) for entry in _check_entries(given, "answers", ANSWER)]
    found |= _read_end(call, given)
    resume = _read_resume(call, given, found)
    return found, resume


def _check_entries(given: Row, name: str, fields: Mapping[str, str]) -> list[Row]:
    entries: list[Row] = given[name]
    if len(entries) > MOST_ENTRIES:
        raise refuse_field(name, "has too many entries")
    return [check_body(fields, entry, f"{name}.") for entry in entries]


def _read_name(given: Row, before: Row | None) -> Row:
    """A whole name, or its parts."""
    first, last = given.get("firstname"), given.get("lastname")
    if first is None and last is None and given.get("name"):
        first, _, last = given["name"].strip().partition(" ")
    if before is not None:
        if first is None and last is None:
            return {}
        first = read_text(before, "firstname") if first is None else first
        last = read_text(before, "lastname") if last is None else last
    elif not (first or "").strip():
        raise refuse_field("firstname", "is missing")
    elif last is None:
        raise refuse_field("lastname", "is missing")
    return {"firstname": first or "", "lastname": last or "", "name": f"{first or ''} {last or ''}".strip()}


def _check_email(rows: WorkableRows, email: str, job: Row | None, before: Row | None) -> None:
    if not _EMAIL.fullmatch(email) or len(email) > 254:
        raise refuse_field("email", "is invalid")
    own = None if before is None else before["id"]
    if job is not None and has_candidate(rows, email, job, own):
        raise refuse_field("email", "candidate already exists")


def has_candidate(rows: WorkableRows, email: str, job: Row, but: object = None) -> bool:
    """Whether somebody with this address is on the job already."""
    return any(row.get("job_shortcode") == name_job(job) and row["id"] != but for row in rows.find_by_email(email))


def _read_end(call: Call, given: Row) -> Row:
    if not given.get("disqualified"):
        return {}
    moment = given.get("disqualified_at")
    if moment is not None and find_second(moment) is None:
        raise refuse_field("disqualified_at", "is invalid")
    return {
        "disqualified": True,
        "disqualified_at": moment or to_second(call.rows.now() // 1000),
        "disqualification_reason": given.get("disqualification_reason"),
    }


def read_file(value: Row, where: str) -> tuple[str, bytes]:
    """Raises Refused, 422, for what is no base64, or too large."""
    file = check_body(FILE, value, f"{where}.")
    content = decode_file(file["data"])
    if content is None:
        raise refuse_field(where, "is no file, or too large")
    return file["name"], content


def _read_resume(call: Call, given: Row, found: Row) -> bytes | None:
    """A resume behind a link is not fetched: what is there later is made up."""
    content: bytes | None = None
    if "image" in given:
        read_file(given["image"], "image")
    if "resume" in given and given.get("resume_url"):
        raise refuse_field("resume", "is sent twice")
    if "resume" in given:
        name, content = read_file(given["resume"], "resume")
    elif given.get("resume_url"):
        if not given["resume_url"].startswith(("http://", "https://")):
            raise refuse_field("resume_url", "is invalid")
        name = given["resume_url"].partition("?")[0].rstrip("/").rpartition("/")[2][:255] or "resume.pdf"
    else:
        return None
    now = to_second(call.rows.now() // 1000)
    found["resume_metadata"] = {
        "filename": name, "filetype": name.rpartition(".")[2].lower(), "created_at": now, "updated_at": now,
    }  # fmt: skip
    return content


def _read_answer(call: Call, entry: Row, job: int | None) -> Row:
    key = entry["question_key"]
    question = call.rows.find("questions", key)
    if question is None or question.get("job_number") != job:
        raise refuse_field("answers", f"{key[:40]} is no question of this job")
    kind = read_text(question, "type") or "free_text"
    member = next((name for name in ANSWERED_WITH.get(kind, ("body",)) if name in entry), None)
    if member is None:
        raise refuse_field("answers", f"{key} is answered with {' or '.join(ANSWERED_WITH.get(kind, ('body',)))}")
    value = entry[member]
    answer = _ANSWERS[member](question, value) if member in _ANSWERS else {member: value}
    return {"question": {"id": key, "body": question.get("body")}, "answer": answer}


def _read_choices(question: Row, ids: list[str]) -> Row:
    choices = question.get("choices")
    known = [one for one in choices if isinstance(one, dict)] if isinstance(choices, list) else []
    if len(ids) > 1 and question.get("single_answer") is True:
        raise refuse_field("answers", "has more than one choice")
    chosen = [next((one for one in known if one.get("id") == id_), None) for id_ in ids]
    if None in chosen:
        raise refuse_field("answers", "has an unknown choice")
    return {"choices": chosen}


def _read_date(_question: Row, text: str) -> Row:
    if find_second(text) is None:
        raise refuse_field("answers", "has no date")
    return {"date": text}


def _read_answer_file(_question: Row, value: Row) -> Row:
    name, _ = read_file(value, "answers.file")
    return {"file_url": f"https://files.example.com/{name}"}


_ANSWERS: Mapping[str, Callable[[Row, Any], Row]] = {
    "choices": _read_choices, "date": _read_date, "file": _read_answer_file,
}  # fmt: skip
