"""Rows that belong to an application: from the application itself to the offer, and all the talk between."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from unihire.integration.emulate import Part, Row
from unihire.integrations.greenhouse.emulator_catalog import (
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
from unihire.integrations.greenhouse.emulator_times import to_day, to_moment
from unihire.integrations.greenhouse.emulator_world import ApplicationWorld, Profile, World

DAY = 86400
STAGE_PLACES, INTERVIEW_PLACES, QUESTIONS, FOCUSES = 8, 6, 3, 2
TAKE_HOME = 2

# (interview, member of its panel) in turn: every other interview is held by two.
PANEL = ((0, 0), (1, 0), (1, 1), (2, 0), (3, 0), (3, 1), (4, 0), (5, 0), (5, 1))
PANEL_ENDS = (0, 1, 3, 4, 6, 7, 9)

_STATUSES = ("to_be_scheduled", "scheduled", "awaiting_feedback", "complete")
_TAKE_HOME_STATUSES = ("to_be_sent", "sent", "received", "collect_feedback")
_APPLICATION_STATUS = {"hired": "hired", "rejected": "rejected", "withdrawn": "rejected"}
_GOOD, _BAD = ("yes", "strong_yes", "no_decision", "yes"), ("no", "strong_no", "no", "no_decision")
_NOTE_TYPES = ((), ("NOTE",), ("EMAIL", "NOTE"), ("ACTIVITY", "INTERVIEW", "FOLLOW_UP"))
_VISIBILITIES = ("publicly_visible", "privately_visible", "admin_only_visible", "publicly_visible")
_ATTRIBUTE_RATINGS = ("definitely_not", "no", "yes", "strong_yes", "mixed", "no_decision")


def find_interview_stage(slot: int, last: int) -> int:
    """The stage of a job's interview: one a stage, two in the last before the offer."""
    return min(slot + 1, last)


def count_interviews(profile: Profile) -> int:
    if profile.kind != "candidate" or profile.position == 0:
        return 0
    return profile.position if profile.position < profile.last else profile.last + 1


def find_interview_status(profile: Profile, slot: int) -> str:
    if profile.position > find_interview_stage(slot, profile.last):
        return "complete"
    if profile.outcome is not None:
        return "complete" if profile.variant & 1 else "skipped"
    return (_TAKE_HOME_STATUSES if slot == TAKE_HOME else _STATUSES)[profile.variant & 3]


@lru_cache(maxsize=8192)
def count_scorecards(profile: Profile) -> tuple[int, int]:
    """(complete ones, all): one for each who held a complete interview, a draft where feedback is awaited."""
    held = count_interviews(profile)
    done = sum(find_interview_status(profile, slot) == "complete" for slot in range(held))
    is_awaited = done < held and find_interview_status(profile, done) in ("awaiting_feedback", "collect_feedback")
    return PANEL_ENDS[done], PANEL_ENDS[done] + is_awaited


def count_stages(profile: Profile) -> int:
    return profile.position + 1 if profile.kind == "candidate" else 0


def count_offers(profile: Profile) -> int:
    if profile.outcome in ("offer", "hired"):
        return 2 if profile.variant & 3 == 0 else 1
    return int(profile.outcome == "withdrawn" and profile.position == profile.last and profile.variant & 1)


def list_attachment_types(profile: Profile) -> tuple[str, ...]:
    types: tuple[str, ...] = ("resume",) if profile.variant & 7 != 3 else ()
    if profile.variant & 24 == 8:
        types += ("cover_letter",)
    if profile.variant & 36 == 4 and count_interviews(profile) > TAKE_HOME:
        types += ("take_home_test",)
    if profile.outcome == "hired":
        types += ("offer_letter", "signed_offer_letter")
    return types


def list_note_types(profile: Profile) -> tuple[str, ...]:
    """The first note of somebody rejected says why."""
    why = ("NOTE",) if profile.outcome in ("rejected", "withdrawn") else ()
    return (*why, *_NOTE_TYPES[profile.variant >> 1 & 3])


