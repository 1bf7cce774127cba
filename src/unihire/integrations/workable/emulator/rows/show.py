"""Rows as the vendor shows them. What a row has itself by the vendor's name is sent as it is."""

from collections.abc import Mapping
from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.workable.emulator.rows.find import WorkableRows
from unihire.integrations.workable.emulator.rows.ids import find_number
from unihire.integrations.workable.emulator.rows.values import list_texts, pick, read_object, read_text

OWN = {
    "candidates": ("job_shortcode", "stage_slug", "custom_attributes"),
    "jobs": ("team", "recruiter_ids", "pipeline"),
    "stages": ("pipeline",),
    "questions": ("job_number",),
    "activities": ("action_stage", "target_stage", "member_id", "candidate_id", "job_shortcode"),
    "events": ("candidate_id", "job_shortcode"),
    "offers": ("id", "candidate_id", "document_names"),
    "files": ("id", "candidate_id"),
    "requisitions": (
        "job_shortcode",
        "department_id",
        "requester_id",
        "hiring_manager_id",
        "owner_id",
        "created_at",
        "updated_at",
    ),
}
"""Members of rows that only the emulator has."""

ONLY_DETAIL = (
    "image_url", "disqualified_at", "withdrew", "outbound_mailbox", "uploader_id", "cover_letter", "summary",
    "education_entries", "experience_entries", "skills", "answers", "resume_url", "social_profiles", "tags", "location",
    "originating_candidate_id",
)  # fmt: skip
"""Members of a candidate that lists do not have."""

TEXTS = ("description", "full_description", "requirements", "benefits")
"""Members of a job that lists have only where they are asked for."""
ONLY_JOB = ("employment_type", "industry", "function", "experience", "education")


class Show:
    """Makes what is sent of a row."""

    def __init__(self, rows: WorkableRows) -> None:
        self._rows = rows
        self.account = rows.world.account
        self.home = f"https://{self.account}.example.com"
        """Where the pages of the product are; nothing answers there."""

    def plain(self, stream: str, row: Row) -> Row:
        hidden = OWN.get(stream, ())
        return {name: value for name, value in row.items() if name not in hidden and not name.startswith("_")}

    # People

    def candidate(self, row: Row, *, is_detail: bool, link: str | None = None) -> Row:
        """`link` is where the resume is, for a while."""
        number = find_number("candidates", row.get("id")) or 0
        job, stage = self._rows.find_job(row.get("job_shortcode")), self._rows.find_candidate_stage(row)
        found: Row = {
            "id": row.get("id"),
            "account": {"subdomain": self.account, "name": self._rows.world.company.name},
        }
        if job is not None:
            found["job"] = pick(job, "shortcode", "title")
        else:
            found["talent_pool"] = {"talent_pool_id": 737404, "identifier": "b454e"}
        found["stage"] = None if stage is None else stage.get("name")
        found["stage_kind"] = None if stage is None else stage.get("kind")
        place = "talent_pool" if job is None else f"jobs/{find_number('jobs', job.get('id'))}"
        found["profile_url"] = f"{self.home}/backend/{place}/candidates/{number}"
        if is_detail:
            found["outbound_mailbox"] = f"{row.get('id')}@candidates.example.com"
            found["resume_url"] = link
        found |= self.plain("candidates", row)
        if is_detail or found.get("resume_metadata") is None:
            found.pop("resume_metadata", None)
        return found if is_detail else {name: value for name, value in found.items() if name not in ONLY_DETAIL}

    def member_of_job(self, row: Row, role: object) -> Row:
        return {**pick(row, "id", "name", "headline", "email", "role", "type"), "collaboration_role": role}

    def _refer(self, stream: str, id_: object, *, has_type: bool = False) -> Row | None:
        row = self._rows.find(stream, id_)
        if row is None:
            return None
        return pick(row, "id", "name") | ({"type": row.get("type")} if has_type else {})

    # Jobs

    def job(self, row: Row, *, is_detail: bool, wanted: frozenset[str] = frozenset()) -> Row:
        shortcode = row.get("shortcode")
        texts = [read_text(row, name) or "" for name in ("description", "requirements", "benefits")]
        found: Row = {
            "url": f"{self.home}/backend/jobs/{shortcode}",
            "application_url": f"{self.home}/j/{shortcode}/candidates/new",
            "shortlink": f"{self.home}/j/{shortcode}",
            "full_description": "".join(texts),
            **self.plain("jobs", row),
        }
        if is_detail:
            found.pop("sample", None)
            if isinstance(place := found.get("location"), dict):
                found["location"] = {name: value for name, value in place.items() if name != "location_str"}
            return found
        hidden = set(ONLY_JOB).union(TEXTS) - wanted
        return {name: value for name, value in found.items() if name not in hidden}

    def question(self, row: Row) -> Row:
        return self.plain("questions", row)

    # What happens

    def stage_ref(self, number: object) -> Row | None:
        row = self._rows.find("stages", number)
        return None if row is None else pick(row, "id", "identifier", "name", "slug")

    def activity(self, row: Row) -> Row:
        """As a candidate's timeline has it."""
        found: Row = {"action_stage": self.stage_ref(row.get("action_stage"))}
        found["target_stage"] = self.stage_ref(row.get("target_stage"))
        stage = found["target_stage"] or found["action_stage"]
        found["stage_name"] = None if stage is None else stage.get("name")
        member = self._refer("members", row.get("member_id"), has_type=True)
        if member is not None:
            found["member"] = member
        return found | self.plain("activities", row)

    def job_activity(self, row: Row) -> Row:
        """As a job's timeline has it: less of it, and who it is about."""
        found = self.activity(row)
        for name in ("action_stage", "target_stage", "updated_at", "visibility_roles"):
            found.pop(name, None)
        candidate = self._refer("candidates", row.get("candidate_id"))
        if candidate is not None:
            found["candidate"] = candidate
        if isinstance(rating := found.get("rating"), dict):
            found["rating"] = pick(rating, "score")
        return found

    def event(self, row: Row) -> Row:
        job = self._rows.find_job(row.get("job_shortcode"))
        members: Any = row.get("members")
        if isinstance(members, list):
            members = [self._invite(one) for one in members]
        return {
            **self.plain("events", row),
            "members": members,
            "job": None if job is None else pick(job, "shortcode", "title"),
            "candidate": self._refer("candidates", row.get("candidate_id")),
        }

    def _invite(self, entry: Any) -> Any:
        if not isinstance(entry, dict):
            return entry
        return {**(self._refer("members", entry.get("id"), has_type=True) or {}), **entry}

    def offer(self, candidate: Row, row: Row | None, links: Mapping[str, str]) -> Row:
        """Without an offer the candidate alone; `links` are where its documents are."""
        place = read_object(candidate, "location").get("location_str")
        found: Row = {"candidate": {**pick(candidate, "id", "name"), "location": place}}
        if row is None:
            return found
        documents = [
            {"name": name, "preview_url": links.get(name), "kind": "offer_letter"}
            for name in list_texts(row, "document_names")
        ]
        return {**found, "documents": documents, **self.plain("offers", row)}

    def requisition(self, row: Row) -> Row:
        found = self.plain("requisitions", row)
        job = self._rows.find_job(row.get("job_shortcode"))
        if job is not None:
            found["job"] = pick(job, "id", "title")
        for name, stream in (
            ("department", "departments"),
            ("requester", "members"),
            ("hiring_manager", "members"),
            ("owner", "members"),
        ):
            reference = self._refer(stream, row.get(f"{name}_id"))
            if reference is not None:
                found[name] = reference
        return found
