"""Rows of applications: the application itself, its stages, files, notes, and what people say of themselves."""

from collections.abc import Mapping, Sequence

from unihire.integration.emulate import PartRows, Row
from unihire.integrations.greenhouse.emulator.rows.catalog import (
    AGENCY,
    DEMOGRAPHIC_OPTIONS,
    EEOC_DISABILITIES,
    EEOC_GENDERS,
    EEOC_RACES,
    EEOC_VETERANS,
    FREE_FORM_OPTION,
    OUR_REASONS,
    REFERRAL,
    THEIR_REASONS,
)
from unihire.integrations.greenhouse.emulator.rows.profiles import (
    DAY,
    STAGE_PLACES,
    count_stages,
    list_attachment_types,
    list_note_types,
)
from unihire.integrations.greenhouse.emulator.rows.times import to_moment
from unihire.integrations.greenhouse.emulator.rows.world import World

_APPLICATION_STATUS = {"hired": "hired", "rejected": "rejected", "withdrawn": "rejected"}
_VISIBILITIES = ("publicly_visible", "privately_visible", "admin_only_visible", "publicly_visible")


class HiringRows:
    """Makes the rows; a place counts an application's rows of a stream from 0."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ids = world.ids
        self._begin = world.begin_for_application

    def list_parts(self) -> Mapping[str, Sequence[PartRows]]:
        make = self._world.make_application_part
        return {
            "applications": [make(1, self._shape_application)],
            "application_stages": [make(STAGE_PLACES, self._shape_stage, count_stages)],
            "attachments": [make(5, self._shape_attachment, lambda profile: len(list_attachment_types(profile)))],
            "rejection_details": [
                make(1, self._shape_rejection, lambda profile: int(profile.outcome in ("rejected", "withdrawn")))
            ],
            "prospect_details": [make(1, self._shape_prospect, lambda profile: int(profile.kind != "candidate"))],
            "notes": [make(4, self._shape_note, lambda profile: len(list_note_types(profile)))],
            "eeoc": [make(1, self._shape_eeoc, lambda p: int(p.kind == "candidate" and p.variant >> 2 & 3 == 1))],
            "demographic_answers": [
                make(3, self._shape_demographic, lambda p: 3 * int(p.kind == "candidate" and p.variant >> 1 & 7 == 2))
            ],
        }

    def _shape_application(self, index: int, _place: int) -> Row:
        world, ids = self._world, self._ids
        facts = world.application(index)
        profile, bits, millis = facts.profile, facts.bits, facts.millis
        job = world.job(facts.job)
        team = job.team
        is_candidate = profile.kind == "candidate"
        job_id = ids["jobs"](facts.job)
        updated = to_moment(facts.updated, millis)
        ended = world.find_ended_at(facts) if _APPLICATION_STATUS.get(profile.outcome or "") == "rejected" else None
        status = (
            "converted" if profile.kind == "converted" else _APPLICATION_STATUS.get(profile.outcome or "", "in_process")
        )
        position = profile.position
        referrer = None
        if facts.channel == REFERRAL:
            referrer = ids["referrers"](bits % world.company.employees.count)
        elif facts.channel == AGENCY:
            referrer = ids["referrers"](bits % 4, part=1)
        user = ids["users"]
        return {
            "id": ids["applications"](index),
            "created_at": to_moment(facts.created, millis),
            "updated_at": updated,
            "agency_note_id": None,
            "candidate_id": ids["candidates"](facts.candidate),
            "coordinator_id": user(team[2]) if len(team) > 2 else None,
            "job_id": job_id if is_candidate else None,
            "job_post_id": ids["job_posts"](facts.job)
            if is_candidate and bits & 32 and job.status != "draft"
            else None,
            "recruiter_id": user(team[0]) if team else None,
            "referrer_id": referrer,
            "source_id": None if facts.channel is None else ids["sources"](facts.channel),
            "stage_id": ids["application_stages"](index, position) if is_candidate else None,
            "stage_name": world.name_stage(job, position) if is_candidate else None,
            "job_interview_stage_id": ids["job_interview_stages"](facts.job, position) if is_candidate else None,
            "status": status,
            "needs_decision": status == "in_process" and is_candidate and bits >> 9 & 3 == 0,
            "prospect": not is_candidate,
            "rejected_at": None if ended is None else to_moment(ended, millis),
            "last_activity_at": updated,
            "location_address": world.company.candidate(facts.candidate).city if bits & 64 else None,
            "answers": _ANSWERS[bits >> 7 & 3] if is_candidate else [],
            "prospective_job_ids": [] if is_candidate else [job_id],
            "custom_fields": world.values["application"][profile.variant],
        }

    def _shape_stage(self, index: int, place: int) -> Row:
        facts = self._world.application(index)
        times = self._world.times(index)
        is_current = place == facts.profile.position
        entered = times[place]
        exited = None if is_current else times[place + 1]
        row = self._begin(facts, self._ids["application_stages"](index, place), entered, exited or entered)
        return {
            **row,
            "application_id": self._ids["applications"](index),
            "job_interview_stage_id": self._ids["job_interview_stages"](facts.job, place),
            "entered_at": row["created_at"],
            "exited_at": None if exited is None else row["updated_at"],
            "days_in_stage": ((exited or facts.updated) - entered) // DAY,
            "current": is_current,
        }

    def _shape_attachment(self, index: int, place: int) -> Row:
        facts = self._world.application(index)
        type_ = list_attachment_types(facts.profile)[place]
        number = self._ids["attachments"](index, place)
        is_late = type_.endswith("offer_letter") or type_ == "take_home_test"
        created = self._world.times(index)[-1] if is_late else facts.created
        filename = f"{type_.replace('_', '-')}.pdf"
        return {
            **self._begin(facts, number, created, created),
            "application_id": self._ids["applications"](index),
            "candidate_id": self._ids["candidates"](facts.candidate),
            "type": type_,
            "filename": filename,
            "url": f"/files/attachments/{number}/{filename}",
        }

    def _shape_rejection(self, index: int, _place: int) -> Row:
        facts = self._world.application(index)
        is_ours = facts.profile.outcome == "rejected"
        reasons = OUR_REASONS if is_ours else THEIR_REASONS
        ended = self._world.times(index)[-1]
        row = self._begin(facts, self._ids["rejection_details"](index), ended)
        return {
            **row,
            "application_id": self._ids["applications"](index),
            "rejected_by_id": self._world.pick_user(facts.bits >> 3) if is_ours else None,
            "rejection_note_id": self._ids["notes"](index, 0),
            "rejection_reason_id": self._ids["rejection_reasons"](reasons[facts.bits % len(reasons)]),
            "rejected_at": row["created_at"],
            "question_custom_fields": self._world.values["rejection_question"][facts.profile.variant],
        }

    def _shape_prospect(self, index: int, _place: int) -> Row:
        facts, ids = self._world.application(index), self._ids
        pool = facts.bits >> 4 & 3
        department = self._world.job(facts.job).department
        return {
            **self._begin(facts, ids["prospect_details"](index), facts.created),
            "application_id": ids["applications"](index),
            "pool_id": ids["prospect_pools"](pool) if pool < 3 else None,
            "pool_stage_id": ids["prospect_pool_stages"](pool * 3 + (facts.bits >> 6) % 3) if pool < 3 else None,
            "prospect_owner_id": self._world.pick_user(facts.bits >> 5) if facts.bits & 256 else None,
            "department_id": None if department is None else ids["departments"](department),
            "office_id": ids["offices"](facts.bits >> 9 & 15) if facts.bits & 512 else None,
        }

    def _shape_note(self, index: int, place: int) -> Row:
        world = self._world
        facts = world.application(index)
        types = list_note_types(facts.profile)
        is_rejection = place == 0 and facts.profile.outcome in ("rejected", "withdrawn")
        created = (
            world.times(index)[-1]
            if is_rejection
            else facts.created + (facts.updated - facts.created) * (place + 1) // 5
        )
        type_ = types[place]
        is_mail = type_ == "EMAIL"
        body = (
            "Not this time." if is_rejection else f"{type_.title()} {facts.bits % 1000}: spoke with <b>them</b> & more."
        )
        candidate = world.company.candidate(facts.candidate)
        return {
            **self._begin(facts, self._ids["notes"](index, place), created, created),
            "candidate_id": self._ids["candidates"](facts.candidate),
            "application_id": None if type_ == "FOLLOW_UP" else self._ids["applications"](index),
            "body": body,
            "subject": "Your application" if is_mail else None,
            "type": type_,
            "user_id": None if type_ == "ACTIVITY" else world.pick_user(facts.bits >> place),
            "email_from": "recruiting@staff.example.com" if is_mail else None,
            "email_to": (candidate.email or None) if is_mail else None,
            "email_cc": ["team@staff.example.com"] if is_mail else [],
            "import_hash": None,
            "body_with_tags": body,
            "visibility": "publicly_visible" if is_mail else _VISIBILITIES[facts.bits >> (place + 3) & 3],
            "email_attachment_file_names": [],
        }

    # What people say of themselves

    def _shape_eeoc(self, index: int, _place: int) -> Row:
        facts = self._world.application(index)
        row = self._begin(facts, self._ids["eeoc"](index), facts.created, facts.created)

        def pick(choices: tuple[tuple[int, str], ...], shift: int) -> Row | None:
            draw = facts.bits >> shift
            if draw & 7 == 6:
                return None
            number, description = choices[draw % len(choices)]
            return {"id": number, "description": description}

        return {
            **row,
            "application_id": self._ids["applications"](index),
            "candidate_id": self._ids["candidates"](facts.candidate),
            "gender": pick(EEOC_GENDERS, 2),
            "race": pick(EEOC_RACES, 5),
            "veteran_status": pick(EEOC_VETERANS, 8),
            "disability_status": pick(EEOC_DISABILITIES, 11),
            "submitted_at": row["created_at"],
        }

    def _shape_demographic(self, index: int, place: int) -> Row:
        facts = self._world.application(index)
        options = len(DEMOGRAPHIC_OPTIONS[place])
        option = (facts.bits >> place * 3) % options
        is_free = place == 0 and option == FREE_FORM_OPTION
        return {
            **self._begin(facts, self._ids["demographic_answers"](index, place), facts.created, facts.created),
            "application_id": self._ids["applications"](index),
            "demographic_question_id": self._ids["demographic_questions"](place),
            "demographic_answer_option_id": self._ids["demographic_answer_options"](place * options + option),
            "free_form_text": "In my own words" if is_free else None,
        }


_QUESTION, _SECOND = "How did you hear about us?", "Do you need a work permit?"
_ANSWERS: tuple[list[Row], ...] = (
    [{"question": _QUESTION, "answer": "A friend"}, {"question": _SECOND, "answer": "No"}],
    [{"question": _QUESTION, "answer": None}, {"question": _SECOND, "answer": "Yes"}],
    [],
    [{"question": _QUESTION, "answer": "Your “careers” page"}],
)
