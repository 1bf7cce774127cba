"""Which events a change of rows is, whoever made it; those of one change share an id."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from unihire.integration.emulate import Outbox, Row
from unihire.integrations.ashby.emulator.rows.find import AshbyRows, RowChange
from unihire.integrations.ashby.emulator.rows.show import PLAIN, Show, View
from unihire.integrations.ashby.emulator.webhooks.messages import encode, make_action_id

DETAIL, BRIEF = View(is_detail=True), View(has_pay=False)


class Event(NamedTuple):
    """An event, and what makes its data."""

    action: str
    make: Callable[[], Any]


class Reporter:
    """Publishes what changes are."""

    def __init__(self, rows: AshbyRows, show: Show, outbox: Outbox, seed: int) -> None:
        self._rows, self._show, self._outbox, self._seed = rows, show, outbox, seed
        self.reset()

    def reset(self) -> None:
        self._count = 0

    def announce(self, stream: str, before: Row | None, after: Row | None) -> None:
        """A row changed in another way than over the API."""
        self.report([RowChange(stream, before, after)])

    def report(self, changes: Sequence[RowChange]) -> None:
        """All changes of one write: each row as it was before the first and is after the last."""
        events = [event for change in _merge(changes) for event in self._list_events(change)]
        wanted = [event for event in events if self._outbox.has_receiver(event.action)]
        if wanted:
            self._count += 1
            action_id = make_action_id(self._seed, self._count)
            for event in wanted:
                self._outbox.publish(event.action, encode(action_id, event.action, event.make()))

    def _list_events(self, change: RowChange) -> Iterator[Event]:
        finders: dict[str, Callable[[Row | None, Row | None], Iterator[Event]]] = {
            "applications": self._list_of_application,
            "candidates": self._list_of_candidate,
            "offers": self._list_of_offer,
            "interview_schedules": self._list_of_schedule,
            "jobs": self._list_of_job,
            "openings": self._list_of_opening,
            "job_postings": self._list_of_posting,
            "survey_submissions": self._list_of_survey,
        }
        find = finders.get(change.stream)
        return iter(()) if find is None else find(change.before, change.after)

    def _shown(self, stream: str, name: str, row: Row, view: View = PLAIN) -> Callable[[], Row]:
        return lambda: {name: self._show.row(stream, row, view)}

    # Of each stream

    def _list_of_application(self, before: Row | None, after: Row | None) -> Iterator[Event]:
        if after is None:
            return  # no event is documented
        data = self._shown("applications", "application", after)
        if before is None:
            yield Event("applicationSubmit", data)
            return
        if before.get("interviewStageId") != after.get("interviewStageId"):
            if self._rows.find_stage_type(after) == "Hired":
                yield Event("candidateHire", lambda: {**data(), **self._find_offer(after)})
            yield Event("candidateStageChange", data)
        yield Event("applicationUpdate", data)

    def _find_offer(self, application: Row) -> Row:
        """The newest offer, where there is one."""
        for _, row in self._rows.walk_linked("offers", "_application", application.get("id")):
            return {"offer": self._show.row("offers", row, DETAIL)}
        return {}

    def _list_of_candidate(self, before: Row | None, after: Row | None) -> Iterator[Event]:
        if after is None and before is not None:
            yield Event("candidateDelete", lambda: {"candidate": {"id": before.get("id")}})
        elif after is not None and after.get("mergedIntoId") is not None and (before or {}).get("mergedIntoId") is None:
            ids = {"deletedCandidate": {"id": after.get("id")}, "mergedCandidate": {"id": after["mergedIntoId"]}}
            yield Event("candidateMerge", lambda: ids)

    def _list_of_offer(self, before: Row | None, after: Row | None) -> Iterator[Event]:
        if after is None:
            gone = before or {}
            ids = {"id": gone.get("id"), "applicationId": gone.get("applicationId")}
            yield Event("offerDelete", lambda: {"offer": ids})
        else:
            action = "offerCreate" if before is None else "offerUpdate"
            yield Event(action, self._shown("offers", "offer", after, DETAIL))

    def _list_of_schedule(self, before: Row | None, after: Row | None) -> Iterator[Event]:
        if after is None:
            return
        data = self._shown("interview_schedules", "interviewSchedule", after)
        if before is None:
            yield Event("interviewScheduleCreate", data)
        yield Event("interviewScheduleUpdate", data)

    def _list_of_job(self, before: Row | None, after: Row | None) -> Iterator[Event]:
        if after is None:
            return
        data = self._shown("jobs", "job", after, BRIEF)
        if before is None:
            yield Event("jobCreate", data)
            return
        was, now = before.get("defaultInterviewPlanId"), after.get("defaultInterviewPlanId")
        if was != now:
            yield Event("interviewPlanTransition", lambda: self._describe_transition(after, was, now))
        yield Event("jobUpdate", data)

    def _describe_transition(self, job: Row, was: object, now: object) -> Row:
        """Stages of the same title are each other's."""
        plans = [self._rows.find("interview_plans", one) or {} for one in (was, now)]
        stages = [
            [row for row in self._rows.list_all("interview_stages") if row.get("interviewPlanId") == plan.get("id")]
            for plan in plans
        ]
        later = {str(row.get("title")): row["id"] for row in stages[1]}
        return {
            "jobId": job.get("id"),
            "fromInterviewPlan": {name: plans[0].get(name) for name in ("id", "title")},
            "toInterviewPlan": {name: plans[1].get(name) for name in ("id", "title")},
            "interviewStageMappings": [
                {"fromInterviewStageId": row["id"], "toInterviewStageId": later[str(row.get("title"))]}
                for row in stages[0]
                if str(row.get("title")) in later
            ],
        }

    def _list_of_opening(self, before: Row | None, after: Row | None) -> Iterator[Event]:
        if before is None and after is not None:
            yield Event("openingCreate", self._shown("openings", "opening", after))

    def _list_of_posting(self, before: Row | None, after: Row | None) -> Iterator[Event]:
        if after is None:
            gone = before or {}
            ids = {"id": gone.get("id"), "jobId": gone.get("jobId")}
            yield Event("jobPostingDelete", lambda: {"jobPosting": ids})
            return
        data = self._shown("job_postings", "jobPosting", after)
        was, now = None if before is None else before.get("status"), after.get("status")
        if was != now and now == "Published":
            yield Event("jobPostingPublish", data)
        elif was == "Published" and was != now:
            yield Event("jobPostingUnpublish", data)
        yield Event("jobPostingUpdate", data)

    def _list_of_survey(self, before: Row | None, after: Row | None) -> Iterator[Event]:
        if before is None and after is not None:
            yield Event("surveySubmit", self._shown("survey_submissions", "surveySubmission", after))


def _merge(changes: Sequence[RowChange]) -> list[RowChange]:
    """One change a row, in the order of the first; none for what was made and deleted at once."""
    found: dict[tuple[str, object], RowChange] = {}
    for change in changes:
        row = change.after or change.before or {}
        key = (change.stream, row.get("id"))
        first = found.get(key, change)
        found[key] = RowChange(change.stream, first.before, change.after)
    return [change for change in found.values() if change.before is not None or change.after is not None]
