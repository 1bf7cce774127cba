"""What can be written through the unified API over Harvest v3, and why the rest cannot.

The operations of Harvest v1 make things with the same steps, in making.py.
"""

from collections.abc import Mapping

from unihire.integration.write import Write
from unihire.integrations.greenhouse.writes.applications import APPLICATION_WRITES
from unihire.integrations.greenhouse.writes.candidates import CANDIDATE_WRITES
from unihire.integrations.greenhouse.writes.company import COMPANY_WRITES
from unihire.integrations.greenhouse.writes.files import FILE_WRITES
from unihire.integrations.greenhouse.writes.hiring import HIRING_WRITES
from unihire.integrations.greenhouse.writes.notes import NOTE_WRITES
from unihire.integrations.greenhouse.writes.tags import TAG_WRITES

WRITES: tuple[Write, ...] = (
    *NOTE_WRITES,
    *APPLICATION_WRITES,
    *FILE_WRITES,
    *CANDIDATE_WRITES,
    *TAG_WRITES,
    *COMPANY_WRITES,
    *HIRING_WRITES,
)

CANNOT_WRITE: Mapping[str, str] = {
    "eeoc.create": "Harvest v3 lists what candidates answered, and takes no answers: they give them in a form.",
    "job_interview_stage.create": "Harvest v3 lists the stages of a job, which are made in the vendor's pages or "
    "copied with a job.",
    "reject_reason.create": "Harvest v3 lists the reasons, which are made in the vendor's settings.",
    "scorecard.create": "Harvest v3 lists scorecards, which interviewers fill in the vendor's pages.",
    "screening_question.create": "Harvest v3 shows the questions of a post, and has no way to write them.",
}
"""By `model.verb`; harvest_v3.json, endpoints."""
