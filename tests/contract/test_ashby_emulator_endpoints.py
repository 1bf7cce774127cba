"""Every documented endpoint of Ashby is answered by the emulator, or is in its table of those that are not."""

import random
from typing import Any

import msgspec
import pytest

from testbed.ashby import AshbyLine, open_ashby, sign
from testbed.ashby_bodies import collect_ids, make_call_body
from unihire.integration.emulate import Receiver
from unihire.integrations.ashby.emulator.api.bodies import declare_body
from unihire.integrations.ashby.emulator.api.unanswered import UNANSWERED

DOCUMENTED = """
    apiKey.info application.addHiringTeamMember application.changeSource application.changeStage
    application.create application.delete application.info application.list application.listCriteriaEvaluations
    application.listHistory application.removeHiringTeamMember application.transfer application.update
    application.updateHistory applicationFeedback.list applicationFeedback.submit applicationForm.submit
    applicationHiringTeamRole.list approval.list approvalDefinition.update archiveReason.list
    assessment.addCompletedToCandidate assessment.cancel assessment.list assessment.start assessment.update
    brand.list candidate.addEmailMessage candidate.addProject candidate.addTag candidate.anonymize
    candidate.create candidate.createNote candidate.info candidate.list candidate.listClientInfo
    candidate.listFraudChecks candidate.listNotes candidate.listProjects candidate.removeProject
    candidate.removeTag candidate.search candidate.setFraudStatus candidate.update candidate.uploadFile
    candidate.uploadResume candidateTag.create candidateTag.list closeReason.list communicationTemplate.list
    customField.create customField.info customField.list customField.setValue customField.setValues
    department.archive department.create department.info department.list department.move department.restore
    department.update feedbackFormDefinition.info feedbackFormDefinition.list file.createFileUploadHandle
    file.info hiringTeam.addMember hiringTeam.removeMember hiringTeamRole.list interview.info interview.list
    interviewEvent.list interviewPlan.list interviewSchedule.cancel interviewSchedule.create
    interviewSchedule.list interviewSchedule.update interviewStage.info interviewStage.list
    interviewStageGroup.list interviewerPool.addUser interviewerPool.archive interviewerPool.create
    interviewerPool.info interviewerPool.list interviewerPool.removeUser interviewerPool.restore
    interviewerPool.update job.create job.info job.list job.search job.setStatus job.update job.updateCompensation
    jobBoard.list jobInterviewPlan.info jobPosting.info jobPosting.list jobPosting.update jobTemplate.list
    location.archive location.create location.info location.list location.move location.restore
    location.updateAddress location.updateName location.updateRemoteStatus location.updateWorkplaceType
    notetakerTranscript.info offer.approve offer.create offer.info offer.list offer.start offer.update
    offerProcess.start opening.addJob opening.addLocation opening.create opening.info opening.list
    opening.removeJob opening.removeLocation opening.search opening.setArchived opening.setOpeningState
    opening.update project.info project.list project.search referral.create referralForm.info report.generate
    report.synchronous source.list sourceTrackingLink.list surveyFormDefinition.info surveyFormDefinition.list
    surveyRequest.create surveyRequest.list surveySubmission.create surveySubmission.list user.info
    user.interviewerSettings user.list user.search user.updateInterviewerSettings version.list webhook.create
    webhook.delete webhook.info webhook.update workflow.info workflow.list workflow.start workflow.update
"""
LATER = """
    applicationFeedbackRequest.create assessment.customField.list candidateTag.archive
    customField.updateSelectableValues interviewBriefing.info location.updateExternalName offer.startApprovalProcess
    user.createInterviewerPause user.deleteInterviewerPause user.listInterviewerPauses user.setCustomFieldValue
    user.setCustomFieldValues
"""
"""What later entries of the changelog name."""


@pytest.fixture(scope="module")
def line() -> AshbyLine:
    return open_ashby(size=100, seed=4)


def list_answered(line: AshbyLine) -> dict[str, Any]:
    found: dict[str, Any] = dict(line.app.emulator._endpoints)  # type: ignore[attr-defined]
    return found


