"""What can be written through the unified API over Lever's Data API, and why the rest cannot."""

from collections.abc import Mapping

from unihire.integration.write import Write
from unihire.integrations.lever.writes.applications import APPLICATION_WRITES
from unihire.integrations.lever.writes.candidates import CANDIDATE_WRITES
from unihire.integrations.lever.writes.company import COMPANY_WRITES
from unihire.integrations.lever.writes.files import FILE_WRITES
from unihire.integrations.lever.writes.interviews import INTERVIEW_WRITES
from unihire.integrations.lever.writes.notes import NOTE_WRITES
from unihire.integrations.lever.writes.tags import TAG_WRITES

WRITES: tuple[Write, ...] = (
    *NOTE_WRITES,
    *APPLICATION_WRITES,
    *FILE_WRITES,
    *CANDIDATE_WRITES,
    *TAG_WRITES,
    *COMPANY_WRITES,
    *INTERVIEW_WRITES,
)

CANNOT_WRITE: Mapping[str, str] = {
    "application.convert": "A posting cannot be added to an opportunity: application.create makes one more.",
    "department.create": "A department is a text of postings: job.create makes it, by its integration_params.",
    "eeoc.create": "Answers are only taken with an application form, which makes another application.",
    "job_interview_stage.create": "The API lists the stages of the account, which are made in its settings.",
    "offer.create": "The API lists offers, which are made in the vendor's pages.",
    "office.create": "A place is a text of postings: job.create makes it, by its integration_params.",
    "reject_reason.create": "The API lists the reasons, which are made in the vendor's settings.",
    "screening_question.create": "The API shows the form of a posting, and has no way to change it.",
    "tag.create": "A tag is made when it is given to a candidate: candidate.tag does both.",
}
"""By `model.verb`; contract.json, endpoints."""
