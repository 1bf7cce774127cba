"""What happens to an application: interviews, feedback, offers, surveys."""

from unihire.integration.emulate import PartRows, Row
from unihire.integrations.ashby.emulator.rows.catalog import make_custom_values
from unihire.integrations.ashby.emulator.rows.forms import FEEDBACK_FORMS, OFFER_FORM, SURVEY_FORMS, fill_form
from unihire.integrations.ashby.emulator.rows.ids import make_id
from unihire.integrations.ashby.emulator.rows.values import to_moment
from unihire.integrations.ashby.emulator.rows.world import BEFORE_STAGES, PLACES, Progress, World, to_millis

WAITING = (
    "Scheduled", "NeedsScheduling", "WaitingOnFeedback", "WaitingOnCandidateBooking",
    "WaitingOnCandidateAvailability", "Scheduled", "CandidateAvailabilitySubmitted", "OnHold",
)  # fmt: skip
DATED = ("Scheduled", "WaitingOnFeedback", "Complete", "Cancelled")
"""States of a schedule that has events."""
OPEN_OFFERS = (
    ("Created", "WaitingOnApprovalStart"),
    ("Pending", "WaitingOnOfferApproval"),
    ("Created", "WaitingOnApprovalDefinition"),
    ("WaitingOnResponse", "WaitingOnCandidateResponse"),
)
EVENTS = 4
"""Events a computed schedule can have: so many numbers of events are reserved for each."""
VERSIONS_FIRST = 10_000_000
"""Numbers of the latest versions of computed offers begin above this one."""
SURVEYS = {"CandidateExperience": 2, "Questionnaire": 3}
DAY = 86400


