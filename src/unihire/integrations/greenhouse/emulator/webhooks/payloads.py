"""What webhooks say: the older, nested shapes of a payload, built from the rows.

webhooks.md and webhooks_shapes.json are the source; where the samples of one root differ, the fullest is sent.
"""

from collections.abc import Callable, Mapping

from unihire.integration.emulate import Outbox, Row
from unihire.integrations.greenhouse.emulator.rows.find import GreenhouseRows
from unihire.integrations.greenhouse.emulator.webhooks.messages import encode

# Samples of these carry the source's name as public_name (webhooks.md, Traps).
_PUBLIC_NAMED = (
    "new_prospect_application",
    "hire_candidate",
    "unhire_candidate",
    "reject_candidate",
    "unreject_candidate",
)
_TEAM = {"recruiter": "recruiters", "coordinator": "coordinators", "sourcer": "sourcers"}


_OF_STAGES = ("id", "job_id", "created_at", "updated_at", "name", "active")


def _month_first(day: str | None) -> str | None:
    return None if day is None else f"{day[5:7]}/{day[8:10]}/{day[:4]}"


class Payloads:
    """Builds payloads and hands them to the outbox."""

    def __init__(self, rows: GreenhouseRows, outbox: Outbox) -> None:
        self._rows = rows
        self._outbox = outbox
        self._roots: Mapping[str, Callable[[Row, str], Row]] = {
            "application": lambda row, event: {"application": self._describe_application(row, event)},
            "hired_application": self._describe_hire,
            "deleted_application": self._describe_deleted_application,
            "candidate": lambda row, event: {"candidate": self._describe_candidate(row)},
            "deleted_person": self._describe_deleted_person,
            "merged_person": lambda row, event: {
                "person": {**self._describe_person(row), "new_candidate_id": row["_into"]}
            },
            "anonymized": lambda row, event: {"candidate_id": row["id"], "anonymized_fields": row["_fields"]},
            "offer": lambda row, event: self._describe_offer(row),
            "deleted_offer": self._describe_deleted_offer,
            "interview": lambda row, event: {"interview": {"id": row["id"]}},
            "job": lambda row, event: {"job": self._describe_job(row, has_openings=True)},
            "job_post": lambda row, event: self._describe_post(row),
            "approved_offer": lambda row, event: self._describe_offer(self._find_or_blank("offers", row["offer_id"])),
            "approved_job": self._describe_approved_job,
            "deleted_scorecard": self._describe_deleted_scorecard,
            "deleted_job": lambda row, event: {"job": {key: row[key] for key in ("id", "name")}},
            "deleted_post": lambda row, event: {"job_post": self._describe_post(row)},
            "deleted_stage": lambda row, event: {"job_interview_stage": {key: row[key] for key in _OF_STAGES}},
            "deleted_department": lambda row, event: {
                "department": {**self._describe_branch("departments", row), "parent_id": row["parent_id"]}
            },
            "deleted_office": lambda row, event: {
                "office": {
                    **self._describe_branch("offices", row),
                    "parent_id": row["parent_id"],
                    "location": {"name": row["location"]},
                }
            },
        }

    def publish(self, event: str, root: str, row: Row) -> None:
        if event == "merge_candidate" and not self._outbox.has_receiver(event):
            # A merge is sent as a deletion only where no webhook is for merges: webhooks.md, Events.
            event, root = "delete_candidate", "deleted_person"
        if self._outbox.has_receiver(event):
            payload = self._roots[root](row, event)
            self._outbox.publish(event, encode({"action": event, "payload": payload}))

    def _list(self, stream: str, link: str, value: int) -> list[Row]:
        found = [row for _, row in self._rows.walk_linked(stream, link, value)]
        return sorted(found, key=lambda row: int(row["id"]))

    def _find_or_blank(self, stream: str, number: int | None) -> Row:
        """The row, or one with nothing in it where what points at it leads nowhere."""
        return self._rows.find(stream, number) or {**self._rows.get_columns(stream), "id": number}

    def _stub(self, stream: str, number: int | None) -> Row | None:
        row = self._rows.find(stream, number)
        if row is None:
            return None
        if stream == "referrers":
            return self._stub("users", row["user_id"]) or {
                "id": None,
                "email": None,
                "name": row["name"],
                "employee_id": None,
            }
        return {
            "id": row["id"],
            "email": row["primary_email"],
            "name": row["name"],
            "employee_id": row["employee_id"],
        }

    # Applications

    def _describe_application(self, row: Row, event: str) -> Row:
        reason = self._describe_rejection(row)
        return {
            "id": row["id"],
            "rejected_at": row["rejected_at"],
            "prospect": row["prospect"],
            "prospect_detail": self._describe_prospect(row),
            "status": "active" if row["status"] == "in_process" else row["status"],
            "applied_at": row["created_at"],
            "last_activity_at": row["last_activity_at"],
            "url": f"https://app.example.com/people/{row['candidate_id']}?application_id={row['id']}",
            "source": self._describe_source(row, event),
            "credited_to": self._stub("referrers", row["referrer_id"]),
            **reason,
            "current_stage": self._describe_stage(row),
            "custom_fields": row["custom_fields"],
            "candidate": self._describe_candidate(self._find_or_blank("candidates", row["candidate_id"]), row),
            "jobs": self._list_jobs(row, event),
        }

    def _list_jobs(self, row: Row, event: str) -> list[Row]:
        jobs = [row["job_id"]] if row["job_id"] is not None else row["prospective_job_ids"]
        found = (self._rows.find("jobs", number) for number in jobs)
        described = [self._describe_job(job) for job in found if job is not None]
        if event == "new_prospect_application":
            described = [{key: value for key, value in job.items() if key != "hiring_team"} for job in described]
        return described

    def _describe_source(self, row: Row, event: str) -> Row | None:
        source = self._rows.find("sources", row["source_id"])
        name = "public_name" if event in _PUBLIC_NAMED else "name"
        return None if source is None else {"id": source["id"], name: source["name"]}

    def _describe_prospect(self, row: Row) -> Row:
        details = self._list("prospect_details", "application_id", row["id"])
        detail = details[0] if details else {"pool_id": None, "pool_stage_id": None, "prospect_owner_id": None}

        def name(stream: str, number: int | None) -> Row | None:
            found = self._rows.find(stream, number)
            return None if found is None else {"id": found["id"], "name": found["name"]}

        return {
            "prospect_pool": name("prospect_pools", detail["pool_id"]),
            "prospect_stage": name("prospect_pool_stages", detail["pool_stage_id"]),
            "prospect_owner": name("users", detail["prospect_owner_id"]),
        }

    def _describe_rejection(self, row: Row) -> Row:
        details = self._list("rejection_details", "application_id", row["id"])
        if not details:
            return {"rejection_reason": None, "rejection_details": None}
        reason = self._rows.find("rejection_reasons", details[0]["rejection_reason_id"])
        described = None
        if reason is not None:
            kind = {key: reason["type"].get(key) for key in ("id", "name")}
            described = {"id": reason["id"], "name": reason["name"], "type": kind}
        fields = details[0]["question_custom_fields"]
        return {"rejection_reason": described, "rejection_details": {"custom_fields": fields}}

    def _describe_stage(self, row: Row) -> Row | None:
        stage = self._rows.find("job_interview_stages", row["job_interview_stage_id"])
        if stage is None:
            return None
        own = {one["job_interview_id"]: one for one in self._list("interviews", "application_id", row["id"])}
        planned = self._list("job_interviews", "job_interview_stage_id", stage["id"])
        interviews = [self._describe_interview(one, own.get(one["id"])) for one in planned]
        return {"id": stage["id"], "name": stage["name"], "interviews": interviews}

    def _describe_interview(self, planned: Row, interview: Row | None) -> Row:
        kits = self._list("interview_kits", "job_interview_id", planned["id"])
        questions = self._list("scorecard_questions", "interview_kit_id", kits[0]["id"]) if kits else []
        people = [] if interview is None else self._list("interviewers", "interview_id", interview["id"])
        names = {one["id"]: (self._stub("users", one["user_id"]) or {"name": one["email"]})["name"] for one in people}
        return {
            "id": planned["id"],
            "name": planned["name"],
            "status": "to_be_scheduled" if interview is None else interview["status"],
            "interview_kit": {
                "url": f"https://app.example.com/guides/{kits[0]['id'] if kits else planned['id']}",
                "content": kits[0]["exercises"] if kits else None,
                "questions": [{"id": one["id"], "question": one["question"]} for one in questions],
            },
            "interviewers": [
                {"id": one["user_id"], "display_name": names[one["id"]], "status": one["response_status"]}
                for one in people
            ],
        }

    def _describe_hire(self, row: Row, event: str) -> Row:
        whole = self._describe_application(row, event)
        kept = ("id", "credited_to", "source", "url", "candidate", "jobs", "custom_fields")
        offers = self._list("offers", "application_id", row["id"])
        offer = max(offers, key=lambda one: int(one["version"] or 0))
        opening = self._rows.find("openings", offer["opening_id"])
        job = whole["jobs"][0]
        described = {key: whole[key] for key in kept}
        described["opening"] = None
        if opening is not None:
            described["opening"] = {"opening_id": opening["opening_id"], "custom_fields": opening["custom_fields"]}
        older = ("id", "name", "requisition_id", "departments", "offices", "custom_fields")
        described["job"] = {
            **{key: job[key] for key in older},
            "open_date": job["opened_at"],
            "close_date": job["closed_at"],
        }
        described["offer"] = {
            "id": offer["id"],
            "version": offer["version"],
            "created_at": offer["created_at"],
            "sent_at": offer["sent_on"],
            "resolved_at": offer["resolved_at"],
            "starts_at": offer["starts_on"],
            "custom_fields": offer["custom_fields"],
        }
        return {"application": described}

    def _describe_deleted_application(self, row: Row, _event: str) -> Row:
        details = self._list("rejection_details", "application_id", row["id"])
        detail: Row = details[0] if details else {}
        kept = ("id", "candidate_id", "job_id", "created_at", "source_id", "rejected_at", "referrer_id", "prospect")
        return {
            "application": {
                **{key: row[key] for key in kept},
                "candidate_rejection_reason_id": detail.get("rejection_reason_id"),
                "rejection_note_id": detail.get("rejection_note_id"),
                "rejected_by_user_id": detail.get("rejected_by_id"),
            }
        }

    # People

    def _describe_candidate(self, row: Row, application: Row | None = None) -> Row:
        applications = self._list("applications", "candidate_id", row["id"])
        latest = application or (applications[-1] if applications else {})
        files = [file for one in applications for file in self._list("attachments", "application_id", one["id"])]
        educations = self._list("candidate_educations", "candidate_id", row["id"])
        employments = self._list("candidate_employments", "candidate_id", row["id"])
        kept = ("phone_numbers", "email_addresses", "addresses", "website_addresses", "social_media_addresses", "tags")
        return {
            **{key: row[key] for key in ("id", "first_name", "last_name", "title", "company", "created_at")},
            "external_id": None,
            "photo_url": None,
            "url": f"https://app.example.com/people/{row['id']}",
            "is_private": bool(row["private"]),
            "can_email": row["can_email"],
            **{key: row[key] for key in kept},
            "educations": [self._describe_education(one) for one in educations],
            "employments": [
                {
                    "company_name": one["company_name"],
                    "title": one["title"],
                    "start_date": _month_first(one["start_date"]),
                    "end_date": _month_first(one["end_date"]),
                }
                for one in employments
            ],
            "recruiter": self._stub("users", latest.get("recruiter_id")),
            "coordinator": self._stub("users", latest.get("coordinator_id")),
            "attachments": [{key: one[key] for key in ("filename", "url", "type")} for one in files],
            "custom_fields": row["custom_fields"],
        }

    def _describe_education(self, row: Row) -> Row:
        names = {}
        for kind in ("school_name", "degree", "discipline"):
            option = self._rows.find("custom_field_options", row[f"{kind}_custom_field_option_id"])
            names[kind] = None if option is None else option["name"]
        return {
            **names,
            "start_date": _month_first(row["start_at"]),
            "end_date": _month_first(row["end_at"]),
        }

    def _describe_person(self, row: Row) -> Row:
        applications = self._list("applications", "candidate_id", row["id"])
        latest = applications[-1] if applications else {}
        return {
            **{key: row[key] for key in ("id", "first_name", "last_name", "company", "title", "created_at")},
            "headline": None,
            "is_private": bool(row["private"]),
            "recruiter_user_id": latest.get("recruiter_id"),
            "coordinator_user_id": latest.get("coordinator_id"),
            "can_email": row["can_email"],
        }

    def _describe_deleted_person(self, row: Row, _event: str) -> Row:
        applications = self._list("applications", "candidate_id", row["id"])
        return {
            "person": {**self._describe_person(row), "deleted_application_ids": [one["id"] for one in applications]}
        }

    # Jobs and offers

    def _describe_job(self, row: Row, *, has_openings: bool = False) -> Row:
        posts = self._list("job_posts", "job_id", row["id"])
        department = self._rows.find("departments", row["department_id"])
        offices = [self._rows.find("offices", number) for number in row["office_ids"] or ()]
        team: dict[str, list[Row]] = {name: [] for name in ("hiring_managers", *sorted(_TEAM.values()))}
        for one in self._list("job_hiring_managers", "job_id", row["id"]):
            team["hiring_managers"].append(self._describe_member(one["user_id"]))
        for one in self._list("job_owners", "job_id", row["id"]):
            if one["type"] in _TEAM:
                team[_TEAM[one["type"]]].append(self._describe_member(one["user_id"]))
        described = {
            **{key: row[key] for key in ("id", "name", "requisition_id", "notes", "confidential")},
            "job_post_id": posts[0]["id"] if posts else None,
            "status": row["status"],
            "created_by_id": None,
            **{key: row[key] for key in ("created_at", "opened_at", "closed_at")},
            "url": f"https://app.example.com/sdash/{row['id']}",
            "departments": []
            if department is None
            else [{key: department[key] for key in ("id", "name", "external_id")}],
            "offices": [
                {key: office[key] for key in ("id", "name", "location", "external_id")}
                for office in offices
                if office is not None
            ],
            "hiring_team": team,
            "custom_fields": row["custom_fields"],
        }
        if has_openings:
            openings = self._list("openings", "job_id", row["id"])
            described["openings"] = [
                {key: one[key] for key in ("id", "opening_id", "custom_fields")} for one in openings
            ]
        return described

    def _describe_member(self, number: int) -> Row:
        user = self._rows.find("users", number) or {"employee_id": None}
        return {"user_id": number, "employee_id": user["employee_id"]}

    def _describe_offer(self, row: Row) -> Row:
        application: Row = self._rows.find("applications", row["application_id"]) or {"recruiter_id": None}
        return {
            **{key: row[key] for key in ("id", "application_id", "job_id")},
            "user_id": application["recruiter_id"],
            **{key: row[key] for key in ("version", "sent_on", "resolved_at")},
            "start_date": _month_first(row["starts_on"]),
            "notes": None,
            "offer_status": row["status"],
            "custom_fields": row["custom_fields"],
        }

    def _describe_deleted_offer(self, row: Row, _event: str) -> Row:
        flat = self._describe_offer(row)
        kept = ("id", "application_id", "job_id", "version", "sent_on", "resolved_at", "notes", "offer_status")
        return {"offer": {**{key: flat[key] for key in kept}, "offering_user_id": flat["user_id"]}}

    def _describe_approved_job(self, row: Row, _event: str) -> Row:
        job = self._find_or_blank("jobs", row["job_id"])
        return {
            "approval_flow": {"approval_flow_type": row["approval_type"]},
            "job": self._describe_job(job, has_openings=True),
        }

    def _describe_deleted_scorecard(self, row: Row, _event: str) -> Row:
        application = self._find_or_blank("applications", row["application_id"])
        kept = {key: row[key] for key in ("id", "interviewed_at", "created_at", "updated_at")}
        candidate, status = application["candidate_id"], row["status"]
        return {"scorecard": {**kept, "candidate_id": candidate, "scorecard_status": status}}

    def _describe_branch(self, stream: str, row: Row) -> Row:
        """A department or office, with all that is below it."""
        below: list[int] = []
        level = [row["id"]]
        while level := [one["id"] for parent in level for one in self._list(stream, "parent_id", parent)]:
            below += level
        return {**{key: row[key] for key in ("id", "name", "external_id")}, "child_ids": below}

    def _describe_post(self, row: Row) -> Row:
        places = self._list("job_post_locations", "job_post_id", row["id"])
        location = places[0]["plain_text_location"] if places else None
        questions = [
            {
                "required": one["required"],
                "private": one["private"],
                "label": one["label"],
                "type": one["answer_type"],
                "values": [option["label"] for option in one["options"]],
            }
            for one in row["questions"]
        ]
        return {
            **{key: row[key] for key in ("id", "title")},
            "location": location,
            **{key: row[key] for key in ("content", "internal_content", "updated_at", "job_id")},
            "external": not row["internal"],
            **{key: row[key] for key in ("internal", "live")},
            "questions": questions,
        }
