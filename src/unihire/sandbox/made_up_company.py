"""A made-up company whose every fact is computed from a seed and an index.

Nothing is stored per record: a company of a million candidates is made as fast as one of a hundred. Eight candidates
and their twelve applications form a block, so either side finds the other by division. Jobs stand open in groups; the
applications of a stretch of time go to the group that was open then.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from unihire.errors import ConfigError
from unihire.integration.emulate import (
    ApplicationFacts,
    CategoryFacts,
    HistoryEntry,
    JobFacts,
    Outcome,
    PersonFacts,
    Timeline,
)
from unihire.sandbox import name_lists
from unihire.sandbox.timeline import LANE_SHARES, LaneTimeline

# The history is fixed, not "the last four years": the same seed gives the same bytes on any day.
HISTORY_START = int(datetime(2022, 7, 1, 6, tzinfo=UTC).timestamp())
HISTORY_END = int(datetime(2026, 6, 30, 16, tzinfo=UTC).timestamp())
_SPAN = HISTORY_END - HISTORY_START

# Which of a block's eight candidates makes each of its twelve applications, in the order of time. The last makes none.
_BLOCK = (0, 1, 1, 2, 3, 4, 2, 5, 4, 6, 6, 4)
_BLOCK_FIRST = (0, 1, 3, 4, 5, 7, 9, 11)
_BLOCK_SLOTS = tuple(tuple(slot for slot, who in enumerate(_BLOCK) if who == one) for one in range(8))

_OPEN_JOBS = 20
_MASK = (1 << 64) - 1

# Shares in thousandths of the applications that were ever touched; of all applications 30 % end up rejected.
_OUTCOMES: tuple[tuple[int, Outcome | None], ...] = (
    (343, "rejected"),
    (411, "withdrawn"),
    (457, "offer"),
    (514, "hired"),
    (1000, None),
)

_NUMBERED = re.compile(r"[.+](\d{1,9})@(staff\.)?example\.com", re.ASCII)


def mix(salt: int, index: int) -> int:
    """64 bits that look random and are the same for the same arguments (splitmix64's finaliser)."""
    bits = (salt + index * 0x9E3779B97F4A7C15) & _MASK
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
    return bits ^ (bits >> 31)


class MadeUpCompany:
    """A Company (see integration/emulate.py)."""

    def __init__(self, *, seed: int, candidates: int, jobs: int, applications: int, employees: int) -> None:
        if candidates < 1 or jobs < 1 or employees < 1 or applications < candidates:
            raise ConfigError(
                "a made-up company needs candidates, jobs, employees and an application for each candidate"
            )
        # The same few are asked for again and again while a page is made.
        self._application_created_at = lru_cache(maxsize=4096)(self._compute_created_at)
        self.job = lru_cache(maxsize=4096)(self._compute_job)
        self._salts = [mix(seed & _MASK, salt) for salt in range(1, 9)]
        self.name = name_lists.COMPANY_NAMES[seed % len(name_lists.COMPANY_NAMES)]
        self.departments: Sequence[str] = name_lists.DEPARTMENTS
        self.categories: Sequence[CategoryFacts] = name_lists.CATEGORY_FACTS
        self.channels: Sequence[str] = name_lists.CHANNELS
        self.roles: Sequence[str] = name_lists.ROLES
        # The last block has what is left: up to eight candidates and all remaining applications.
        self._blocks = (candidates - 1) // 8
        self._rest = candidates - 8 * self._blocks
        self._rest_applications = applications - 12 * self._blocks
        if self._rest_applications < 1:
            raise ConfigError(f"{candidates} made-up candidates need at least {12 * self._blocks + 1} applications")
        self._groups = -(-jobs // _OPEN_JOBS)
        self._group_applications = -(-applications // self._groups)
        self.applications: Timeline = LaneTimeline(
            applications,
            self._application_created_at,
            lambda moment: (moment - HISTORY_START) * applications // _SPAN,
            HISTORY_END,
        )
        self.candidates: Timeline = LaneTimeline(
            candidates,
            self._candidate_created_at,
            lambda moment: (moment - HISTORY_START) * candidates // _SPAN,
            HISTORY_END,
        )
        group_span = _SPAN // self._groups
        self.jobs: Timeline = LaneTimeline(
            jobs,
            lambda index: HISTORY_START + (index * group_span) // _OPEN_JOBS - group_span,
            lambda moment: (moment - HISTORY_START + group_span) * _OPEN_JOBS // group_span,
            HISTORY_END,
        )
        self.employees: Timeline = LaneTimeline(
            employees,
            lambda index: HISTORY_START + index * _SPAN // employees,
            lambda moment: (moment - HISTORY_START) * employees // _SPAN,
            HISTORY_END,
        )

    def _compute_created_at(self, index: int) -> int:
        return HISTORY_START + (index * _SPAN + mix(self._salts[0], index) % _SPAN) // self.applications.count

    def _candidate_created_at(self, index: int) -> int:
        return self._application_created_at(self._first_application(index))

    def _first_application(self, candidate: int) -> int:
        block, who = divmod(candidate, 8)
        if block < self._blocks:
            return 12 * block + _BLOCK_FIRST[who]
        first = 12 * self._blocks + -(-who * self._rest_applications // self._rest)
        return min(first, self.applications.count - 1)

    def applications_of(self, candidate: int) -> Sequence[int]:
        block, who = divmod(candidate, 8)
        if block < self._blocks:
            start = 12 * block
            return [start + slot for slot in _BLOCK_SLOTS[who]]
        start = 12 * self._blocks
        ends = (-(-one * self._rest_applications // self._rest) for one in (who, who + 1))
        return range(*(start + end for end in ends))

    def _candidate_of(self, application: int) -> int:
        block, slot = divmod(application, 12)
        if block < self._blocks:
            return 8 * block + _BLOCK[slot]
        slot = application - 12 * self._blocks
        return 8 * self._blocks + slot * self._rest // self._rest_applications

    def _job_of(self, application: int) -> int:
        group, place = divmod(application, self._group_applications)
        first = group * _OPEN_JOBS
        return first + place * 7 % self._open_jobs(first)

    def _open_jobs(self, first: int) -> int:
        # A group of 7 or 14 would give all to one job, for 7 is the step: it counts as one less, the last stays empty.
        jobs = min(_OPEN_JOBS, self.jobs.count - first)
        return jobs - 1 if jobs in (7, 14) else jobs

    def applications_to(self, job: int) -> Sequence[int]:
        group = job // _OPEN_JOBS
        jobs = self._open_jobs(group * _OPEN_JOBS)
        first = group * self._group_applications
        end = min(first + self._group_applications, self.applications.count)
        start = next((place for place in range(jobs) if place * 7 % jobs == job % _OPEN_JOBS), None)
        return range(0) if start is None else range(first + start, end, jobs)

    def candidate(self, index: int) -> PersonFacts:
        return self._person(mix(self._salts[1], index), index, "example.com", can_be_anonymous=True)

    def employee(self, index: int) -> PersonFacts:
        return self._person(mix(self._salts[2], index), index, "staff.example.com", can_be_anonymous=False)

    def _person(self, bits: int, index: int, domain: str, *, can_be_anonymous: bool) -> PersonFacts:
        own = bits & 0xFFFFFFFF
        if can_be_anonymous and own % 97 == 13:
            return PersonFacts("", "", "", None, None, None, None, None, True, own)
        bits >>= 32
        first_name, first_ascii, gender = name_lists.FIRST_NAMES[bits % len(name_lists.FIRST_NAMES)]
        last_name, last_ascii = name_lists.LAST_NAMES[(bits >> 8) % len(name_lists.LAST_NAMES)]
        # Some people write name+tag: a plus sign in a query must be escaped, and not every client does it.
        sign = "+" if own & 63 == 7 else "."
        phone = None
        if own & 7 != 3:
            form = name_lists.PHONE_FORMATS[own >> 6 & 3]
            phone = form.format(own % 1000, own % 100)
        return PersonFacts(
            first_name,
            last_name,
            f"{first_ascii}.{last_ascii}{sign}{index}@{domain}",
            phone,
            f"https://www.linkedin.com/in/example-{index:08d}" if own >> 8 & 3 else None,
            name_lists.CITIES[own >> 12 & 15] if own >> 10 & 3 else None,
            gender if own >> 16 & 3 else None,  # type: ignore[arg-type]
            f"{1960 + (bits >> 16) % 44}-{1 + (bits >> 22) % 12:02d}-{1 + (bits >> 26) % 28:02d}"
            if own >> 18 & 3 == 1
            else None,
            False,
            own,
        )

    def _compute_job(self, index: int) -> JobFacts:
        bits = mix(self._salts[3], index)
        own = bits & 0xFFFFFFFF
        bits >>= 32
        category = bits % len(self.categories)
        titles = name_lists.JOB_TITLES[category]
        suffix = name_lists.JOB_SUFFIXES[(bits >> 4) % len(name_lists.JOB_SUFFIXES)]
        team_size = (1, 2, 0, 3)[own & 3]
        return JobFacts(
            title=titles[(bits >> 8) % len(titles)] + suffix,
            department=None if index % 16 == 3 else (bits >> 12) % len(self.departments),
            category=None if index % 16 == 5 else category,
            team=tuple((((own >> 12) + 11 * member) % self.employees.count, member) for member in range(team_size)),
            bits=own,
        )

    def application(self, index: int) -> ApplicationFacts:
        bits = mix(self._salts[4], index)
        own = bits & 0xFFFFFFFF
        bits >>= 32
        job = self._job_of(index)
        reached, outcome = self._progress(index, job, bits)
        return ApplicationFacts(
            candidate=self._candidate_of(index),
            job=job,
            channel=None if own & 7 == 2 else (own >> 3) % len(self.channels),
            reached=reached,
            outcome=outcome,
            bits=own,
        )

    def _progress(self, index: int, job: int, bits: int) -> tuple[int, Outcome | None]:
        if LANE_SHARES[index % len(LANE_SHARES)] == 0:
            return 0, None
        roll = bits % 1000
        outcome = next(word for limit, word in _OUTCOMES if roll < limit)
        stages = len(self.categories[self.job(job).category or 0].stages)
        if outcome in ("offer", "hired"):
            return stages, outcome
        return (bits >> 12) % (stages + 1), outcome

    def steps(self, index: int) -> list[HistoryEntry]:
        facts = self.application(index)
        created = self.applications.created_at(index)
        span = self.applications.updated_at(index) - created
        path: list[tuple[int, Outcome | None]] = [(position, None) for position in range(facts.reached + 1)]
        if facts.outcome == "hired":
            path.append((facts.reached, "offer"))
        if facts.outcome is not None:
            path.append((facts.reached, facts.outcome))
        steps = []
        for place, (position, outcome) in enumerate(path):
            jitter = mix(self._salts[5], index * 16 + place) % 700 if place else 0
            steps.append(
                HistoryEntry(position, outcome, created + span * (place * 1000 + jitter) // (len(path) * 1000))
            )
        return steps

    def find_candidate(self, email: str) -> int | None:
        index = self._read_number(email, staff=False)
        if index is None or index >= self.candidates.count or self.candidate(index).email != email.lower():
            return None
        return index

    def find_employee(self, email: str) -> int | None:
        index = self._read_number(email, staff=True)
        if index is None or index >= self.employees.count or self.employee(index).email != email.lower():
            return None
        return index

    @staticmethod
    def _read_number(email: str, *, staff: bool) -> int | None:
        match = _NUMBERED.search(email.lower())
        if match is None or match.end() != len(email) or bool(match[2]) is not staff:
            return None
        return int(match[1])
