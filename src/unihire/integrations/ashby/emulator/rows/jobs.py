"""Jobs, their postings and openings."""

from functools import lru_cache

from unihire.integration.emulate import PartRows, Row
from unihire.integrations.ashby.emulator.rows.catalog import CITIES, make_custom_values
from unihire.integrations.ashby.emulator.rows.forms import APPLICATION_FORMS
from unihire.integrations.ashby.emulator.rows.ids import make_id
from unihire.integrations.ashby.emulator.rows.values import to_moment
from unihire.integrations.ashby.emulator.rows.world import JobState, World, to_millis

POSTINGS = 2
EMPLOYMENT = ("FullTime", "FullTime", "PartTime", "Intern", "Contract", "Temporary")
LISTED_SURVEYS = (1, 4)
"""Numbers of the survey forms that postings show: equal opportunity, a questionnaire."""


class Jobs:
    """The parts of the streams of jobs."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list_parts(self) -> dict[str, list[PartRows]]:
        timeline, world = self._world.company.jobs, self._world
        return {
            "jobs": [PartRows(timeline.count, 1, lru_cache(4096)(self._make_job), timeline=timeline)],
            "job_postings": [
                PartRows(timeline.count, POSTINGS, self._make_posting, world.count_postings, timeline=timeline)
            ],
            "openings": [PartRows(timeline.count, 1, self._make_opening, timeline=timeline)],
        }

    def _make_job(self, index: int, _place: int) -> Row:
        job = self._world.job(index)
        bits, millis = job.bits, to_millis(index)
        plan = make_id("interview_plans", 1 + job.plan)
        row: Row = {
            "id": make_id("jobs", 1 + index),
            "createdAt": to_moment(job.created, millis),
            "updatedAt": to_moment(job.updated, millis),
            "title": job.title,
            "confidential": job.is_confidential,
            "status": job.status,
            "employmentType": EMPLOYMENT[bits % len(EMPLOYMENT)],
            "locationId": find_location(job),
            "secondaryLocationIds": [make_id("locations", 1 + bits % len(CITIES))] if bits >> 8 & 3 == 0 else [],
            "departmentId": find_department(job),
            "defaultInterviewPlanId": plan,
            "interviewPlanIds": [plan],
            "customFieldValues": make_custom_values("Job", bits),
            "customRequisitionId": f"REQ-{index:05d}" if bits >> 9 & 3 == 0 else None,
            "brandId": make_id("brands", 1),
            "team": [
                {"userId": make_id("users", 1 + person), "roleId": make_id("hiring_roles", 1 + role % 3)}
                for person, role in job.team
            ],
            "authorId": self._world.pick_user(bits >> 6),
            "openedAt": None if job.status == "Draft" else to_moment(job.created + 3600, millis),
            "closedAt": to_moment(job.updated, millis) if job.status in ("Closed", "Archived") else None,
            "compensationTiers": [make_tier(index, 0, 50_000 + bits % 40 * 1000)] if bits >> 11 & 1 else [],
        }
        if index % 16 == 5:
            del row["defaultInterviewPlanId"]
        return row

    def _make_posting(self, index: int, place: int) -> Row:
        job, millis = self._world.job(index), to_millis(index)
        bits = job.bits >> place
        number = 1 + index * POSTINGS + place
        is_published = place == 0 and job.status in ("Open", "Closed")
        return {
            "id": make_id("job_postings", number),
            "title": job.title,
            "jobId": make_id("jobs", 1 + index),
            "status": "Published" if is_published else "Draft",
            "isListed": is_published and job.status == "Open" and not job.is_confidential and bits & 7 != 1,
            "description": make_description(job.title, self._world.company.name),
            "locationId": find_location(job),
            "secondaryLocationIds": [],
            "workplaceType": ("OnSite", "Hybrid", "Remote")[bits % 3],
            "employmentType": EMPLOYMENT[job.bits % len(EMPLOYMENT)],
            "publishedDate": to_moment(job.created + 7200)[:10],
            "publishedAt": to_moment(job.created + 7200, millis),
            "applicationDeadline": None,
            "externalLink": f"https://jobs.example.com/{number}",
            "applyLink": f"https://jobs.example.com/{number}/application",
            "shouldDisplayCompensationOnJobBoard": bits >> 2 & 1 == 0,
            "suppressDescriptionOpening": False,
            "suppressDescriptionClosing": False,
            "updatedAt": to_moment(job.updated, millis),
            "applicationFormDefinition": APPLICATION_FORMS[index % len(APPLICATION_FORMS)],
            "surveyFormIds": [make_id("survey_forms", one) for one in LISTED_SURVEYS] if bits >> 3 & 1 else [],
        }

    def _make_opening(self, index: int, _place: int) -> Row:
        job, millis = self._world.job(index), to_millis(index)
        states = {"Open": "Open", "Draft": "Draft", "Closed": "Filled", "Archived": "Closed"}
        state = "Approved" if job.status == "Open" and job.bits >> 7 & 7 == 0 else states[job.status]
        row: Row = {
            "id": make_id("openings", 1 + index),
            "updatedAt": to_moment(job.updated, millis),
            "isArchived": index % 9 == 7,
            "openingState": state,
            "latestVersion": {
                "id": make_id("versions", 1 + index),
                "identifier": f"O-{1 + index:05d}",
                "description": f"Seat for {job.title}",
                "authorId": self._world.pick_user(job.bits),
                "createdAt": to_moment(job.created, millis),
                "teamId": find_department(job),
                "jobIds": [make_id("jobs", 1 + index)],
                "targetHireDate": to_moment(job.created + 90 * 86400)[:10],
                "targetStartDate": to_moment(job.created + 120 * 86400)[:10],
                "isBackfill": job.bits & 1 == 0,
                "employmentType": EMPLOYMENT[job.bits % len(EMPLOYMENT)],
                "locationIds": [find_location(job)],
                "hiringTeam": [],
                "customFieldValues": make_custom_values("Opening", job.bits),
            },
        }
        if state != "Draft":
            row["openedAt"] = to_moment(job.created, millis)
        if state in ("Filled", "Closed"):
            row["closedAt"] = to_moment(job.updated, millis)
            row["closeReasonId"] = make_id("close_reasons", 1 if state == "Filled" else 2)
        if row["isArchived"]:
            row["archivedAt"] = to_moment(job.updated, millis)
        return row


def find_location(job: JobState) -> str:
    return make_id("locations", 1 + (job.bits >> 10) % (len(CITIES) + 1))


def find_department(job: JobState) -> str:
    return make_id("departments", 1 + (job.index % 13 if job.department is None else job.department))


def make_description(title: str, company: str) -> Row:
    parts = {
        "descriptionOpening": f"{company} makes things up.",
        "descriptionBody": f"We look for a {title} & more.",
        "descriptionClosing": "Everybody is welcome.",
    }
    return {
        name: {"html": f"<p>{text.replace('&', '&amp;')}</p>", "plain": f"{text}\n"} for name, text in parts.items()
    }


def make_tier(job: int, place: int, least: int) -> Row:
    """A compensation tier with a salary."""
    number = 1 + job * 8 + place * 2
    summary = f"€{least // 1000}K to €{least // 1000 + 15}K"
    return {
        "id": make_id("compensation", number),
        "title": "Base",
        "additionalInformation": "",
        "components": [
            {
                "id": make_id("compensation", number + 1),
                "compensationType": "Salary",
                "interval": "1 YEAR",
                "currencyCode": "EUR",
                "minValue": least,
                "maxValue": least + 15_000,
                "summary": summary,
            }
        ],
        "tierSummary": summary,
    }