def test_every_documented_endpoint_is_answered_or_in_the_table(line: AshbyLine) -> None:
    answered = set(list_answered(line))
    documented = DOCUMENTED.split()
    assert len(documented) == len(set(documented)) == 159
    assert answered | set(UNANSWERED) == {*documented, *LATER.split()}
    assert not answered & set(UNANSWERED)
    assert all(reason and not reason.endswith(".") for reason in UNANSWERED.values())


@pytest.mark.parametrize("name", UNANSWERED)
def test_what_is_not_answered_says_why(line: AshbyLine, name: str) -> None:
    answer = line.send(name)
    assert (answer.status, msgspec.json.decode(answer.body)["errorInfo"]["message"]) == (404, UNANSWERED[name])


def test_each_write_needs_a_permission_that_reading_keys_lack(line: AshbyLine) -> None:
    reader = line.with_key(line.keys["read_only_key"])
    writes = [
        name
        for name, endpoint in list_answered(line).items()
        if endpoint.permission and not endpoint.permission.endswith(":read")
    ]
    assert len(writes) > 60
    for name in writes:
        assert reader.send(name).status == 403, name


# Hostile bodies

ODD: tuple[Any, ...] = (
    None, "", "x", "\x00\u202e", 0, -1, 1e300, True, [], [None], ["x"], [[]], [{}], {}, {"id": []}, "9" * 5000,
    "00000000-0000-4000-8000-000000000000", {"fieldSubmissions": [{"path": [], "value": {}}]}, "2026-02-30T25:00:00Z",
    {"type": "text/plain", "value": 7}, [{"fieldId": "x", "fieldValue": []}],
)  # fmt: skip


def test_no_body_breaks_any_endpoint() -> None:
    """An exception of the emulator's is a 500 to the client."""
    line = open_ashby(size=100, seed=4)
    assert line.app.outbox is not None
    line.app.outbox.add_receiver(Receiver(1, "everything", "http://127.0.0.1:9/", "secret", ()))
    chance, ids, done = random.Random(1), collect_ids(line), set[str]()
    for name, endpoint in list_answered(line).items():
        fields = declare_body(endpoint.body)
        bodies: list[dict[str, Any]] = [{}, {field.name: None for field in fields}]
        for _ in range(3):
            right = make_call_body(endpoint.body, ids, chance)
            bodies.append(right)
            bodies += [{**right, field.name: chance.choice(ODD)} for field in fields for _ in range(3)]
        for body in bodies:
            answer = line.send(name, msgspec.json.encode(body))
            assert answer.status == 200, (name, body)
            if msgspec.json.decode(answer.body)["success"] is True:
                done.add(name)
    assert len(done) > 90, "most bodies were refused"


@pytest.mark.parametrize(
    "raw",
    [b"", b" ", b"null", b"[]", b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe", b'{"limit": 1e999}',
     b"{" + b" " * 1_000_000,
     b'{"limit": 9999999999999999999999}', b'{"cursor": "' + b"A" * 1_000_000 + b'"}', b"[0" + b",0" * 300_000 + b"]"],
    ids=lambda raw: str(raw[:12]),
)  # fmt: skip
def test_no_bytes_break_a_list(line: AshbyLine, raw: bytes) -> None:
    assert line.send("candidate.list", raw).status == 200


def test_no_header_breaks_a_call(line: AshbyLine) -> None:
    for headers in (
        {"authorization": "Basic " + "A" * 100_000},
        {"authorization": "Basic \u20ac"},
        {"authorization": sign("\x00")},
        {"x_on_behalf_of": "x" * 10_000},
        {"ashby_version": ""},
        {"content_type": "multipart/form-data"},
        {"content_type": "multipart/form-data; boundary="},
    ):
        for name in ("candidate.list", "candidate.uploadFile", "applicationForm.submit"):
            assert line.send(name, b"--x\r\n\r\n", **headers).status in (200, 400, 401, 403, 415)
