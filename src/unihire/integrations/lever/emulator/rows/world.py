"""What the rows share: the made-up company's facts, and how far each opportunity came.

An application of the company is an opportunity. Those that somebody of the company added and that are still leads
have no application to a posting. A candidate of the company who applied to nothing is a lead, too.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache

import msgspec

from unihire.integration.emulate import ApplicationFacts, Company, Outcome, PartRows, Row, Tools
from unihire.integrations.lever.emulator.rows.ids import make_id
from unihire.integrations.lever.emulator.rows.values import to_millis

YEAR = 365 * 86400
MOST_COUNTED = 20_000
PLACES = 2
"""Interviews, panels, feedback and notes a computed opportunity has at most."""

STAGES = (
    ("New lead", "lead", 1, False),
    ("Reached out", "lead", 2, False),
    ("Responded", "lead", 3, False),
    ("New applicant", "applicant", 100, False),
    ("Recruiter screen", "screen", 101, True),
    ("Work sample", "screen", 105.5, False),
    ("On-site interview", "onsite", 110, True),
    ("Final interview", "onsite", 115, True),
    ("Offer", "offer", 200, False),
)
"""(text, pipeline, rank, whether it has interviews) of the account's stages, in their order."""
APPLICANT, FIRST_OWN, LAST_OWN, OFFER = 3, 4, 7, 8
"""Places in STAGES."""

TAGS = ("Night shift", "Speaks German", "Relocates", "Former intern", "Referred twice", "Talent pool")
MORE_SOURCES = ("Added manually", "Newsletter", "Conference")


class Progress(msgspec.Struct, frozen=True, gc=False):
    """An opportunity: who, for which posting, where it stands, and how many rows of other streams it has."""

    index: int
    candidate: int
    job: int
    channel: int | None
    outcome: Outcome | None
    stage: int
    """Its place in STAGES."""
    bits: int
    created: int
    updated: int
    applications: int
    interviews: int
    feedback: int
    notes: int
    offers: int
    referrals: int
    resumes: int
    files: int
    forms: int
    eeo: int


class JobState(msgspec.Struct, frozen=True, gc=False):
    """A job with its state."""

    index: int
    title: str
    department: int | None
    category: int
    team: tuple[tuple[int, int], ...]
    bits: int
    created: int
    updated: int
    state: str
    is_confidential: bool


