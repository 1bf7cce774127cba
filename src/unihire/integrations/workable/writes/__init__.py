"""What can be written through the unified API over Workable's API, and why the rest cannot."""

from collections.abc import Mapping

from unihire.integration.write import Write
from unihire.integrations.workable.writes.applications import APPLICATION_WRITES
from unihire.integrations.workable.writes.candidates import CANDIDATE_WRITES
from unihire.integrations.workable.writes.company import COMPANY_WRITES
from unihire.integrations.workable.writes.notes import NOTE_WRITES

WRITES: tuple[Write, ...] = (*CANDIDATE_WRITES, *APPLICATION_WRITES, *NOTE_WRITES, *COMPANY_WRITES)

CANNOT_WRITE: Mapping[str, str] = {
    "application.convert": "A candidate in the talent pool comes to a job by application.create, as a candidate of it.",
    "application.update": "The API changes neither the source of a candidate nor who is credited.",
    "eeoc.create": "Answers for equal opportunity reports are not in the API.",
    "job.create": "Jobs are made in the vendor's pages; the API makes requisitions, which are plans and approvals.",
    "job_interview_stage.create": "The API lists the stages of jobs, which are made in the vendor's pages.",
    "offer.create": "The API shows the latest offer, and lets a user approve or reject one; it makes none.",
    "office.create": "Offices are the places of jobs, which are made in the vendor's pages.",
    "reject_reason.create": "The API lists the reasons, which are made in the vendor's settings.",
    "scheduled_interview.create": "The API lists events, and has no way to make one.",
    "screening_question.create": "The API shows the form of a job, and has no way to change it.",
    "tag.create": "A tag is a text on single candidates: candidate.tag gives one.",
}
"""By `model.verb`; contract.json, operations."""
