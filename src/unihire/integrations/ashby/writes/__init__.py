"""What can be written through the unified API over Ashby's public API, and why the rest cannot."""

from collections.abc import Mapping

from unihire.integration.write import Write
from unihire.integrations.ashby.writes.applications import APPLICATION_WRITES
from unihire.integrations.ashby.writes.candidates import CANDIDATE_WRITES
from unihire.integrations.ashby.writes.company import COMPANY_WRITES
from unihire.integrations.ashby.writes.files import FILE_WRITES
from unihire.integrations.ashby.writes.interviews import INTERVIEW_WRITES
from unihire.integrations.ashby.writes.notes import NOTE_WRITES
from unihire.integrations.ashby.writes.offers import OFFER_WRITES
from unihire.integrations.ashby.writes.surveys import SURVEY_WRITES
from unihire.integrations.ashby.writes.tags import TAG_WRITES

WRITES: tuple[Write, ...] = (
    *NOTE_WRITES,
    *APPLICATION_WRITES,
    *FILE_WRITES,
    *CANDIDATE_WRITES,
    *TAG_WRITES,
    *COMPANY_WRITES,
    *INTERVIEW_WRITES,
    *OFFER_WRITES,
    *SURVEY_WRITES,
)

CANNOT_WRITE: Mapping[str, str] = {
    "application.convert": "A lead is for a job already: application.move takes it on, or to another job.",
    "job_interview_stage.create": "The API lists the stages of plans, which are made in the vendor's pages.",
    "reject_reason.create": "The API lists the reasons, which are made in the vendor's settings.",
    "remote_user.create": "The API makes no users.",
    "screening_question.create": "The API shows the form of a posting, and has no way to change it.",
}
"""By `model.verb`; contract.json, endpoints."""
