"""Rows of interviews: who conducted them, and what their scorecards say."""

from collections.abc import Mapping, Sequence

from unihire.integration.emulate import PartRows, Row
from unihire.integrations.greenhouse.emulator.rows.profiles import (
    DAY,
    FOCUSES,
    INTERVIEW_PLACES,
    PANEL,
    PANEL_ENDS,
    QUESTIONS,
    TAKE_HOME,
    count_interviews,
    count_scorecards,
    find_interview_stage,
    find_interview_status,
)
from unihire.integrations.greenhouse.emulator.rows.times import to_day, to_moment
from unihire.integrations.greenhouse.emulator.rows.world import ApplicationWorld, World

_GOOD, _BAD = ("yes", "strong_yes", "no_decision", "yes"), ("no", "strong_no", "no", "no_decision")
_ATTRIBUTE_RATINGS = ("definitely_not", "no", "yes", "strong_yes", "mixed", "no_decision")


class InterviewRows:
    """Makes the rows; a place counts an application's rows of a stream from 0."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ids = world.ids
        self._begin = world.begin_for_application

    def list_parts(self) -> Mapping[str, Sequence[PartRows]]:
        make = self._world.make_application_part
        return {
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
        }

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
