"""Bodies that Ashby's endpoints take, about things that are there."""

import random
from typing import Any

from testbed.ashby import AshbyLine
from unihire.integrations.ashby.emulator.api.bodies import declare_body


def make_call_body(declared: str, ids: dict[str, str], chance: random.Random) -> dict[str, Any]:
    """Every member that is declared, each of its type."""
    return {
        field.name: make_right(field.kind, field.words, ids, field.name, chance) for field in declare_body(declared)
    }


def make_right(kind: str, words: tuple[str, ...], ids: dict[str, str], name: str, chance: random.Random) -> Any:
    if words:
        word = chance.choice(words)
        return word if kind == "word" else [word]
    simple = {
        "text": "x", "bool": True, "number": 5, "int": 5, "millis": 1_700_000_000_000, "moment": "2026-06-01T00:00:00Z",
        "list": [], "texts": ["x"], "object": {}, "any": "x",
    }  # fmt: skip
    found = ids.get(name) or chance.choice(list(ids.values()))
    return simple.get(kind, [found] if kind == "uuids" else found)


def collect_ids(line: AshbyLine) -> dict[str, str]:
    """The member of a body that names a thing → the id of one."""
    lists = {
        "candidateId": "candidate.list", "applicationId": "application.list", "jobId": "job.list",
        "offerId": "offer.list", "jobPostingId": "jobPosting.list", "openingId": "opening.list",
        "tagId": "candidateTag.list",
        "userId": "user.list", "departmentId": "department.list", "locationId": "location.list",
        "interviewPlanId": "interviewPlan.list",
        "interviewScheduleId": "interviewSchedule.list", "sourceId": "source.list", "projectId": "project.list",
        "customFieldId": "customField.list", "fieldId": "customField.list", "interviewerPoolId": "interviewerPool.list",
        "objectId": "candidate.list", "teamId": "department.list", "teamMemberId": "user.list",
        "formDefinitionId": "feedbackFormDefinition.list", "surveyFormDefinitionId": "surveyFormDefinition.list",
        "archiveReasonId": "archiveReason.list", "roleId": "applicationHiringTeamRole.list",
    }  # fmt: skip
    return {name: line.ask(listed)[0]["id"] for name, listed in lists.items()}
