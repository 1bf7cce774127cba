"""Workable rows to unified records: a candidate's timeline, and the ratings in it. Pure functions, tables on top."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from unihire.integration.declare import Data, Source
from unihire.integrations.workable.mapping.company import name_stage
from unihire.integrations.workable.mapping.values import (
    find_id,
    find_object,
    find_parts,
    get_id,
    list_texts,
    to_moment,
    to_number,
    to_rank,
    to_text,
    to_word,
)
from unihire.kit.text import is_id
from unihire.model import Activity, ApplicationTransition, Scorecard

ACTIVITIES = "activities"
"""The detail with a candidate's timeline."""

ACTIVITY_TYPES = {"comment": "NOTE", "message": "EMAIL"}
"""By action; every other one is OTHER, a stage change too, whose action is the slug of the stage."""

BEGINNINGS = ("applied", "uploaded", "copied", "referral", "recommended", "sourced")
"""Actions with which a candidate comes to the first stage."""

ADMINS = {"admin", "recruiting_admin"}

EVERYBODY = {"simple", "reviewer"}
"""Roles that see little: what both see, all see."""

RECOMMENDATIONS = {"negative": "NO", "positive": "YES", "definite": "STRONG_YES"}

MOST_POINTS = {"thumbs": 2, "stars": 4, "numbers": 9}
"""The highest grade of a scale; the lowest is 0."""


def to_activity(source: Source) -> Activity:
    row, candidate = source.row, get_id(source.within)
    return Activity(
        remote_id=get_id(row),
        user=find_id(find_object(row, "member")),
        activity_type=ACTIVITY_TYPES.get(str(row.get("action")), "OTHER"),
        body=to_text(row.get("body")),
        visibility=find_visibility(row.get("visibility_roles")),
        candidate=candidate,
        remote_created_at=to_moment(row.get("created_at")),
        application=candidate,
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def find_visibility(roles: Any) -> str | None:
    """By the roles that see it; None where it does not say."""
    found = set(list_texts(roles))
    if not found:
        return None
    if found <= ADMINS:
        return "ADMIN_ONLY"
    return "PUBLIC" if found >= EVERYBODY else "PRIVATE"


def list_ratings(activity: Data) -> Iterable[Data]:
    """An activity that is a rating."""
    return [] if activity.get("rating") is None else [activity]


def to_scorecard(source: Source) -> Scorecard:
    row = source.row
    rating = find_object(row, "rating") or {}
    made_at = to_moment(row.get("created_at"))
    scale = rating.get("scale")
    return Scorecard(
        remote_id=get_id(row),
        application=get_id(source.within),
        interviewer=find_id(find_object(row, "member")),
        remote_created_at=made_at,
        submitted_at=made_at,
        overall_recommendation=to_word(RECOMMENDATIONS, rating.get("score")),
        score=to_number(rating.get("grade")),
        score_max=MOST_POINTS.get(scale) if isinstance(scale, str) else None,
        notes=to_text(row.get("body")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


class Stay(NamedTuple):
    """A candidate's stay at a stage."""

    entered: str
    """Sorts as the moments of coming there do."""
    id: str
    slug: str
    entered_at: str | None


def find_slug(activity: Data) -> str | None:
    """The stage that an activity led to; None for one that changed nothing."""
    target = find_object(activity, "target_stage")
    if target is not None:
        return find_id(target, "slug")
    if activity.get("action") in BEGINNINGS:
        return find_id(find_object(activity, "action_stage"), "slug")
    return None


def list_steps(activity: Data) -> Iterable[Data]:
    """An activity with which a candidate came to a stage."""
    return [] if find_slug(activity) is None else [activity]


def list_activities(source: Source) -> list[Data]:
    """A candidate's timeline; nothing where it was not read."""
    return find_parts(source, ACTIVITIES) or []


def list_stays(source: Source) -> list[Stay]:
    """The stages that a candidate was at, in the order of time; an activity that cannot be read is none."""
    found = []
    for activity in list_activities(source):
        try:
            stay = find_stay(activity)
        except (TypeError, ValueError, LookupError):  # it costs the record that it is itself
            continue
        if stay is not None:
            found.append(stay)
    return sort_stays(found)


def sort_stays(stays: Iterable[Stay]) -> list[Stay]:
    return sorted(stays, key=lambda stay: (stay.entered, len(stay.id), stay.id))


def find_stay(activity: Data) -> Stay | None:
    """The stay that began with an activity; None where none did."""
    slug = find_slug(activity)
    if slug is None:
        return None
    moment = activity.get("created_at")
    return Stay(to_rank(moment), get_id(activity), slug, to_moment(moment))


def to_application_transition(source: Source) -> ApplicationTransition:
    """A stay begins with an activity and ends with the next one that begins."""
    row, candidate = source.row, source.within
    stay, job = find_stay(row), find_job(candidate)
    if stay is None:
        raise LookupError("an activity that led to no stage")
    stays = sort_stays([stay, *(one for one in list_stays(source) if one.id != stay.id)])
    place = stays.index(stay)
    following = stays[place + 1 : place + 2]
    before = stays[place - 1].slug if place else find_id(find_object(row, "action_stage"), "slug")
    return ApplicationTransition(
        remote_id=stay.id,
        application=get_id(candidate),
        from_stage=None if before == stay.slug else name_known_stage(job, before),
        to_stage=name_known_stage(job, stay.slug),
        entered_at=stay.entered_at,
        left_at=following[0].entered_at if following else None,
        user=find_id(find_object(row, "member")),
    )


def find_job(candidate: Data) -> str | None:
    """The job of a candidate; None for one in the talent pool."""
    return find_id(find_object(candidate, "job"), "shortcode")


def name_known_stage(job: str | None, slug: str | None) -> str | None:
    return None if job is None or slug is None else name_stage(job, slug)


def find_slug_by_name(name: Any, activities: Sequence[Data]) -> str | None:
    """The slug of a stage that is known by its name, as the newest activity that shows both has it.

    A candidate's row has the name alone, which may be changed: an older activity may have the older name.
    """
    named = [
        (activity, stage)
        for activity in activities
        for member in ("target_stage", "action_stage")
        if isinstance(stage := activity.get(member), dict) and stage.get("name") == name and is_id(stage.get("slug"))
    ]
    newest = max(named, key=lambda one: str(one[0].get("created_at")), default=None)
    return None if newest is None or to_text(name) is None else str(newest[1]["slug"])
