"""What the rows share: the made-up company's facts, and how far each application came.

An interview plan belongs to each category of jobs. Its stages in order: new leads, application review, the category's
own stages, offer, hired, archived.
"""

from collections import Counter
from collections.abc import Callable
from functools import cached_property, lru_cache

import msgspec

from unihire.integration.emulate import Company, Outcome, PartRows, Row, Tools
from unihire.integrations.ashby.emulator.rows.ids import make_id
from unihire.integrations.ashby.emulator.rows.values import to_moment

YEAR = 365 * 86400
PLACES = 2
"""Interview schedules, feedback and notes a record has at most."""
BEFORE_STAGES = 2
"""Stages of a plan before the category's own."""
OFFERS_AFTER = ("rejected", "withdrawn")


class Progress(msgspec.Struct, frozen=True, gc=False):
    """An application: who, to what, where it stands, and how many rows of other streams it has."""

    index: int
    candidate: int
    job: int
    plan: int
    channel: int | None
    reached: int
    outcome: Outcome | None
    position: int
    """The place of its stage in the plan."""
    bits: int
    created: int
    updated: int
    schedules: int
    feedback: int
    offers: int
    surveys: int


class JobState(msgspec.Struct, frozen=True, gc=False):
    """A job with its plan and its state."""

    index: int
    title: str
    plan: int
    department: int | None
    team: tuple[tuple[int, int], ...]
    bits: int
    created: int
    updated: int
    status: str
    is_confidential: bool


def to_millis(index: int) -> int:
    return (index * 379 + 296) % 1000


class World:
    """Facts by index. Only a cache of a few thousand is stored."""

    def __init__(self, tools: Tools) -> None:
        size = tools.size
        jobs = min(max(size // 10, 10), 5000)
        self.seed = tools.seed
        self.company: Company = tools.make_company(
            candidates=size,
            # A group of twenty jobs, the last of fourteen: its last job has no applications and stays a draft.
            jobs=jobs // 20 * 20 + 14,
            applications=size * 3 // 2,
            employees=min(max(size // 20, 20), 1000),
        )
        self.application = lru_cache(maxsize=8192)(self._make_application)
        self.job = lru_cache(maxsize=8192)(self._make_job)
        self.lengths = [len(category.stages) for category in self.company.categories]
        """The category's own stages, by plan."""
        starts = [0]
        for length in self.lengths:
            starts.append(starts[-1] + length + BEFORE_STAGES + 3)
        self.starts = starts
        """Where each plan's stages begin in the list of all stages."""
        self.start = to_moment(self.company.jobs.created_at(0), 0)
        self._end = self.company.applications.created_at(self.company.applications.count - 1)

    # Applications

    def _make_application(self, index: int) -> Progress:
        facts = self.company.application(index)
        plan = self.job(facts.job).plan
        length, reached, outcome, bits = self.lengths[plan], facts.reached, facts.outcome, facts.bits
        if outcome == "hired":
            position = length + BEFORE_STAGES + 1
        elif outcome == "offer":
            position = length + BEFORE_STAGES
        elif outcome is not None:
            position = length + BEFORE_STAGES + 2
        elif reached == 0:
            position = 0 if bits & 3 == 0 else 1
        else:
            position = reached + 1
        done = reached if outcome in ("rejected", "offer", "hired") else reached - 1
        return Progress(
            index,
            facts.candidate,
            facts.job,
            plan,
            facts.channel,
            reached,
            outcome,
            position,
            bits,
            self.company.applications.created_at(index),
            self.company.applications.updated_at(index),
            schedules=min(reached, PLACES),
            feedback=min(max(done, 0), PLACES),
            offers=self._count_offers(outcome, reached == length, bits),
            surveys=int(outcome is not None and bits >> 9 & 3 == 0),
        )

    @staticmethod
    def _count_offers(outcome: Outcome | None, is_last: bool, bits: int) -> int:
        if outcome in ("offer", "hired"):
            return 1
        return int(outcome in OFFERS_AFTER and is_last and bits >> 5 & 1 == 0)

    def is_sourced(self, facts: Progress) -> bool:
        """Whether it began as a lead: somebody of the company added it."""
        return facts.bits & 3 == 0

    def list_passed(self, facts: Progress) -> list[tuple[int, int]]:
        """(place in the plan, entered at in seconds) of each stage it was in, oldest first."""
        length = self.lengths[facts.plan]
        ends = {"offer": length + BEFORE_STAGES, "hired": length + BEFORE_STAGES + 1}
        found = []
        for step in self.company.steps(facts.index):
            if step.outcome is not None:
                position = ends.get(step.outcome, length + BEFORE_STAGES + 2)
            elif step.position == 0:
                position = 0 if self.is_sourced(facts) else 1
            else:
                position = step.position + 1
            found.append((position, step.entered_at))
        return found

    def stage_id(self, plan: int, position: int) -> str:
        return make_id("interview_stages", 1 + self.starts[plan] + position)

    @cached_property
    def _totals(self) -> Counter[str]:
        totals: Counter[str] = Counter()
        for index in range(self.company.applications.count):
            facts = self.application(index)
            totals["schedules"] += facts.schedules
            totals["feedback"] += facts.feedback
            totals["offers"] += facts.offers
            totals["surveys"] += facts.surveys
        return totals

    def make_application_part(self, places: int, shape: Callable[[int, int], Row], member: str | None) -> PartRows:
        """`member` names the member of Progress that counts the rows; None: each application has one."""
        timeline = self.company.applications
        if member is None:
            return PartRows(timeline.count, places, shape, timeline=timeline)
        return PartRows(
            timeline.count,
            places,
            shape,
            lambda index: getattr(self.application(index), member),
            timeline,
            lambda: self._totals[member],
        )

    # Jobs

    def _make_job(self, index: int) -> JobState:
        facts, timeline = self.company.job(index), self.company.jobs
        created, updated = timeline.created_at(index), timeline.updated_at(index)
        applications = self.company.applications_to(index)
        status = "Open"
        if not applications:
            status = "Draft"
        elif facts.bits & 12 and created < self._end - YEAR:
            newest = self.company.applications.created_at(applications[-1])
            if updated > newest:
                status = "Archived" if index % 3 == 1 else "Closed"
        return JobState(
            index,
            facts.title,
            facts.category or 0,
            facts.department,
            facts.team,
            facts.bits,
            created,
            updated,
            status,
            is_confidential=index % 11 == 4,
        )

    def count_postings(self, index: int) -> int:
        return 2 if index % 5 == 2 else 1

    # People

    def pick_user(self, draw: int) -> str:
        return make_id("users", 1 + draw % self.company.employees.count)

    def count_notes(self, index: int) -> int:
        return (0, 1, 2, 1)[self.company.candidate(index).bits >> 3 & 3]

    # Lists that do not depend on the size

    def make_table(self, stream: str, rows: list[Row]) -> PartRows:
        """The rows get their id here, and times where they have none."""

        made = [{"id": make_id(stream, 1 + index), **row} for index, row in enumerate(rows)]
        return PartRows(len(rows), 1, lambda index, _place: made[index])

    def times(self) -> Row:
        """The times of what is as old as the company."""
        return {"createdAt": self.start, "updatedAt": self.start}
