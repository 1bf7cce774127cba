"""Lists that only writes ask for, and those that are stored so that forms can offer what is in them."""

from unihire.integration.declare import CallById, Stream
from unihire.integrations.ashby.mapping.values import get_id
from unihire.integrations.ashby.paging import LIST, SYNC_TOKEN, WHOLE

INTERVIEW_STAGES = "interview_stages"
"""The stages of a plan, `interviewPlanId`; one of them by its id."""
FOUND_CANDIDATES = "found_candidates"
"""At most a hundred with an address, `email`, or a name, `name`."""
FOUND_JOBS = "found_jobs"
"""At most a hundred with a title, `title`."""
NOTES = "notes"
"""The notes on a candidate, `candidateId`."""
SURVEY_FORMS = "survey_forms"
PASSED_STAGES = "passed_stages"
"""An application by its id, with the stages it was at, which its list does not show."""
CUSTOM_FIELDS = "custom_fields"
FEEDBACK_FORMS = "feedback_forms"

LOOKUPS = (
    Stream(
        name=INTERVIEW_STAGES,
        path="/interviewStage.list",
        paging=WHOLE,
        id_of=get_id,
        by_id=CallById(path="/interviewStage.info", body={"interviewStageId": "{id}"}, item="results"),
    ),
    Stream(name=FOUND_CANDIDATES, path="/candidate.search", paging=WHOLE, id_of=get_id),
    Stream(name=FOUND_JOBS, path="/job.search", paging=WHOLE, id_of=get_id),
    Stream(name=NOTES, path="/candidate.listNotes", paging=LIST, id_of=get_id),
    Stream(
        name=PASSED_STAGES,
        path="/application.list",
        paging=LIST,
        id_of=get_id,
        by_id=CallById(path="/application.info", body={"applicationId": "{id}"}, item="results"),
    ),
    Stream(name=SURVEY_FORMS, path="/surveyFormDefinition.list", paging=LIST, id_of=get_id),
)


def declare_stored(permission: str) -> tuple[Stream, ...]:
    """Custom fields and forms of scorecards, archived ones too, so that it shows when one is.

    The permission is in the words of the vendor's settings page.
    """
    return tuple(
        Stream(
            name=name, path=path, paging=LIST, id_of=get_id, permission=permission, is_stored=True, is_optional=True,
            params={"includeArchived": True}, sync_param=SYNC_TOKEN,
        )
        for name, path in ((CUSTOM_FIELDS, "/customField.list"), (FEEDBACK_FORMS, "/feedbackFormDefinition.list"))
    )  # fmt: skip
