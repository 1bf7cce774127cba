"""What the rows share: the made-up company's facts, its pipelines, and how far each candidate came.

The vendor has no persons: a candidate is an application of the made-up company, and somebody who applied twice is two.
"""

import re
from collections import Counter
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import NamedTuple

import msgspec

from unihire.integration.emulate import Company, HistoryEntry, Outcome, PartRows, Row, Tools
from unihire.integrations.workable.emulator.rows.ids import FIRST_STAGE

BEFORE = 2
"""Stages of a pipeline before its own: sourced and applied."""
ACTIVITIES = 16
"""Activities a candidate has at most, before anybody adds one."""
ENDED = ("rejected", "withdrawn")

_KINDS = {
    "screening": "phone-screen", "phone": "phone-screen", "task": "assessment", "case": "assessment",
    "assessment": "assessment", "portfolio": "assessment", "interview": "interview", "reference": "other",
    "trial": "other", "on": "other",
}  # fmt: skip
"""A word of a stage's name → its kind."""


class StageFacts(NamedTuple):
    """A stage of a pipeline."""

    number: int
    slug: str
    name: str
    kind: str
    position: int


class CandidateFacts(msgspec.Struct, frozen=True, gc=False):
    """A candidate: who, for which job, where it stands, and how many rows of other streams it has."""

    index: int
    person: int
    job: int
    pipeline: int
    channel: int | None
    reached: int
    outcome: Outcome | None
    stage: int
    """The place of its stage in the pipeline."""
    bits: int
    created: int
    updated: int
    comments: int
    ratings: int
    events: int
    messages: int
    offers: int
    files: int
    activities: int


def name_slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def make_pipelines(company: Company) -> list[list[StageFacts]]:
    """The account's own pipeline, then one for each kind of job."""
    own = [["Phone Screen", "Assessment", "Interview"], *(list(one.stages) for one in company.categories)]
    pipelines, number = list[list[StageFacts]](), FIRST_STAGE
    for names in own:
        stages: list[StageFacts] = []
        for name in ("Sourced", "Applied", *names, "Offer", "Hired"):
            slug = name_slug(name)
            kind = next((kind for word, kind in _KINDS.items() if word in slug.split("-")), "interview")
            if name in ("Sourced", "Applied", "Offer", "Hired"):
                kind = slug
            stages.append(StageFacts(number, slug, name, kind, len(stages) + 1))
            number += 1
        pipelines.append(stages)
    return pipelines


class World:
    """Facts by index. Only a cache of a few thousand is stored."""

    def __init__(self, tools: Tools) -> None:
        jobs = min(max(tools.size // 10, 10), 5000)
        self.seed, self.account = tools.seed, tools.options["subdomain"]
        self.company: Company = tools.make_company(
            candidates=max(tools.size * 2 // 3, 1),
            # A group of twenty jobs, the last of fourteen: its last job has no candidates and stays a draft.
            jobs=jobs // 20 * 20 + 14,
            applications=tools.size,
            employees=min(max(tools.size // 20, 20), 1000),
        )
        self.pipelines = make_pipelines(self.company)
        self.candidate = lru_cache(maxsize=8192)(self._make_candidate)
        self.history = lru_cache(maxsize=1024)(self._list_history)
        self.start = self.company.jobs.created_at(0)
        self.end = self.company.applications.created_at(self.company.applications.count - 1)

    def find_pipeline(self, job: int) -> int:
        category = self.company.job(job).category
        return 0 if category is None else 1 + category

    def _make_candidate(self, index: int) -> CandidateFacts:
        facts, applications = self.company.application(index), self.company.applications
        pipeline, reached, outcome, bits = self.find_pipeline(facts.job), facts.reached, facts.outcome, facts.bits
        own = len(self.pipelines[pipeline]) - BEFORE - 2
        reached = min(reached, own)
        if outcome in ("offer", "hired"):
            stage = len(self.pipelines[pipeline]) - (1 if outcome == "hired" else 2)
        else:
            stage = (0 if bits & 3 == 0 else 1) if reached == 0 else reached + 1
        comments, ratings = bits >> 3 & 1, min(max(reached - 1, 0), 1 + (bits >> 4 & 1))
        events, messages = min(reached, 2), bits >> 6 & 1
        has_offer = outcome in ("offer", "hired")  # who was never at the stage of offers was offered nothing
        steps = reached + 1 + (outcome == "hired") + (outcome is not None)
        return CandidateFacts(
            index,
            facts.candidate,
            facts.job,
            pipeline,
            facts.channel,
            reached,
            outcome,
            stage,
            bits,
            applications.created_at(index),
            applications.updated_at(index),
            comments,
            ratings,
            events,
            messages,
            int(has_offer),
            files=(1 if bits >> 8 & 7 else 0) + (bits >> 11 & 3 == 0),
            activities=steps + comments + ratings + min(events, 1) + messages,
        )

    def _list_history(self, index: int) -> list[HistoryEntry]:
        """The steps it took, as many as its pipeline has stages for."""
        facts = self.candidate(index)
        return [step for step in self.company.steps(index) if step.outcome or step.position <= facts.reached]

    def find_step_stage(self, facts: CandidateFacts, step: HistoryEntry) -> StageFacts:
        """Where a candidate stood at this step: who is rejected stays where it was."""
        stages = self.pipelines[facts.pipeline]
        if step.outcome in ("offer", "hired"):
            return stages[-1 if step.outcome == "hired" else -2]
        if step.position == 0:
            return stages[0 if facts.bits & 3 == 0 else 1]
        return stages[min(step.position, facts.reached) + 1]

    def find_stage(self, facts: CandidateFacts) -> StageFacts:
        return self.pipelines[facts.pipeline][facts.stage]

    def find_job_state(self, job: int) -> str:
        applications = self.company.applications_to(job)
        if not applications:
            return "draft"
        created, updated = self.company.jobs.created_at(job), self.company.jobs.updated_at(job)
        newest = self.company.applications.created_at(applications[-1])
        if self.company.job(job).bits & 12 and created < self.end - 365 * 86400 and updated > newest:
            return "archived" if job % 3 == 1 else "closed"
        return "published"

    @cached_property
    def _totals(self) -> Counter[str]:
        totals: Counter[str] = Counter()
        for index in range(self.company.applications.count):
            facts = self._make_candidate(index)
            for name in ("activities", "events", "offers", "files"):
                totals[name] += getattr(facts, name)
        return totals

    def make_part(self, places: int, shape: Callable[[int, int], Row], member: str) -> PartRows:
        """Rows of candidates; `member` names the member of CandidateFacts that counts them."""
        timeline = self.company.applications
        return PartRows(
            timeline.count,
            places,
            shape,
            lambda index: getattr(self.candidate(index), member),
            timeline,
            lambda: self._totals[member],
        )
