"""What the emulator makes of the made-up company: applications, jobs and people with the facts their rows share.

Only a cache of a few thousand facts is stored. How many rows of a stream an application has depends on its profile
alone, and there are few profiles: so rows are counted without being made.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

import msgspec

from unihire.integration.emulate import Company, Outcome, PartRows, PersonFacts, Row, Tools
from unihire.integrations.greenhouse.emulator.rows.catalog import VARIANTS, make_values
from unihire.integrations.greenhouse.emulator.rows.times import to_moment

FIRST_STAGE, LAST_STAGE = "Application Review", "Offer"
YEAR = 365 * 86400

Kind = Literal["candidate", "prospect", "converted"]
_KINDS: tuple[Kind, ...] = (
    "candidate",
    "candidate",
    "candidate",
    "prospect",
    "candidate",
    "converted",
    "prospect",
    "candidate",
)
MakeNumber = Callable[..., int]


class Profile(NamedTuple):
    """How far an application came: what decides which rows it has."""

    kind: Kind
    outcome: Outcome | None
    position: int
    """Place of the current stage in the job's pipeline: 0 is the first, `last` the one before the offer stage."""
    last: int
    variant: int
    """0 to 63, by chance."""


class ApplicationWorld(msgspec.Struct, frozen=True, gc=False):
    """An application with its times, in whole seconds since 1970."""

    index: int
    candidate: int
    job: int
    channel: int | None
    profile: Profile
    bits: int
    created: int
    updated: int
    millis: int


class JobWorld(msgspec.Struct, frozen=True, gc=False):
    """A job; `last` is the number of stages between the first and the offer."""

    index: int
    title: str
    category: int
    department: int | None
    last: int
    team: tuple[int, ...]
    """Employees: recruiter, hiring manager, coordinator, as many as there are."""
    bits: int
    created: int
    updated: int
    millis: int
    status: Literal["open", "closed", "draft"]


class CandidateProfile(NamedTuple):
    """What decides which rows a candidate has."""

    is_anonymized: bool
    variant: int


def to_millis(index: int) -> int:
    return (index * 379 + 296) % 1000


