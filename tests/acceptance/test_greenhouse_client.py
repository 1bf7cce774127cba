"""The public client `open-greenhouse-mcp`, unmodified but for its two base addresses, reads and writes the emulator.

The client lives in an environment of its own (made by `make test`), so it runs as another process. Its pause between
pages is taken out; nothing else is touched.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from testbed.harvest import serve_harvest
from unihire.sandbox.runner import RunningSandbox

ENVIRONMENT = Path(sys.prefix) / "clients"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

START = """
import asyncio, importlib, inspect, json, pkgutil, sys
import greenhouse_mcp.client as library
import greenhouse_mcp.harvest as tools
ready = json.loads(sys.argv[1])
library.HARVEST_BASE = ready["base_url"] + "/v3"
library.TOKEN_URL = ready["base_url"] + "/token"
library._INTER_PAGE_DELAY = 0
names = [module.name for module in pkgutil.iter_modules(tools.__path__)]
modules = [importlib.import_module(f"greenhouse_mcp.harvest.{name}") for name in names]
functions = {
    name: function
    for module in modules
    for name, function in inspect.getmembers(module, inspect.iscoroutinefunction)
    if not name.startswith("_") and function.__module__ == module.__name__
}
def make_client(**settings):
    return library.GreenhouseClient(client_id=ready["client_id"], client_secret=ready["client_secret"], **settings)
async def call(client, name, /, **arguments):
    answer = await functions[name](client, **arguments)
    assert "error" not in answer and "warnings" not in answer, (name, answer)
    return answer
async def find(client, path, **query):
    page = await client.harvest_get(path, params={"per_page": 1, **query})
    return page["items"][0]
async def main():
    client = make_client()
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with serve_harvest(size=300) as running:
        yield running


def run_client(sandbox: RunningSandbox, body: str) -> Any:
    """What `main`, whose body this is, returns in the client's environment."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    program = f"{START}{lines}\nprint(json.dumps(asyncio.run(main())))"
    details = json.dumps(msgspec.to_builtins(sandbox.ready))
    run = subprocess.run([PYTHON, "-c", program, details], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_client_walks_every_list_it_knows(sandbox: RunningSandbox) -> None:
    counts = run_client(
        sandbox,
        """
counts = {}
for path in [
    "candidates", "applications", "jobs", "application_stages", "interviews", "scorecards", "offers", "openings",
    "notes", "attachments", "users", "departments", "offices", "custom_fields", "custom_field_options", "eeoc",
]:
    answer = await client.harvest_get(f"/{path}", params={"per_page": 100}, paginate="all")
    assert "error" not in answer, answer
    counts[path] = [answer["total"], len({row["id"] for row in answer["items"]})]
return counts
""",
    )
    for name, (total, different) in counts.items():
        held = sandbox.app.emulator.streams[name].count()["rows"]
        assert total == different == held - (name == "users"), name


def test_every_tool_that_needs_no_more_than_an_id_reads_without_error(sandbox: RunningSandbox) -> None:
    done = run_client(
        sandbox,
        """
application = await find(client, "/applications", status="active", prospect="false")
ids = {f"{one}_id": application[f"{one}_id"] for one in ("candidate", "job")}
ids["application_id"] = application["id"]
for name, path in {
    "user_id": "/users", "offer_id": "/offers", "interview_id": "/interviews", "scorecard_id": "/scorecards",
    "department_id": "/departments", "office_id": "/offices", "custom_field_id": "/custom_fields",
    "source_id": "/sources", "stage_id": "/job_interview_stages", "question_id": "/demographic_questions",
    "question_set_id": "/demographic_question_sets", "pool_id": "/prospect_pools",
}.items():
    ids[name] = (await find(client, path))["id"]
done = []
for name, function in functions.items():
    source = inspect.getsource(function)
    needed = [one.name for one in inspect.signature(function).parameters.values() if one.default is one.empty]
    if any(verb in source for verb in ("harvest_post", "harvest_patch", "harvest_delete", "harvest_put")):
        continue
    if "client" not in needed or set(needed) - {"client", *ids}:
        continue
    answer = await function(client, **{one: ids[one] for one in needed if one != "client"})
    # Somebody may have answered no survey and sent no resume: the client's own way to say "none".
    assert "error" not in answer or "EEOC" in str(answer) or "resume" in str(answer), (name, answer)
    done.append(name)
return done
""",
    )
    assert len(done) > 60
    failed = {entry["path"]: entry["status"] for entry in sandbox.app.log.last if entry["status"] >= 400}
    assert failed == {}


def test_client_writes_a_whole_hiring_story(sandbox: RunningSandbox) -> None:
    story = run_client(
        sandbox,
        """
user = await find(client, "/users")
job = await find(client, "/jobs", status="open")
made = await call(client, "create_candidate", first_name="Ada", last_name="Beispiel", tags=["2026-grad"],
                  email_addresses=[{"value": "ada@example.com", "type": "personal"}], job_id=job["id"])
