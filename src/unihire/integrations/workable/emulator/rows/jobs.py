"""Jobs and requisitions."""

from functools import lru_cache

from unihire.integration.emulate import PartRows, Row
from unihire.integrations.workable.emulator.rows.ids import make_id, make_shortcode
from unihire.integrations.workable.emulator.rows.people import CODES, COUNTRIES
from unihire.integrations.workable.emulator.rows.values import to_second
from unihire.integrations.workable.emulator.rows.world import World

CITIES = ("London", "Berlin", "Dublin", "Madrid", "Wien")
WORKPLACES = ("on_site", "hybrid", "remote")
COLLABORATORS = ("hiring_manager", "recruiting_admin", "reviewer", "simple")


def make_place(city: str) -> Row:
    country = COUNTRIES[city]
    return {
        "shortcode": f"JAD5054{CITIES.index(city):X}AFA", "country_code": CODES[country], "country_name": country,
        "state_code": city, "subregion": city, "zip_code": None, "city": city, "coords": "51.5, -0.12",
        "hidden": False,
    }  # fmt: skip


class Jobs:
    """The parts of the streams of jobs."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list_parts(self) -> dict[str, list[PartRows]]:
        count, timeline = self._world.company.jobs.count, self._world.company.jobs
        return {
            "jobs": [PartRows(count, 1, lru_cache(2048)(self._make_job), timeline=timeline)],
            "requisitions": [PartRows(count, 1, self._make_requisition, lambda job: int(job % 3 == 0), timeline)],
        }

    def _make_job(self, index: int, _place: int) -> Row:
        facts, timeline = self._world.company.job(index), self._world.company.jobs
        bits, shortcode = facts.bits, make_shortcode(1 + index)
        cities = [CITIES[bits % 5]] if bits >> 3 & 3 else sorted({CITIES[bits % 5], CITIES[(bits >> 4) % 5]})
        country = COUNTRIES[cities[0]]
        workplace = WORKPLACES[(bits >> 6) % 3]
        code = f"{CODES[country]}/{index:02d}" if bits & 7 else None
        pay: Row = {"salary_from": 40_000 + bits % 20 * 1000, "salary_to": 65_000 + bits % 20 * 1000}
        return {
            "id": make_id("jobs", 1 + index),
            "title": facts.title,
            "full_title": facts.title if code is None else f"{facts.title} - {code}",
            "shortcode": shortcode,
            "code": code,
            "state": self._world.find_job_state(index),
            "sample": False,
            "confidential": index % 11 == 4,
            "department": None if facts.department is None else self._world.company.departments[facts.department],
            "department_hierarchy": []
            if facts.department is None
            else [
                {
                    "id": make_id("departments", 1 + facts.department),
                    "name": self._world.company.departments[facts.department],
                }
            ],
            "workplace_type": workplace,
            "location": {
                "location_str": f"{cities[0]}, {country}", "country": country, "country_code": CODES[country],
                "region": cities[0], "region_code": cities[0], "city": cities[0], "zip_code": None,
                "telecommuting": workplace == "remote", "workplace_type": workplace,
            },
            "locations": [make_place(city) for city in cities],
            "salary": {**pay, "salary_currency": "eur"} if bits >> 9 & 1 else {},
            "created_at": to_second(timeline.created_at(index)),
            "updated_at": to_second(timeline.updated_at(index)),
            "keywords": None,
            "description": f"<p>We look for: {facts.title}.</p>",
            "requirements": "<ul><li>Made-up experience</li></ul>",
            "benefits": "<p>Fruit.</p>" if bits >> 10 & 1 else None,
            "employment_type": "Part-time" if bits >> 11 & 7 == 0 else "Full-time",
            "industry": "Staffing and Recruiting",
            "function": "Other",
            "experience": "Mid-Senior level" if bits >> 14 & 1 else None,
            "education": None,
            "team": [
                {"member_id": make_id("members", 1 + employee), "role": COLLABORATORS[role % 4]}
                for employee, role in facts.team
            ],
            "recruiter_ids": [make_id("recruiters", 1 + bits % 3)] if bits >> 15 & 3 == 0 else [],
            "pipeline": self._world.find_pipeline(index),
        }  # fmt: skip

    def _make_requisition(self, job: int, _place: int) -> Row:
        facts, timeline = self._world.company.job(job), self._world.company.jobs
        members = self._world.company.employees.count
        owner = make_id("members", 1 + facts.bits % members)
        return {
            "id": make_id("requisitions", 1 + job),
            "code": f"REQ-{1 + job:05d}",
            "job_shortcode": make_shortcode(1 + job),
            "department_id": None if facts.department is None else make_id("departments", 1 + facts.department),
            "requester_id": owner,
            "hiring_manager_id": owner,
            "owner_id": owner,
            "plan_date": f"2026-{1 + job % 12:02d}",
            "start_date": None,
            "salary_range": {"from": 40_000, "to": 70_000, "frequency": "year", "currency_iso": "EUR"},
            "employment_type": "Full-time",
            "reason": "New hire",
            "state": ("pending", "approved", "open", "filled")[facts.bits % 4],
            "requisition_attributes": [],
            "approval_groups": [],
            "created_at": to_second(timeline.created_at(job)),
            "updated_at": to_second(timeline.updated_at(job)),
        }