class HiringRows:
    """Makes the rows; a place counts an application's rows of a stream from 0."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ids = world.ids

    def list_parts(self) -> Mapping[str, Sequence[Part]]:
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
            "interviews": [make(INTERVIEW_PLACES, self._shape_interview, count_interviews)],
            "interviewers": [
                make(len(PANEL), self._shape_interviewer, lambda profile: PANEL_ENDS[count_interviews(profile)])
            ],
            "scorecards": [make(len(PANEL), self._shape_scorecard, lambda profile: count_scorecards(profile)[1])],
            "scorecard_question_answers": [
                make(
                    len(PANEL) * QUESTIONS,
                    self._shape_answer,
                    lambda profile: count_scorecards(profile)[0] * QUESTIONS,
                )
            ],
            "scorecard_question_answer_options": [
                make(len(PANEL), self._shape_answer_option, lambda profile: count_scorecards(profile)[0])
            ],
            "scorecard_candidate_attributes": [
                make(len(PANEL) * FOCUSES, self._shape_rating, lambda profile: count_scorecards(profile)[0] * FOCUSES)
            ],
            "offers": [make(2, self._shape_offer, count_offers)],
            "openings": [make(1, self._shape_opening, lambda profile: int(profile.outcome == "hired"))],
            "approval_flows": [make(1, self._shape_flow, lambda profile: int(count_offers(profile) > 0))],
            "approver_groups": [make(1, self._shape_group, lambda profile: int(count_offers(profile) > 0))],
            "approvers": [make(2, self._shape_approver, lambda profile: 2 * int(count_offers(profile) > 0))],
            "eeoc": [make(1, self._shape_eeoc, lambda p: int(p.kind == "candidate" and p.variant >> 2 & 3 == 1))],
            "demographic_answers": [
                make(3, self._shape_demographic, lambda p: 3 * int(p.kind == "candidate" and p.variant >> 1 & 7 == 2))
            ],
        }

    def _begin(self, facts: ApplicationWorld, number: int, created: int, updated: int | None = None) -> Row:
        return self._world.begin(number, created, facts.updated if updated is None else updated, facts.millis)

    # The application

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

    # Interviews

    def _find_stay(self, facts: ApplicationWorld, slot: int) -> tuple[int, int]:
        """When the application entered and left the stage of an interview."""
        times = self._world.times(facts.index)
        stage = find_interview_stage(slot, facts.profile.last)
        return times[stage], times[stage + 1] if stage + 1 < len(times) else facts.updated

    def _shape_interview(self, index: int, slot: int) -> Row:
        world = self._world
        facts = world.application(index)
        status = find_interview_status(facts.profile, slot)
        entered, left = self._find_stay(facts, slot)
        starts = entered + (left - entered) // 2
        if status in ("scheduled", "to_be_sent"):
            starts = facts.updated + 2 * DAY + slot * 3600
        is_timed = status not in ("to_be_scheduled", "skipped", "to_be_sent")
        is_whole_day = is_timed and slot == TAKE_HOME
        starts -= starts % 900 if starts - starts % 900 >= entered else 0
        day = to_day(starts // DAY)
        number = self._ids["interviews"](index, slot)
        return {
            **self._begin(facts, number, entered, left if status == "complete" else facts.updated),
            "job_id": self._ids["jobs"](facts.job),
            "application_id": self._ids["applications"](index),
            "job_interview_id": self._ids["job_interviews"](facts.job, slot),
            "starts_at": to_moment(starts, 0) if is_timed and not is_whole_day else None,
            "ends_at": to_moment(starts + 2700, 0) if is_timed and not is_whole_day else None,
            "location": ("Room 1", "Room 2", None, "Video call")[facts.bits >> slot & 3] if is_timed else None,
            "status": status,
            "organizer_id": world.pick_user(facts.bits >> 11) if is_timed else None,
            "scheduled_at": to_moment(entered, facts.millis) if is_timed else None,
            "all_day_start_on": day if is_whole_day else None,
            "all_day_end_on": day if is_whole_day else None,
            "external_event_id": f"event-{number}@calendar.example.com" if is_timed and facts.bits & 16 else None,
            "video_conferencing_url": f"https://video.example.com/{number}" if is_timed and facts.bits & 32 else None,
            "availability_received_at": to_moment(entered, facts.millis) if facts.bits & 64 else None,
        }

    def _pick_member(self, facts: ApplicationWorld, place: int) -> int:
        return self._world.pick_user((facts.bits >> 3) + 17 * place)

    def _shape_interviewer(self, index: int, place: int) -> Row:
        facts = self._world.application(index)
        slot, member = PANEL[place]
        entered, left = self._find_stay(facts, slot)
        has_scorecard = place < count_scorecards(facts.profile)[1]
        is_guest = not has_scorecard and member == 1
        return {
            **self._begin(facts, self._ids["interviewers"](index, place), entered, left),
            "interview_id": self._ids["interviews"](index, slot),
            "user_id": None if is_guest else self._pick_member(facts, place),
            "scorecard_id": self._ids["scorecards"](index, place) if has_scorecard else None,
            "email": f"guest.{index}@guests.example.com" if is_guest else None,
            "response_status": "accepted"
            if has_scorecard
            else ("needs_action", "declined", "tentative", "accepted")[facts.bits >> place & 3],
        }

    def _shape_scorecard(self, index: int, place: int) -> Row:
        facts = self._world.application(index)
        slot, _ = PANEL[place]
        entered, left = self._find_stay(facts, slot)
        is_complete = place < count_scorecards(facts.profile)[0]
        interviewed = entered + (left - entered) // 2
        member = self._pick_member(facts, place)
        ratings = _BAD if facts.profile.outcome == "rejected" and slot + 1 >= facts.profile.position else _GOOD
        notes = f"Notes {facts.bits % 1000}: clear answers." if facts.bits >> place & 1 else None
        public = "Friendly and clear." if facts.bits >> place & 6 == 4 else None
        private = "Salary was named." if facts.bits >> place & 6 == 2 else None
        row = self._begin(facts, self._ids["scorecards"](index, place), interviewed, left)
        return {
            **row,
            "interview_kit_id": self._ids["interview_kits"](facts.job, slot),
            "interviewer_id": member,
            "interviewed_at": row["created_at"],
            "notes": notes,
            "notes_with_tags": notes,
            "submitter_id": member,
            "candidate_rating": ratings[facts.bits >> place & 3] if is_complete else None,
            "private_notes": private,
            "private_notes_with_tags": private,
            "status": "complete" if is_complete else "draft",
            "public_notes": public,
            "public_notes_with_tags": public,
            "application_id": self._ids["applications"](index),
            "submitted_at": row["updated_at"] if is_complete else None,
        }

    def _begin_with_scorecard(self, index: int, card: int, stream: str, place: int) -> tuple[ApplicationWorld, Row]:
        facts = self._world.application(index)
        _, left = self._find_stay(facts, PANEL[card][0])
        return facts, self._begin(facts, self._ids[stream](index, place), left, left)

    def _shape_answer(self, index: int, place: int) -> Row:
        card, question = divmod(place, QUESTIONS)
        facts, row = self._begin_with_scorecard(index, card, "scorecard_question_answers", place)
        text = f"Answer {facts.bits % 100}" if question == 0 else None
        return {
            **row,
            "scorecard_id": self._ids["scorecards"](index, card),
            "scorecard_question_id": self._ids["scorecard_questions"](facts.job, PANEL[card][0] * QUESTIONS + question),
            "answer": text,
            "answer_with_tags": text,
            "boolean_value": bool(facts.bits >> card & 1) if question == 1 else None,
        }

    def _shape_answer_option(self, index: int, place: int) -> Row:
        facts, row = self._begin_with_scorecard(index, place, "scorecard_question_answer_options", place)
        option = PANEL[place][0] * QUESTIONS + (facts.bits >> place) % 3
        return {
            **row,
            "scorecard_question_option_id": self._ids["scorecard_question_options"](facts.job, option),
            "scorecard_question_answer_id": self._ids["scorecard_question_answers"](index, place * QUESTIONS + 2),
        }

    def _shape_rating(self, index: int, place: int) -> Row:
        card, focus = divmod(place, FOCUSES)
        facts, row = self._begin_with_scorecard(index, card, "scorecard_candidate_attributes", place)
        attribute = (PANEL[card][0] * FOCUSES + focus) % 8
        return {
            **row,
            "scorecard_id": self._ids["scorecards"](index, card),
            "candidate_attribute_rating": _ATTRIBUTE_RATINGS[(facts.bits >> place) % len(_ATTRIBUTE_RATINGS)],
            "job_candidate_attribute_id": self._ids["job_candidate_attributes"](facts.job, attribute),
            "note": "Worth asking again." if facts.bits >> place & 7 == 7 else None,
        }

    # Offers

    def _shape_offer(self, index: int, place: int) -> Row:
        world, ids = self._world, self._ids
        facts = world.application(index)
        profile, times = facts.profile, world.times(index)
        is_latest = place == count_offers(profile) - 1
        first = times[profile.last + 1] if profile.outcome in ("offer", "hired") else times[-1]
        ended = world.find_ended_at(facts)
        middle = first + ((ended or facts.updated) - first) // 2
        created = middle if place else first
        updated = ended or facts.updated if is_latest else middle
        status = "Deprecated"
        if is_latest:
            status = {"hired": "Accepted", "offer": "Created"}.get(profile.outcome or "", "Rejected")
        opening = None
        if profile.outcome == "hired":
            opening = ids["openings"](index, part=1)
        elif profile.outcome == "offer" and world.job(facts.job).status == "open":
            opening = ids["openings"](facts.job, 0)
        is_sent = status != "Created" or bool(facts.bits & 8)
        return {
            **self._begin(facts, ids["offers"](index, place), created, updated),
            "version": place + 1,
            "application_id": ids["applications"](index),
            "job_id": ids["jobs"](facts.job),
            "candidate_id": ids["candidates"](facts.candidate),
            "opening_id": opening,
            "status": status,
            "starts_on": to_day(created // DAY + 30 + facts.bits % 60) if facts.bits & 7 else None,
            "sent_on": to_day(created // DAY) if is_sent else None,
            "resolved_at": to_moment(updated, facts.millis) if status in ("Accepted", "Rejected") else None,
            "custom_fields": world.values["offer"][profile.variant],
        }

    def _shape_opening(self, index: int, _place: int) -> Row:
        """The opening that a hire filled; the unfilled ones are the job's."""
        facts = self._world.application(index)
        ended = self._world.times(index)[-1]
        row = self._begin(facts, self._ids["openings"](index, part=1), facts.created, ended)
        return {
            **row,
            "job_id": self._ids["jobs"](facts.job),
            "opened_at": row["created_at"],
            "closed_at": row["updated_at"],
            "sort_order": 10 + index % 1000,
            "opening_id": f"{facts.job}-{index}" if facts.bits & 3 else None,
            "application_id": self._ids["applications"](index),
            "close_reason_id": self._ids["close_reasons"](facts.bits & 1),
            "target_start_on": to_day(ended // DAY + 30) if facts.bits & 4 else None,
            "open": False,
            "custom_fields": self._world.values["opening"][facts.profile.variant],
        }

    def _find_approval(self, facts: ApplicationWorld) -> tuple[int, str]:
        """(when the first offer was made, how its approval stands)."""
        times = self._world.times(facts.index)
        if facts.profile.outcome == "offer":
            return times[-1], ("pending", "approved")[facts.bits >> 3 & 1]
        return times[-2] if facts.profile.outcome == "hired" else times[-1], "approved"

    def _shape_flow(self, index: int, _place: int) -> Row:
        facts, ids = self._world.application(index), self._ids
        created, status = self._find_approval(facts)
        return {
            **self._begin(facts, ids["approval_flows"](index, part=1), created),
            "job_id": ids["jobs"](facts.job),
            "offer_id": ids["offers"](index, count_offers(facts.profile) - 1),
            "approval_type": "offer_candidate",
            "sequential": bool(facts.bits & 1),
            "version": 1,
            "requested_by_id": self._world.pick_user(facts.bits >> 7),
            "approval_status": status,
        }

    def _shape_group(self, index: int, _place: int) -> Row:
        facts, ids = self._world.application(index), self._ids
        created, status = self._find_approval(facts)
        row = self._begin(facts, ids["approver_groups"](index, part=1), created)
        return {
            **row,
            "approval_flow_id": ids["approval_flows"](index, part=1),
            "approvals_required": 1 + (facts.bits >> 5 & 1),
            "sort_order": 0,
            "required_for_exception": False,
            "resolved_at": row["updated_at"] if status == "approved" else None,
        }

    def _shape_approver(self, index: int, place: int) -> Row:
        facts, ids = self._world.application(index), self._ids
        created, status = self._find_approval(facts)
        row = self._begin(facts, ids["approvers"](index, place, 1), created)
        user = self._world.pick_user((facts.bits >> 9) + place)
        return {
            **row,
            **describe_approval(row, user, place, status),
            "approver_group_id": ids["approver_groups"](index, part=1),
        }

    # What people say of themselves

    def _shape_eeoc(self, index: int, _place: int) -> Row:
        facts = self._world.application(index)
        row = self._begin(facts, self._ids["eeoc"](index), facts.created, facts.created)

        def pick(choices: tuple[tuple[int, str], ...], shift: int) -> Row | None:
            luck = facts.bits >> shift
            if luck & 7 == 6:
                return None
            number, description = choices[luck % len(choices)]
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


def describe_approval(row: Row, user: int, place: int, status: str) -> Row:
    """An approver's fields; the row has its times already."""
    is_resolved = status in ("approved", "rejected")
    return {
        "sort_order": place,
        "user_id": user,
        "status": status if is_resolved else ("due", "waiting")[place],
        "resolved_by_id": user if is_resolved else None,
        "resolved_at": row["updated_at"] if is_resolved else None,
        "request_sent_at": row["created_at"] if is_resolved or place == 0 else None,
        "version_sent": 1 if is_resolved or place == 0 else None,
        "reminder_sent_at": None,
        "reminder_sent_by_id": None,
        "reminders_sent": 0,
        "added_by_custom_field_id": None,
        "send_auto_reminder_at": None,
        "auto_reminders_sent": 0,
    }


_QUESTION, _SECOND = "How did you hear about us?", "Do you need a work permit?"
_ANSWERS: tuple[list[Row], ...] = (
    [{"question": _QUESTION, "answer": "A friend"}, {"question": _SECOND, "answer": "No"}],
    [{"question": _QUESTION, "answer": None}, {"question": _SECOND, "answer": "Yes"}],
    [],
    [{"question": _QUESTION, "answer": "Your “careers” page"}],
)