class World:
    """The facts, and the numbers of all streams in `ids`: filled in once the streams are made."""

    def __init__(self, tools: Tools) -> None:
        size = tools.size
        jobs = min(max(size // 10, 10), 5000)
        self.company: Company = tools.make_company(
            candidates=size,
            # A group of twenty jobs, the last of fourteen: its last job has no applications and stays a draft.
            jobs=jobs // 20 * 20 + 14,
            applications=size * 3 // 2,
            employees=min(max(size // 20, 20), 1000),
        )
        self.ids: dict[str, MakeNumber] = {}
        self.application = lru_cache(maxsize=8192)(self._make_application)
        self.times = lru_cache(maxsize=8192)(self._list_times)
        self.job = lru_cache(maxsize=8192)(self._make_job)
        self.start = to_moment(self.company.jobs.created_at(0), 0)
        self._end = self.company.applications.created_at(self.company.applications.count - 1)

    # Applications

    def _make_application(self, index: int) -> ApplicationWorld:
        facts = self.company.application(index)
        timeline = self.company.applications
        job = self.job(facts.job)
        outcome = facts.outcome
        bits = facts.bits
        # Some who never left the first stage are prospects: not yet on a job.
        kind = _KINDS[bits & 7] if outcome is None and facts.reached == 0 else "candidate"
        position = job.last + 1 if outcome in ("offer", "hired") else facts.reached
        return ApplicationWorld(
            index,
            facts.candidate,
            facts.job,
            facts.channel,
            Profile(kind, outcome, position, job.last, bits >> 8 & 63),
            bits,
            timeline.created_at(index),
            timeline.updated_at(index),
            to_millis(index),
        )

    def _list_times(self, index: int) -> list[int]:
        """When the application entered each stage up to the current one and, where it ended, when that was."""
        return [step.entered_at for step in self.company.steps(index)]

    def find_ended_at(self, facts: ApplicationWorld) -> int | None:
        """When it was rejected, withdrawn or hired."""
        return self.times(facts.index)[-1] if facts.profile.outcome in ("rejected", "withdrawn", "hired") else None

    @cached_property
    def _application_profiles(self) -> Counter[Profile]:
        return Counter(self.application(index).profile for index in range(self.company.applications.count))

    def make_application_part(
        self, places: int, shape: Callable[[int, int], Row], count: Callable[[Profile], int] | None = None
    ) -> PartRows:
        timeline = self.company.applications
        if count is None:
            return PartRows(timeline.count, places, shape, timeline=timeline)
        memo: dict[Profile, int] = {}

        def used(index: int) -> int:
            profile = self.application(index).profile
            number = memo.get(profile)
            if number is None:
                number = memo[profile] = count(profile)
            return number

        def total() -> int:
            return sum(count(profile) * times for profile, times in self._application_profiles.items())

        return PartRows(timeline.count, places, shape, used, timeline, total)

    # Candidates

    def candidate_profile(self, person: PersonFacts) -> CandidateProfile:
        return CandidateProfile(person.is_anonymized, person.bits >> 4 & 63)

    @cached_property
    def _candidate_profiles(self) -> Counter[CandidateProfile]:
        company = self.company
        return Counter(self.candidate_profile(company.candidate(index)) for index in range(company.candidates.count))

    def make_candidate_part(
        self, places: int, shape: Callable[[int, int], Row], count: Callable[[CandidateProfile], int] | None = None
    ) -> PartRows:
        timeline, company = self.company.candidates, self.company
        if count is None:
            return PartRows(timeline.count, places, shape, timeline=timeline)

        def used(index: int) -> int:
            return count(self.candidate_profile(company.candidate(index)))

        def total() -> int:
            return sum(count(profile) * times for profile, times in self._candidate_profiles.items())

        return PartRows(timeline.count, places, shape, used, timeline, total)

    # Jobs

    def _make_job(self, index: int) -> JobWorld:
        facts = self.company.job(index)
        timeline = self.company.jobs
        category = facts.category or 0
        created, updated = timeline.created_at(index), timeline.updated_at(index)
        applications = self.company.applications_to(index)
        status: Literal["open", "closed", "draft"] = "open"
        if not applications:
            status = "draft"
        elif facts.bits & 12 and created < self._end - YEAR:
            newest = self.company.applications.created_at(applications[-1])
            status = "closed" if updated > newest else "open"
        return JobWorld(
            index,
            facts.title,
            category,
            facts.department,
            len(self.company.categories[category].stages),
            tuple(person for person, _ in facts.team),
            facts.bits,
            created,
            updated,
            to_millis(index),
            status,
        )

    def name_stage(self, job: JobWorld, position: int) -> str:
        if position == 0:
            return FIRST_STAGE
        return LAST_STAGE if position > job.last else self.company.categories[job.category].stages[position - 1]

    def make_job_part(
        self, places: int, shape: Callable[[JobWorld, int], Row], count: Callable[[JobWorld], int] | None = None
    ) -> PartRows:
        timeline, job = self.company.jobs, self.job
        used = None if count is None else lambda index: count(job(index))
        return PartRows(timeline.count, places, lambda index, place: shape(job(index), place), used, timeline)

    # Users

    def make_user_part(
        self, places: int, shape: Callable[[int, int], Row], count: Callable[[int], int] | None = None
    ) -> PartRows:
        timeline = self.company.employees
        return PartRows(timeline.count, places, shape, count, timeline)

    def pick_user(self, draw: int) -> int:
        """The id of somebody."""
        return self.ids["users"](draw % self.company.employees.count)

    # Lists

    def make_table(self, stream: str, rows: list[Row], part: int = 0) -> PartRows:
        """A short list that does not depend on the size; the rows get their number and times here."""

        def shape(index: int, _place: int) -> Row:
            return {
                "id": self.ids[stream](index, part=part),
                "created_at": self.start,
                "updated_at": self.start,
                **rows[index],
            }

        return PartRows(len(rows), 1, shape)

    def begin(self, number: int, created: int, updated: int, millis: int) -> Row:
        """What every row begins with."""
        return {"id": number, "created_at": to_moment(created, millis), "updated_at": to_moment(updated, millis)}

    def begin_for_application(
        self, facts: ApplicationWorld, number: int, created: int, updated: int | None = None
    ) -> Row:
        return self.begin(number, created, facts.updated if updated is None else updated, facts.millis)

    def begin_for_job(self, job: JobWorld, number: int, created: int | None = None, updated: int | None = None) -> Row:
        first, last = job.created if created is None else created, job.updated if updated is None else updated
        return self.begin(number, first, last, job.millis)

    @cached_property
    def values(self) -> Mapping[str, list[dict[str, Row]]]:
        """Kind of record → its `custom_fields`, one object for each of the 64 variants."""
        users = [self.describe_user(index) for index in range(min(self.company.employees.count, VARIANTS))]
        kinds = ("candidate", "application", "job", "opening", "offer", "rejection_question", "user_attribute")
        return {kind: make_values(kind, users) for kind in kinds}

    def describe_user(self, index: int) -> Row:
        facts = self.company.employee(index)
        return {
            "id": self.ids["users"](index),
            "name": f"{facts.first_name} {facts.last_name}",
            "primary_email": facts.email,
            "employee_id": f"E{index:05d}" if facts.bits & 3 else None,
        }