COUNTED = ("applications", "interviews", "feedback", "notes", "offers", "referrals", "resumes", "files", "forms", "eeo")


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
        self.progress = lru_cache(maxsize=8192)(self._make_progress)
        self.job = lru_cache(maxsize=8192)(self._make_job)
        self.count = self.company.applications.count
        """Opportunities for a job; those of candidates who applied to nothing follow."""
        self.start = to_millis(self.company.jobs.created_at(0))
        self._end = self.company.applications.created_at(self.count - 1)

    def _make_progress(self, index: int) -> Progress:
        facts = self.company.application(index)
        bits, outcome, stage = facts.bits, facts.outcome, self._find_stage(facts)
        is_lead = stage < APPLICANT
        done = stage - APPLICANT if outcome in ("rejected", "offer", "hired") else stage - APPLICANT - 1
        met = 0 if is_lead else min(stage - APPLICANT, PLACES)
        is_applied = bits & 3 != 0
        return Progress(
            index,
            facts.candidate,
            facts.job,
            facts.channel,
            outcome,
            stage,
            bits,
            self.company.applications.created_at(index),
            self.company.applications.updated_at(index),
            applications=int(not (is_lead and bits >> 4 & 1)),
            interviews=met,
            feedback=min(max(done, 0), met),
            notes=(0, 1, 2, 1)[bits >> 3 & 3],
            offers=int(stage == OFFER or (stage == LAST_OWN and outcome is not None and bits >> 5 & 1 == 0)),
            referrals=int(bits >> 7 & 31 == 4),
            resumes=int(is_applied and bits >> 6 & 7 != 0),
            files=(0, 0, 1, 2)[bits >> 9 & 3],
            forms=int(bits >> 11 & 7 == 2),
            eeo=int(is_applied and bits >> 13 & 3 != 0),
        )

    @staticmethod
    def _find_stage(facts: ApplicationFacts) -> int:
        if facts.outcome in ("offer", "hired"):
            return OFFER
        if facts.reached == 0 and facts.outcome is None and facts.bits & 3 == 0:
            return (facts.bits >> 2) % 3
        return min(APPLICANT + facts.reached, LAST_OWN)

    def find_stage(self, index: int) -> int:
        """The place in STAGES of an opportunity, faster than the rest of it."""
        return self._find_stage(self.company.application(index))

    def is_withdrawn(self, facts: Progress) -> bool:
        return facts.outcome == "withdrawn"

    def list_steps(self, facts: Progress) -> list[tuple[int, int]]:
        """(place in STAGES, entered at in milliseconds) of each stage it was in, oldest first."""
        if facts.stage < APPLICANT:
            found = [(place, facts.created) for place in range(facts.stage + 1)]
        else:
            found = []
            for step in self.company.steps(facts.index):
                at = OFFER if step.outcome in ("offer", "hired") else min(APPLICANT + step.position, LAST_OWN)
                if not found or found[-1][0] != at:
                    found.append((at, step.entered_at))
        stages = [(place, to_millis(at)) for place, at in found]
        stages[-1] = (stages[-1][0], to_millis(facts.updated))
        return stages

    def is_lead_only(self, candidate: int) -> bool:
        """Whether the candidate applied to nothing."""
        return not self.company.applications_of(candidate)

    @cached_property
    def totals(self) -> Counter[str]:
        """How many rows the opportunities have of each stream."""
        totals: Counter[str] = Counter()
        for index in range(self.count):
            facts = self.progress(index)
            for name in COUNTED:
                totals[name] += getattr(facts, name)
        totals["leads"] = sum(map(self.is_lead_only, range(self.company.candidates.count)))
        return totals

    @cached_property
    def uses(self) -> Mapping[str, int]:
        """How many opportunities have each tag and source; of a large company an estimate, by its first ones."""
        uses: Counter[str] = Counter()
        counted = min(self.count, MOST_COUNTED)
        for index in range(counted):
            facts = self.progress(index)
            uses.update((*self.list_tags(facts.bits), *self.list_sources(facts)))
        leads = self.company.candidates.count // 8
        uses[MORE_SOURCES[0]] += leads * counted // self.count
        return {text: used * self.count // counted for text, used in uses.items()}

    def make_part(self, places: int, shape: Callable[[int, int], Row], member: str) -> PartRows:
        """Rows that opportunities have; `member` names the member of Progress that counts them."""
        return PartRows(
            self.count,
            places,
            shape,
            lambda index: getattr(self.progress(index), member),
            self.company.applications,
            lambda: self.totals[member],
        )

    def list_tags(self, bits: int) -> list[str]:
        return [tag for place, tag in enumerate(TAGS) if not bits >> place * 3 & 7]

    def list_sources(self, facts: Progress) -> list[str]:
        if facts.channel is not None:
            return [self.company.channels[facts.channel]]
        return [MORE_SOURCES[facts.bits % len(MORE_SOURCES)]] if facts.bits >> 5 & 1 else []

    def find_origin(self, facts: Progress) -> str:
        if facts.referrals:
            return "referred"
        if facts.bits & 3 == 0:
            return "sourced"
        return ("applied", "applied", "applied", "agency", "applied", "university", "applied", "internal")[
            facts.bits >> 17 & 7
        ]

    # Jobs

    def _make_job(self, index: int) -> JobState:
        facts, timeline = self.company.job(index), self.company.jobs
        created, updated = timeline.created_at(index), timeline.updated_at(index)
        applications = self.company.applications_to(index)
        state = "internal" if index % 13 == 6 else "published"
        if not applications:
            state = ("draft", "pending", "rejected")[index % 3]
        elif (
            facts.bits & 12
            and created < self._end - YEAR
            and updated > self.company.applications.created_at(applications[-1])
        ):
            state = "closed"
        return JobState(
            index,
            facts.title,
            facts.department,
            facts.category or 0,
            facts.team,
            facts.bits,
            created,
            updated,
            state,
            is_confidential=index % 11 == 4,
        )

    def count_hires(self, index: int) -> int:
        applications = self.company.applications_to(index)
        return sum(self.company.application(one).outcome == "hired" for one in applications)

    # People

    def pick_user(self, draw: int) -> str:
        return make_id("users", 1 + draw % self.company.employees.count)

    def make_table(self, stream: str, rows: list[Row]) -> PartRows:
        """Rows whose number does not depend on the size; they get their id here."""
        made = [{"id": make_id(stream, 1 + index), **row} for index, row in enumerate(rows)]
        return PartRows(len(rows), 1, lambda index, _place: made[index])
