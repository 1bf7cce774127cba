"""What belongs to an opportunity: notes, interviews, feedback, offers, files, forms, answers for statistics."""

from unihire.integration.emulate import PartRows, Row
from unihire.integrations.lever.emulator.rows.forms import (
    EEO_ANSWERS,
    FEEDBACK_FIELDS,
    FORM_FIELDS,
    REFERRAL_FIELDS,
    fill_fields,
)
from unihire.integrations.lever.emulator.rows.ids import make_id
from unihire.integrations.lever.emulator.rows.values import to_millis
from unihire.integrations.lever.emulator.rows.world import APPLICANT, PLACES, Progress, World

DAY = 86400
OPEN_OFFERS = ("draft", "approval-sent", "approved", "sent", "sent-manually", "opened")
TIMEZONES = ("Europe/Berlin", "Europe/Madrid")


class Hiring:
    """The parts of these streams."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list_parts(self) -> dict[str, list[PartRows]]:
        part = self._world.make_part
        return {
            "notes": [part(PLACES, self._make_note, "notes")],
            "interviews": [part(PLACES, self._make_interview, "interviews")],
            "panels": [part(PLACES, self._make_panel, "interviews")],
            "feedback": [part(PLACES, self._make_feedback, "feedback")],
            "offers": [part(1, self._make_offer, "offers")],
            "referrals": [part(1, self._make_referral, "referrals")],
            "resumes": [part(1, self._make_resume, "resumes")],
            "files": [part(2, self._make_file, "files")],
            "file_actions": [part(2, self._make_file_action, "files")],
            "forms": [part(1, self._make_form, "forms")],
            "eeo_responses": [part(1, self._make_eeo, "eeo")],
            "webhooks": [],
            "uploads": [],
        }

    @staticmethod
    def _begin(stream: str, number: int, facts: Progress) -> Row:
        return {"id": make_id(stream, number), "opportunityId": make_id("opportunities", 1 + facts.index)}

    @staticmethod
    def _find_moment(facts: Progress, place: int) -> int:
        """Seconds; within the life of the opportunity."""
        return facts.created + (facts.updated - facts.created) * (place + 1) // 4

    def _make_note(self, index: int, place: int) -> Row:
        facts = self._world.progress(index)
        at, user = to_millis(self._find_moment(facts, place)), self._world.pick_user(facts.bits >> 4 + place)
        comments = 2 if facts.bits >> 15 & 3 == 1 and place == 0 else 1
        return {
            **self._begin("notes", 1 + index * PLACES + place, facts),
            "text": "Note",
            "fields": [
                {
                    "type": "note",
                    "text": "Comment",
                    "value": f"Made-up note {index}, comment {number}",
                    "createdAt": at + number,
                    "user": user,
                    "score": 1 + facts.bits % 4 if facts.bits >> 18 & 7 == 1 else None,
                    "stage": make_id("stages", 1 + facts.stage),
                }
                for number in range(comments)
            ],
            "user": user,
            "secret": facts.bits >> 20 & 7 == place,
            "completedAt": at,
            "createdAt": at,
            "deletedAt": None,
            "viaApi": facts.bits >> 23 & 1 == 1,
        }

    # Interviews

    def _make_panel(self, index: int, place: int) -> Row:
        facts = self._world.progress(index)
        return {
            **self._begin("panels", 1 + index * PLACES + place, facts),
            "applications": [make_id("applications", 1 + index)] if facts.applications else [],
            "canceledAt": self._find_cancelled(facts, place),
            "createdAt": to_millis(self._find_moment(facts, place)),
            "externallyManaged": facts.bits >> 10 & 1 == 1,
            "externalUrl": None,
            "feedbackReminder": "daily",
            "note": None,
            "stage": make_id("stages", 1 + min(APPLICANT + 1 + place, facts.stage)),
            "timezone": TIMEZONES[facts.bits & 1],
            "user": self._world.pick_user(facts.bits >> 5),
        }

    @staticmethod
    def _find_cancelled(facts: Progress, place: int) -> int | None:
        return to_millis(facts.updated) if facts.outcome == "withdrawn" and place >= facts.feedback else None

    def _make_interview(self, index: int, place: int) -> Row:
        facts = self._world.progress(index)
        created = self._find_moment(facts, place)
        template = make_id("feedback_templates", 1 + place)
        return {
            **self._begin("interviews", 1 + index * PLACES + place, facts),
            "panel": make_id("panels", 1 + index * PLACES + place),
            "subject": ("Screening call", "On-site interview")[place],
            "note": "Bring the plan." if facts.bits >> 6 & 1 else None,
            "interviewers": [
                {
                    "id": self._world.pick_user((facts.bits >> 4) + one * 7 + place),
                    "feedbackTemplate": "no-feedback" if one else template,
                }
                for one in range(1 + (facts.bits >> 8 & 1))
            ],
            "timezone": TIMEZONES[facts.bits & 1],
            "createdAt": to_millis(created),
            "date": ((created + 2 * DAY) // 3600 * 3600) * 1000,
            "duration": (30, 45, 60)[facts.bits % 3],
            "location": "Room 1" if facts.bits & 3 == 0 else None,
            "feedbackTemplate": template,
            "feedbackReminder": "daily",
            "user": self._world.pick_user(facts.bits >> 5),
            "stage": make_id("stages", 1 + min(APPLICANT + 1 + place, facts.stage)),
            "canceledAt": self._find_cancelled(facts, place),
            "postings": [make_id("postings", 1 + facts.job)] if facts.applications else [],
            "gcalEventUrl": None,
        }

    def _make_feedback(self, index: int, place: int) -> Row:
        """Now and then of another kind, which belongs to no interview; and now and then deleted."""
        facts, number = self._world.progress(index), 1 + index * PLACES + place
        created = self._find_moment(facts, place)
        done = min(created + 3 * DAY, facts.updated)
        text, fields = FEEDBACK_FIELDS[place]
        draw = facts.bits >> 14 & 15
        kind = {1: "assignment", 2: "share"}.get(draw + place, "interview")
        is_interview = kind == "interview"
        return {
            **self._begin("feedback", number, facts),
            "type": kind,
            "text": text,
            "instructions": "",
            "fields": fill_fields(fields, facts.bits >> place),
            "baseTemplateId": make_id("feedback_templates", 1 + place),
            "interview": make_id("interviews", number) if is_interview else None,
            "panel": make_id("panels", number) if is_interview else None,
            "user": self._world.pick_user((facts.bits >> 4) + place),
            "createdAt": to_millis(created),
            "completedAt": to_millis(done) if draw != 7 else None,
            "updatedAt": to_millis(done),
            "deletedAt": to_millis(facts.updated) if draw == 9 else None,
        }

    # Offers and referrals

    def _make_offer(self, index: int, _place: int) -> Row:
        facts = self._world.progress(index)
        person = self._world.company.candidate(facts.candidate)
        created = self._find_moment(facts, 2)
        status = "signed" if facts.outcome == "hired" else "denied" if facts.outcome is not None else "draft"
        if facts.outcome == "offer":
            status = OPEN_OFFERS[facts.bits >> 16 & 7] if facts.bits >> 16 & 7 < len(OPEN_OFFERS) else "sent"
        is_sent = status in ("sent", "sent-manually", "opened", "signed")
        is_signed, sent = status == "signed", to_millis(created + (facts.updated - created) // 2)
        salary = 50_000 + facts.bits % 40 * 1000
        values = (
            ("Job title", "job_title", self._world.job(facts.job).title),
            ("Job posting", "job_posting", make_id("postings", 1 + facts.job)),
            ("Candidate", "candidate_name", f"{person.first_name} {person.last_name}".strip() or None),
            ("Salary", "salary_amount", salary),
            ("Currency", "compensation_currency", "EUR"),
            ("Interval", "salary_interval", "per-year-salary"),
            ("Hiring manager", "hiring_manager", self._world.pick_user(facts.bits >> 7)),
            ("Start", "anticipated_start_date", (facts.updated // DAY + 60) * DAY * 1000),
            ("Bonus", "custom_bonus", facts.bits % 10 * 1000),
        )
        signature = {
            "role": "candidate",
            "name": f"{person.first_name} {person.last_name}".strip(),
            "email": person.email,
            "firstOpenedAt": sent if status in ("opened", "signed") else None,
            "lastOpenedAt": sent if status in ("opened", "signed") else None,
            "signedAt": to_millis(facts.updated) if is_signed else None,
            "signed": is_signed,
        }
        return {
            **self._begin("offers", 1 + index, facts),
            "posting": make_id("postings", 1 + facts.job) if facts.applications else None,
            "createdAt": to_millis(created),
            "creator": self._world.pick_user(facts.bits >> 8),
            "status": status,
            "fields": [{"text": text, "identifier": name, "value": value} for text, name, value in values],
            "signatures": {"candidate": signature} if is_sent else None,
            "approved": status not in ("draft", "approval-sent") or None,
            "approvedAt": to_millis(created) if status not in ("draft", "approval-sent") else None,
            "sentAt": sent if is_sent else None,
            "sentDocument": self._make_document(f"offer-{index}.pdf", sent) if is_sent else None,
            "signedDocument": self._make_document(f"signed-{index}.pdf", sent) if is_signed else None,
        }

    @staticmethod
    def _make_document(name: str, at: int) -> Row:
        return {"fileName": name, "uploadedAt": at}

    def _make_referral(self, index: int, _place: int) -> Row:
        facts = self._world.progress(index)
        user, at = self._world.pick_user(facts.bits >> 6), to_millis(facts.created)
        return {
            **self._begin("referrals", 1 + index, facts),
            "type": "referral",
            "text": "Referral",
            "instructions": "",
            "fields": fill_fields(REFERRAL_FIELDS, facts.bits),
            "baseTemplateId": make_id("question_sets", 9),
            "user": user,
            "referrer": user if facts.bits >> 12 & 1 else None,
            "stage": make_id("stages", APPLICANT + 1),
            "createdAt": at,
            "completedAt": at,
        }

    # Files and forms

    def _make_resume(self, index: int, _place: int) -> Row:
        facts, at = self._world.progress(index), to_millis(self._world.progress(index).created)
        file = {"name": f"resume-{index}.pdf", "ext": "pdf", "uploadedAt": at, "status": "processed", "size": 20_480}
        position = {
            "org": "Example Ltd",
            "title": ("Buyer", "Nurse", "Engineer")[facts.bits % 3],
            "summary": "",
            "location": "Berlin",
            "start": {"year": 2018, "month": 1 + facts.bits % 12},
            "end": None,
        }
        school = {"org": "Sample University", "degree": "BA", "field": "Design", "summary": "", "start": None}
        return {
            **self._begin("resumes", 1 + index, facts),
            "createdAt": at,
            "file": None if facts.bits >> 16 & 15 == 3 else file,
            "parsedData": {"positions": [position], "schools": [{**school, "end": None}]}
            if facts.bits >> 20 & 3
            else None,
        }

    def _make_file(self, index: int, place: int) -> Row:
        facts = self._world.progress(index)
        status = "error" if facts.bits >> 18 & 31 == 1 else "processed"
        return {
            **self._begin("files", 1 + index * 2 + place, facts),
            "ext": ".pdf",
            "name": f"portfolio-{index}-{place}.pdf",
            "uploadedAt": to_millis(self._find_moment(facts, place)),
            "status": status,
            "size": None if status == "error" else 10_240,
        }

    def _make_file_action(self, index: int, place: int) -> Row:
        facts = self._world.progress(index)
        at, number = to_millis(self._find_moment(facts, place)), 1 + index * 2 + place
        return {
            **self._begin("file_actions", number, facts),
            "type": "file-added",
            "occurredAt": at,
            "createdAt": at,
            "user": None,
            "meta": {"fileId": make_id("files", number)},
        }

    def _make_form(self, index: int, _place: int) -> Row:
        facts, at = self._world.progress(index), to_millis(self._find_moment(self._world.progress(index), 0))
        which = facts.bits & 1
        return {
            **self._begin("forms", 1 + index, facts),
            "type": "form",
            "text": FORM_FIELDS[which][0],
            "instructions": "",
            "fields": fill_fields(FORM_FIELDS[which][1], facts.bits),
            "baseTemplateId": make_id("form_templates", 1 + which),
            "user": self._world.pick_user(facts.bits >> 5),
            "createdAt": at,
            "completedAt": at,
            "deletedAt": None,
        }

    def _make_eeo(self, index: int, _place: int) -> Row:
        """A question that was not answered is missing."""
        facts = self._world.progress(index)
        answers = {
            name: words[(facts.bits >> place * 3) % len(words)]
            for place, (name, words) in enumerate(EEO_ANSWERS.items())
            if facts.bits >> place * 5 + 3 & 7
        }
        return {
            **self._begin("eeo_responses", 1 + index, facts),
            "applicationId": make_id("applications", 1 + index),
            "eeoResponseSource": "api",
            "eeoSurveyRespondedAt": to_millis(facts.created),
            **answers,
        }
