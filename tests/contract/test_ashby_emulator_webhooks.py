"""The Ashby emulator's webhooks: registered over the API, pinged, signed, in groups, tried again as documented."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from testbed.ashby import AshbyLine, Refusal, Row, open_ashby
from testbed.receiver import Receiver, answer_with, run_receiver
from unihire.integrations.ashby.emulator.webhooks.messages import CREATABLE, EVENTS, WAITS

SECRET = "made-up secret"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with run_receiver() as running:
        yield running


@pytest.fixture
def line() -> AshbyLine:
    return open_ashby(size=100, seed=4)


async def register(line: AshbyLine, receiver: Receiver, *types: str, secret: str = SECRET) -> list[Row]:
    made = [
        line.ask("webhook.create", webhookType=type_, requestUrl=receiver.at(), secretToken=secret) for type_ in types
    ]
    await deliver(line)
    receiver.received.clear()
    return made


async def deliver(line: AshbyLine) -> None:
    assert line.app.outbox is not None
    await line.app.outbox.run_due()


async def take(line: AshbyLine, receiver: Receiver) -> list[Row]:
    """What arrives of what was done until now."""
    await deliver(line)
    found = [json.loads(one.body) for one in receiver.list()]
    receiver.received.clear()
    return found


def name_actions(messages: list[Row]) -> list[str]:
    return [message["action"] for message in messages]


async def test_webhook_is_pinged_and_signed_over_the_bytes_that_are_sent(line: AshbyLine, receiver: Receiver) -> None:
    made = line.ask("webhook.create", webhookType="applicationSubmit", requestUrl=receiver.at(), secretToken=SECRET)
    assert (made["enabled"], made["secretToken"]) == (True, SECRET)
    await deliver(line)
    (ping,) = receiver.list()
    body = json.loads(ping.body)
    assert (body["action"], body["data"]) == ("ping", {"webhookActionType": "ping"})
    assert set(body) == {"webhookActionId", "action", "data"}
    digest = hmac.new(SECRET.encode(), ping.body, hashlib.sha256).hexdigest()
    assert ping.headers["Ashby-Signature"] == f"sha256={digest}"
    info = line.ask("webhook.info", webhookId=made["id"])
    assert info == {"id": made["id"], "enabled": True, "requestUrl": receiver.at(), "webhookType": "applicationSubmit"}


async def test_webhook_without_a_secret_is_not_signed(line: AshbyLine, receiver: Receiver) -> None:
    line.ask("webhook.create", webhookType="offerCreate", requestUrl=receiver.at(), secretToken="")
    await deliver(line)
    assert "Ashby-Signature" not in receiver.list()[0].headers


async def test_webhook_whose_ping_fails_is_disabled_until_it_is_changed(line: AshbyLine, receiver: Receiver) -> None:
    receiver.otherwise["/hook"] = answer_with(500)
    made = line.ask("webhook.create", webhookType="applicationSubmit", requestUrl=receiver.at(), secretToken=SECRET)
    candidate, job = line.ask("candidate.list")[0], line.ask("job.list")[0]
    line.ask("application.create", candidateId=candidate["id"], jobId=job["id"])
    assert name_actions(await take(line, receiver)) == ["ping"]
    assert line.ask("webhook.info", webhookId=made["id"])["enabled"] is False
    receiver.otherwise["/hook"] = answer_with(200)
    line.ask("webhook.update", webhookId=made["id"], enabled=True)
    assert name_actions(await take(line, receiver)) == ["ping"]
    assert line.ask("webhook.info", webhookId=made["id"])["enabled"] is True


async def test_webhook_that_is_switched_off_or_deleted_gets_nothing(line: AshbyLine, receiver: Receiver) -> None:
    one, two = await register(line, receiver, "applicationSubmit", "applicationSubmit")
    line.ask("webhook.update", webhookId=one["id"], enabled=False)
    assert line.ask("webhook.delete", webhookId=two["id"]) == {"webhookId": two["id"]}
    candidate, job = line.ask("candidate.list")[0], line.ask("job.list")[0]
    line.ask("application.create", candidateId=candidate["id"], jobId=job["id"])
    assert await take(line, receiver) == []
    with pytest.raises(Refusal, match="webhook_not_found"):
        line.ask("webhook.info", webhookId=two["id"])


@pytest.mark.parametrize(
    ("type_", "url"),
    [("jobCreate", "http://127.0.0.1:9/"), ("offerCreate", "https://example.com/"), ("offerCreate", "x")],
)
def test_webhook_of_a_wrong_type_or_address_is_refused(line: AshbyLine, type_: str, url: str) -> None:
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask("webhook.create", webhookType=type_, requestUrl=url, secretToken="")
    assert line.app.outbox is not None
    assert line.app.outbox.list_receivers() == []


# What is sent


async def test_events_of_a_hire_share_an_id(line: AshbyLine, receiver: Receiver) -> None:
    await register(line, receiver, "candidateHire", "candidateStageChange", "applicationUpdate")
    offer = next(row for row in line.walk("offer.list"))
    row = line.ask("application.info", applicationId=offer["applicationId"])
    plan = row["currentInterviewStage"]["interviewPlanId"]
    stages = {one["type"]: one["id"] for one in line.ask("interviewStage.list", interviewPlanId=plan)}
    line.ask("application.changeStage", applicationId=row["id"], interviewStageId=stages["Offer"])
    line.ask("application.changeStage", applicationId=row["id"], interviewStageId=stages["Hired"])
    messages = await take(line, receiver)
    by_id: dict[str, list[Row]] = {}
    for message in messages:
        by_id.setdefault(message["webhookActionId"], []).append(message)
    *_, hire = by_id.values()
    assert {*name_actions(hire)} == {"candidateHire", "candidateStageChange", "applicationUpdate"}
    data = next(message["data"] for message in hire if message["action"] == "candidateHire")
    assert data["application"]["status"] == "Hired"
    assert data["offer"]["id"] in [one["id"] for one in line.walk("offer.list", applicationId=row["id"])]
    listed = next(one for one in line.walk("application.list") if one["id"] == row["id"])
    assert data["application"] == listed


async def test_every_write_sends_its_event(line: AshbyLine, receiver: Receiver) -> None:
    await register(line, receiver, *CREATABLE)
    await line.control_async(
        "POST",
        "receivers",
        {"url": receiver.at(), "secret": "s", "events": ["jobCreate", "jobUpdate", "openingCreate"]},
    )
    receiver.received.clear()
    candidate, job = line.ask("candidate.create", name="Ada"), line.ask("job.list", status=["Open"])[0]
    application = line.ask("application.create", candidateId=candidate["id"], jobId=job["id"])
    (submit,) = await take(line, receiver)
    assert submit["action"] == "applicationSubmit"
    assert submit["data"]["application"]["id"] == application["id"]

    line.ask("application.changeSource", applicationId=application["id"], sourceId=None)
    assert name_actions(await take(line, receiver)) == ["applicationUpdate"]
    user = line.ask("user.list")[0]
    event = {
        "startTime": "2027-01-01T10:00:00Z",
        "endTime": "2027-01-01T11:00:00Z",
        "interviewers": [{"email": user["email"]}],
    }
    schedule = line.ask("interviewSchedule.create", applicationId=application["id"], interviewEvents=[event])
    messages = await take(line, receiver)
    assert sorted(name_actions(messages)) == ["interviewScheduleCreate", "interviewScheduleUpdate"]
    assert len({message["webhookActionId"] for message in messages}) == 1
    shown = messages[0]["data"]["interviewSchedule"]
    assert (shown["candidateId"], len(shown["interviewEvents"])) == (candidate["id"], 1)
    line.ask("interviewSchedule.cancel", id=schedule["id"])
    assert name_actions(await take(line, receiver)) == ["interviewScheduleUpdate"]

    process = line.ask("offerProcess.start", applicationId=application["id"])
    form = line.ask("offer.start", offerProcessId=process["id"])
    values = {"_systemfield_start_date": "2027-01-01", "_systemfield_salary": {"value": 1, "currencyCode": "EUR"}}
    entries = {"fieldSubmissions": [{"path": path, "value": value} for path, value in values.items()]}
    offer = line.ask("offer.create", offerProcessId=process["id"], offerFormId=form["id"], offerForm=entries)
    (created,) = await take(line, receiver)
    assert (created["action"], created["data"]["offer"]["id"]) == ("offerCreate", offer["id"])
    line.ask("offer.update", offerId=offer["id"], offerForm=entries)
    assert name_actions(await take(line, receiver)) == ["offerUpdate"]
    line.ask("application.delete", applicationId=application["id"])
    (deleted,) = await take(line, receiver)
    assert deleted["data"] == {"offer": {"id": offer["id"], "applicationId": application["id"]}}

    posting = line.ask("jobPosting.list")[0]
    line.ask("jobPosting.update", jobPostingId=posting["id"], title="Other")
    (update,) = await take(line, receiver)
    assert (update["action"], update["data"]["jobPosting"]["title"]) == ("jobPostingUpdate", "Other")
    plan = next(one for one in line.ask("interviewPlan.list") if one["id"] != job.get("defaultInterviewPlanId"))
    line.ask("job.update", jobId=job["id"], defaultInterviewPlanId=plan["id"])
    messages = await take(line, receiver)
    assert sorted(name_actions(messages)) == ["interviewPlanTransition", "jobUpdate"]
    transition = next(one["data"] for one in messages if one["action"] == "interviewPlanTransition")
    assert transition["toInterviewPlan"]["id"] == plan["id"]
    assert transition["interviewStageMappings"]
    department, location = line.ask("department.list")[0], line.ask("location.list")[0]
    line.ask("job.create", title="New", teamId=department["id"], locationId=location["id"])
    line.ask("opening.create", identifier="X")
    assert name_actions(await take(line, receiver)) == ["jobCreate", "openingCreate"]
    old = line.walk("application.list")[0]
    survey = next(one for one in line.ask("surveyFormDefinition.list") if one["surveyType"] == "Questionnaire")
    line.ask("surveySubmission.create", candidateId=old["candidate"]["id"], applicationId=old["id"],
             surveyFormDefinitionId=survey["id"], submittedValues={})  # fmt: skip
    assert name_actions(await take(line, receiver)) == ["surveySubmit"]
    line.ask("candidate.update", candidateId=candidate["id"], name="No event is documented")
    assert await take(line, receiver) == []


async def test_changes_over_the_control_plane_are_sent_like_those_of_the_product(
    line: AshbyLine, receiver: Receiver
) -> None:
    await register(line, receiver, *CREATABLE)
    one, other = line.ask("candidate.list", limit=2)

    async def change(stream: str, id_: str, fields: Row | None, method: str = "PATCH") -> list[str]:
        await line.control_async(method, f"rows/{stream}/{id_}", fields)
        return name_actions(await take(line, receiver))

    application = line.walk("application.list", status="Active")[0]
    plan = application["currentInterviewStage"]["interviewPlanId"]
    stages = {stage["type"]: stage["id"] for stage in line.ask("interviewStage.list", interviewPlanId=plan)}
    found = await change("applications", application["id"], {"interviewStageId": stages["Hired"]})
    assert sorted(found) == ["applicationUpdate", "candidateHire", "candidateStageChange"]
    assert line.ask("application.info", applicationId=application["id"])["status"] == "Hired"
    posting = line.ask("jobPosting.list")[0]
    assert sorted(await change("job_postings", posting["id"], {"status": "Draft"})) == [
        "jobPostingUnpublish", "jobPostingUpdate",
    ]  # fmt: skip
    assert sorted(await change("job_postings", posting["id"], {"status": "Published"})) == [
        "jobPostingPublish", "jobPostingUpdate",
    ]  # fmt: skip
    assert await change("job_postings", posting["id"], None, "DELETE") == ["jobPostingDelete"]
    offer = line.ask("offer.list")[0]
    assert await change("offers", offer["id"], {"offerStatus": "CandidateRejected"}) == ["offerUpdate"]
    assert await change("offers", offer["id"], None, "DELETE") == ["offerDelete"]
    assert await change("candidates", one["id"], {"mergedIntoId": other["id"]}) == ["candidateMerge"]
    assert await change("candidates", other["id"], None, "DELETE") == ["candidateDelete"]
    await line.control_async("PATCH", "rows/applications", {"count": 5})
    assert name_actions(await take(line, receiver)) == ["applicationUpdate"] * 5


def test_merged_candidate_is_gone_and_its_applications_are_the_others(line: AshbyLine) -> None:
    rows = [row for row in line.walk("candidate.list") if row["applicationIds"]]
    one, other = rows[:2]
    _, token = line.walk_whole("candidate.list")
    line.change("candidates", one["id"], mergedIntoId=other["id"])
    with pytest.raises(Refusal, match="candidate_not_found"):
        line.ask("candidate.info", id=one["id"])
    after = line.ask("candidate.info", id=other["id"])
    assert set(after["applicationIds"]) == {*one["applicationIds"], *other["applicationIds"]}
    application = line.ask("application.info", applicationId=one["applicationIds"][0])
    assert application["candidate"]["id"] == other["id"]
    assert [row["id"] for row in line.walk("candidate.list", syncToken=token)] == [other["id"]]


# Attempts


async def test_attempts_follow_the_documented_schedule(line: AshbyLine, receiver: Receiver) -> None:
    assert WAITS == (10, 30, 70, 150, 310, 630, 1270, 2550, 5110)
    await register(line, receiver, "applicationUpdate")
    receiver.otherwise["/hook"] = answer_with(500)
    application = line.walk("application.list")[0]
    line.ask("application.changeSource", applicationId=application["id"], sourceId=None)
    await deliver(line)
    for wait in WAITS:
        line.app.clock.advance(timedelta(seconds=wait - 2))
        await deliver(line)
        line.app.clock.advance(timedelta(seconds=3))
        before = len(receiver.list())
        await deliver(line)
        assert len(receiver.list()) == before + 1
    line.app.clock.advance(timedelta(days=1))
    await deliver(line)
    assert len(receiver.list()) == 10
    assert len({one.body for one in receiver.list()}) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 405, 410])
async def test_some_answers_end_the_attempts(line: AshbyLine, receiver: Receiver, status: int) -> None:
    await register(line, receiver, "applicationUpdate")
    receiver.otherwise["/hook"] = answer_with(status)
    application = line.walk("application.list")[0]
    line.ask("application.changeSource", applicationId=application["id"], sourceId=None)
    await deliver(line)
    line.app.clock.advance(timedelta(days=1))
    await deliver(line)
    assert len(receiver.list()) == 1
    (delivery,) = [one for one in await line.control_async("GET", "deliveries") if one["event"] != "ping"]
    assert delivery["state"] == "given up"


DOCUMENTED = (
    "applicationSubmit applicationUpdate candidateHire candidateStageChange candidateDelete candidateMerge"
    " interviewPlanTransition interviewScheduleCreate interviewScheduleUpdate jobCreate jobUpdate jobPostingUpdate"
    " jobPostingPublish jobPostingUnpublish offerCreate offerDelete offerUpdate openingCreate pushToHRIS surveySubmit"
)


def test_events_are_those_of_the_documents() -> None:
    assert {*DOCUMENTED.split(), "jobPostingDelete"} == set(EVENTS)
