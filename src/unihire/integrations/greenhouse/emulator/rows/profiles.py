"""Which rows an application of a profile has: how many stages, interviews, scorecards, offers, notes and files."""

from functools import lru_cache

from unihire.integrations.greenhouse.emulator.rows.world import Profile

DAY = 86400
STAGE_PLACES, INTERVIEW_PLACES, QUESTIONS, FOCUSES = 8, 6, 3, 2
TAKE_HOME = 2

# (interview, member of its panel) in turn: every other interview has two interviewers.
PANEL = ((0, 0), (1, 0), (1, 1), (2, 0), (3, 0), (3, 1), (4, 0), (5, 0), (5, 1))
PANEL_ENDS = (0, 1, 3, 4, 6, 7, 9)

_STATUSES = ("to_be_scheduled", "scheduled", "awaiting_feedback", "complete")
_TAKE_HOME_STATUSES = ("to_be_sent", "sent", "received", "collect_feedback")
_NOTE_TYPES = ((), ("NOTE",), ("EMAIL", "NOTE"), ("ACTIVITY", "INTERVIEW", "FOLLOW_UP"))


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
    """(complete ones, all): one for each interviewer of a complete interview, a draft where feedback is awaited."""
    interviews = count_interviews(profile)
    done = sum(find_interview_status(profile, slot) == "complete" for slot in range(interviews))
    is_awaited = done < interviews and find_interview_status(profile, done) in ("awaiting_feedback", "collect_feedback")
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
