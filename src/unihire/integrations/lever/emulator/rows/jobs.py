"""Postings and requisitions."""

from unihire.integration.emulate import PartRows, Row
from unihire.integrations.lever.emulator.rows.ids import make_id
from unihire.integrations.lever.emulator.rows.people import list_question_sets
from unihire.integrations.lever.emulator.rows.values import to_millis
from unihire.integrations.lever.emulator.rows.world import JobState, World

LOCATIONS = ("Berlin", "Madrid", "Remote", "Lyon")
COMMITMENTS = ("Full-time", "Part-time", "Internship")
WORKPLACES = ("unspecified", "onsite", "remote", "hybrid")
BANDS = ("per-year-salary", "per-month-salary")
SITE = "https://jobs.example.com/example"


class Jobs:
    """The parts of the streams of jobs."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list_parts(self) -> dict[str, list[PartRows]]:
        jobs = self._world.company.jobs
        return {
            "postings": [PartRows(jobs.count, 1, self._make_posting, timeline=jobs)],
            "requisitions": [PartRows(jobs.count, 1, self._make_requisition, timeline=jobs)],
        }

    def _find_member(self, job: JobState, role: int) -> str | None:
        found = [employee for employee, own in job.team if own == role]
        return make_id("users", 1 + found[0]) if found else None

    def _make_posting(self, index: int, _place: int) -> Row:
        job, id_ = self._world.job(index), make_id("postings", 1 + index)
        department = None if job.department is None else self._world.company.departments[job.department]
        locations = [LOCATIONS[(job.bits + one) % 4] for one in range(1 + (job.bits >> 5 & 1))]
        content = f"Made-up posting {index}: {job.title}."
        row: Row = {
            "id": id_,
            "text": job.title,
            "state": job.state,
            "distributionChannels": None,
            "user": self._world.pick_user(job.bits >> 3),
            "owner": self._find_member(job, 1) or self._world.pick_user(job.bits >> 3),
            "hiringManager": self._find_member(job, 2),
            "categories": {
                "team": self._world.company.categories[job.category].name,
                "department": department,
                "location": locations[0],
                "allLocations": locations,
                "commitment": COMMITMENTS[job.bits >> 7 & 1],
                "level": None,
            },
            "tags": ["Urgent"] if job.bits >> 9 & 3 == 0 else [],
            "content": {
                "description": content,
                "descriptionHtml": f"<div>{content}</div>",
                "lists": [{"text": "What you bring", "content": "<li>Care</li><li>Patience</li>"}],
                "closing": "We look forward to hearing from you.",
                "closingHtml": "<div>We look forward to hearing from you.</div>",
            },
            "country": "DE" if "Berlin" in locations else None,
            "followers": [],
            "reqCode": f"REQ-{1 + index:05d}" if job.bits & 1 else "",
            "requisitionCodes": [f"REQ-{1 + index:05d}"],
            "confidentiality": "confidential" if job.is_confidential else "non-confidential",
            "createdAt": to_millis(job.created),
            "updatedAt": to_millis(job.updated),
            "workplaceType": WORKPLACES[job.bits >> 11 & 3],
            "transcribeInterviews": False,
            "screening": {"enabled": False},
            "questionSets": [make_id("question_sets", 1 + which) for which in list_question_sets(index)],
        }
        if job.state in ("published", "internal"):
            row["distributionChannels"] = ["internal"] if job.bits >> 13 & 7 == 2 else ["public", "internal"]
        if job.bits >> 16 & 1:
            least = 30_000 + job.bits % 30 * 1000
            row["salaryRange"] = {"min": least, "max": least + 10_000, "currency": "EUR", "interval": BANDS[0]}
            row["salaryDescription"] = "Made-up pay."
            row["salaryDescriptionHtml"] = "<div>Made-up pay.</div>"
        return row

    def _make_requisition(self, index: int, _place: int) -> Row:
        job = self._world.job(index)
        status = {"published": "open", "internal": "open", "draft": "draft"}.get(job.state, job.state)
        is_endless = job.bits >> 15 & 15 == 1
        department = None if job.department is None else self._world.company.departments[job.department]
        return {
            "id": make_id("requisitions", 1 + index),
            "requisitionCode": f"REQ-{1 + index:05d}",
            "name": job.title,
            "backfill": job.bits >> 4 & 1 == 1,
            "confidentiality": "confidential" if job.is_confidential else "non-confidential",
            "createdAt": to_millis(job.created),
            "creator": self._world.pick_user(job.bits >> 3),
            "headcountTotal": "unlimited" if is_endless else 1 + job.bits % 4,
            "headcountHired": self._world.count_hires(index),
            "headcountInfinite": is_endless,
            "status": "onHold" if status == "open" and job.bits >> 19 & 15 == 2 else status,
            "hiringManager": self._find_member(job, 2),
            "owner": self._find_member(job, 1) or self._world.pick_user(job.bits >> 3),
            "compensationBand": {"min": 30_000, "max": 60_000, "currency": "EUR", "interval": BANDS[0]}
            if job.bits >> 2 & 1
            else None,
            "employmentStatus": "Exempt Full-Time" if job.bits >> 6 & 1 else "full-time",
            "location": LOCATIONS[job.bits % 4],
            "internalNotes": "",
            "postings": [make_id("postings", 1 + index)],
            "department": department,
            "team": self._world.company.categories[job.category].name,
            "offerIds": [],
            "approval": {
                "status": "approved",
                "startedAt": to_millis(job.created),
                "approvedAt": to_millis(job.created),
                "accountId": make_id("accounts", 1),
                "createdBy": self._world.pick_user(job.bits >> 3),
                "steps": [],
            },
            "customFields": {"cost_centre": f"C{job.bits % 100}", "grade": "grade_1"},
            "closedAt": to_millis(job.updated) if status == "closed" else None,
            "timeToFillStartAt": to_millis(job.created),
            "timeToFillEndAt": None,
            "updatedAt": to_millis(job.updated),
        }