candidate, application = made["id"], made["application"]["id"]
await call(client, "update_candidate", candidate_id=candidate, title="Engineer")
await call(client, "add_note_to_candidate", candidate_id=candidate, body="Called her.")
await call(client, "add_attachment_to_application", application_id=application, filename="cv.pdf", type="resume",
           content="aGk=")
await call(client, "advance_application", application_id=application)
moved = await call(client, "get_application", application_id=application)
planned = await find(client, "/job_interviews", job_interview_stage_ids=moved["job_interview_stage_id"])
held = await call(client, "create_interview", application_id=application, interview_id=planned["id"],
                  interviewer_ids=[user["id"]], start="2027-03-15T10:00:00Z", end="2027-03-15T11:00:00Z")
reason = await find(client, "/rejection_reasons")
await call(client, "reject_application", application_id=application, rejection_reason_id=reason["id"], notes="No.")
rejected = await call(client, "get_application", application_id=application)
await call(client, "unreject_application", application_id=application)
await client.harvest_post("/offers", json_data={"application_id": application, "starts_on": "2027-05-01"})
await call(client, "update_current_offer", application_id=application, starts_at="2027-06-01")
await call(client, "hire_application", application_id=application)
hired = await call(client, "get_application", application_id=application)
offer = await find(client, "/offers", application_ids=application)
found = await client.harvest_get("/candidates", params={"email": "ada@example.com"})
await call(client, "delete_candidate", candidate_id=candidate)
gone = await client.harvest_get_by_id("/candidates", candidate)
return [moved["stage_name"], held["status"], rejected["status"], hired["status"], offer["status"], offer["starts_on"],
        [row["title"] for row in found["items"]], gone["status_code"]]
""",
    )
    assert story[1:] == ["scheduled", "rejected", "hired", "Accepted", "2027-06-01", ["Engineer"], 404]
    assert story[0] != "Application Review"


def test_client_changes_what_is_around_the_hiring(sandbox: RunningSandbox) -> None:
    changed = run_client(
        sandbox,
        """
users = [row["id"] for row in (await client.harvest_get("/users", params={"per_page": 3}))["items"]]
template = await find(client, "/jobs", status="open")
job = (await call(client, "create_job", template_job_id=template["id"], number_of_openings=1, job_name="Copy"))["id"]
await call(client, "replace_hiring_team", job_id=job, recruiters=[{"user_id": users[0]}],
           hiring_managers=[{"user_id": users[1]}])
openings = await call(client, "bulk_create_job_openings", openings=[{"job_id": job}, {"job_id": job}])
await call(client, "create_or_replace_approval_flow", job_id=job, approval_type="open_job",
           approver_groups=[{"approvals_required": 1, "approvers": [{"user_id": users[0]}]}])
tag = await call(client, "create_tag", name="from-a-client")
candidate = await find(client, "/candidates")
await call(client, "add_tag_to_candidate", candidate_id=candidate["id"], tag_id=tag["id"])
field = await call(client, "create_custom_field", name="Shoe size", field_type="candidate", value_type="number")
await call(client, "update_candidate", candidate_id=candidate["id"],
           custom_fields=[{"custom_field_id": field["id"], "value": 42}])
await call(client, "disable_user", user_id=users[2])
row = await client.harvest_get_by_id("/candidates", candidate["id"])
total = (await client.harvest_get("/openings", params={"job_ids": job}))["items"]
return [row["custom_fields"]["shoe_size"]["value"], "from-a-client" in row["tags"], len(total),
        len((await client.harvest_get("/job_owners", params={"job_ids": job}))["items"]),
        (await client.harvest_get_by_id("/users", users[2]))["deactivated"]]
""",
    )
    assert changed == [42, True, 3, 1, True]


def test_client_names_what_it_was_refused(sandbox: RunningSandbox) -> None:
    answers = run_client(
        sandbox,
        """
wrong = library.GreenhouseClient(client_id=ready["client_id"], client_secret="wrong")
return [
    (await wrong.harvest_get("/jobs"))["status_code"],
    (await client.harvest_get("/jobs", params={"per_page": 600}))["detail"],
    (await client.harvest_get("/applications", params={"status": "in_process"}))["status_code"],
    (await client.harvest_patch("/candidates/1", json_data={"title": "x"}))["status_code"],
]
""",
    )
    assert answers == [
        401,
        {"message": "Unprocessable Content", "errors": [{"per_page": "`600` number is greater than: 500"}]},
        422,
        404,
    ]


def test_client_acts_for_the_user_it_was_told(sandbox: RunningSandbox) -> None:
    note = run_client(
        sandbox,
        """
user = next(row for row in (await client.harvest_get("/users"))["items"] if row["site_admin"])
acting = make_client(user_id=str(user["id"]))
candidate = await find(client, "/candidates")
note = await call(acting, "add_note_to_candidate", candidate_id=candidate["id"], body="x")
return [note["user_id"], user["id"]]
""",
    )
    assert note[0] == note[1]