class Hiring:
    """The parts of the streams of interviews, feedback, offers and surveys."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list_parts(self) -> dict[str, list[PartRows]]:
        part = self._world.make_application_part
        return {
            "interview_schedules": [part(PLACES, self._make_schedule, "schedules")],
            "feedback": [part(PLACES, self._make_feedback, "feedback")],
            "offers": [part(1, self._make_offer, "offers")],
            "survey_submissions": [part(1, self._make_survey, "surveys")],
            "offer_processes": [],
            "email_messages": [],
            "survey_requests": [],
            "webhooks": [],
            "uploads": [],
        }

    # Interviews

    def _interview(self, facts: Progress, place: int) -> int:
        """The number of the interview of this place in the plan's own stages."""
        return 1 + facts.plan * 2 + place

    def _find_status(self, facts: Progress, place: int) -> str:
        if place < facts.feedback:
            return "Complete"
        if facts.outcome == "withdrawn":
            return "Cancelled"
        return WAITING[facts.bits >> 14 & 7]

    def _make_schedule(self, index: int, place: int) -> Row:
        facts, millis = self._world.application(index), to_millis(index)
        number, status = 1 + index * PLACES + place, self._find_status(facts, place)
        created = facts.created + (facts.updated - facts.created) * (place + 1) // 4
        return {
            "id": make_id("interview_schedules", number),
            "status": status,
            "applicationId": make_id("applications", 1 + index),
            "interviewStageId": self._world.stage_id(facts.plan, BEFORE_STAGES + place),
            "candidateId": make_id("candidates", 1 + facts.candidate),
            "createdAt": to_moment(created, millis),
            "updatedAt": to_moment(facts.updated, millis),
            "keyId": None,
            "events": [
                self._make_event(facts, number, place, slot, created, status)
                for slot in range((1 + (facts.bits >> 6 & 1)) if status in DATED else 0)
            ],
        }

    def _make_event(self, facts: Progress, schedule: int, place: int, slot: int, created: int, status: str) -> Row:
        start = (created + 2 * DAY) // 3600 * 3600 + slot * 3600
        bits, millis = facts.bits >> slot, to_millis(facts.index)
        event = make_id("interview_events", 1 + schedule * EVENTS + slot)
        return {
            "id": event,
            "interviewId": make_id("interviews", self._interview(facts, place)),
            "interviewScheduleId": make_id("interview_schedules", schedule),
            "interviewers": [
                {
                    "userId": self._world.pick_user((bits >> 4) + one * 7),
                    "trainingRole": "Shadow" if one == 1 else None,
                    "poolId": make_id("interviewer_pools", 1) if one == 0 and bits & 1 else None,
                    "isFeedbackRequired": one == 0,
                }
                for one in range(1 + (bits >> 8 & 1))
            ],
            "createdAt": to_moment(created, millis),
            "updatedAt": to_moment(facts.updated, millis),
            "startTime": to_moment(start),
            "endTime": to_moment(start + 2700),
            "feedbackLink": f"https://ats.example.com/interview-briefings/{event}/feedback",
            "location": "Room 1" if bits & 3 == 0 else None,
            "meetingLink": f"https://meet.example.com/{schedule}-{slot}" if bits & 3 else None,
            "hasSubmittedFeedback": status == "Complete" and slot == 0,
            "extraData": {},
            "notetakerTranscriptId": None,
            "interviewerCalendarEventId": None,
        }

    def _make_feedback(self, index: int, place: int) -> Row:
        facts, millis = self._world.application(index), to_millis(index)
        schedule = 1 + index * PLACES + place
        form = (facts.plan + place) % 3
        created = facts.created + (facts.updated - facts.created) * (place + 1) // 4
        return {
            "id": make_id("feedback", schedule),
            "applicationId": make_id("applications", 1 + index),
            "feedbackFormDefinitionId": make_id("feedback_forms", 1 + form),
            "formDefinition": FEEDBACK_FORMS[form][2],
            "submittedValues": fill_form(FEEDBACK_FORMS[form][2], facts.bits >> place),
            "submittedByUserId": self._world.pick_user(facts.bits >> 4),
            "interviewId": make_id("interviews", self._interview(facts, place)),
            "interviewEventId": make_id("interview_events", 1 + schedule * EVENTS),
            "applicationHistoryId": make_id("history", 1 + index * 16 + place),
            "submittedAt": to_moment(min(created + 3 * DAY, facts.updated), millis),
        }

    # Offers and surveys

    def _make_offer(self, index: int, _place: int) -> Row:
        facts, millis = self._world.application(index), to_millis(index)
        acceptance, status = self._find_offer_state(facts)
        decided = acceptance in ("Accepted", "Declined")
        created = facts.created + (facts.updated - facts.created) * 3 // 4
        version = {
            "id": make_id("versions", VERSIONS_FIRST + 1 + index),
            "startDate": to_moment(facts.updated // DAY * DAY + 60 * DAY),
            "salary": {"currencyCode": "EUR", "value": 50_000 + facts.bits % 40 * 1000},
            "createdAt": to_moment(created, millis),
            "openingId": make_id("openings", 1 + facts.job),
            "customFieldValues": make_custom_values("Offer", facts.bits),
            "files": [{"id": make_id("files", 40_000_001 + index), "name": f"offer-{index}.pdf"}],
            "authorId": self._world.pick_user(facts.bits >> 8),
            "approvalStatus": "Approved" if status.startswith(("WaitingOnCandidate", "Candidate")) else "Pending",
        }
        versions = [version]
        if facts.bits >> 11 & 3 == 0:
            earlier = {**version, "id": make_id("versions", 20_000_001 + index)}
            versions.insert(0, {**earlier, "createdAt": to_moment(created - DAY, millis)})
        row: Row = {
            "id": make_id("offers", 1 + index),
            "createdAt": to_moment(created, millis),
            "updatedAt": to_moment(facts.updated, millis),
            "applicationId": make_id("applications", 1 + index),
            "acceptanceStatus": acceptance,
            "offerStatus": status,
            "versions": versions,
            "formDefinition": OFFER_FORM,
            "offerProcessId": None,
        }
        if decided:
            row["decidedAt"] = to_moment(facts.updated, millis)
        return row

    @staticmethod
    def _find_offer_state(facts: Progress) -> tuple[str, str]:
        if facts.outcome == "hired":
            return "Accepted", "CandidateAccepted"
        if facts.outcome == "offer":
            return OPEN_OFFERS[facts.bits >> 16 & 3]
        return ("Declined", "CandidateRejected") if facts.outcome == "withdrawn" else ("Cancelled", "OfferCancelled")

    def _make_survey(self, index: int, _place: int) -> Row:
        facts = self._world.application(index)
        type_ = tuple(SURVEYS)[facts.bits >> 7 & 1]
        number = SURVEYS[type_]
        return {
            "id": make_id("survey_submissions", 1 + index),
            "submittedAt": to_moment(facts.updated, to_millis(index)),
            "candidateId": make_id("candidates", 1 + facts.candidate),
            "applicationId": make_id("applications", 1 + index),
            "surveyType": type_,
            "surveyFormId": make_id("survey_forms", 1 + number),
            "submittedValues": fill_form(SURVEY_FORMS[number][3], facts.bits),
        }
