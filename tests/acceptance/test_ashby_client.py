"""The public client `ashby`, unmodified but for its base address, reads and writes the emulator.

The client lives in an environment of its own (made by `make test`), so it runs as another process.
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

from unihire.sandbox.runner import RunningSandbox, start_sandbox

ENVIRONMENT = Path(sys.prefix) / "clients"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

START = """
import json, sys
from ashby_sdk import AshbyClient
from ashby_sdk.exceptions import AshbyAPIError, AshbyAuthError
ready = json.loads(sys.argv[1])
AshbyClient.BASE_URL = ready["base_url"]
def main():
    client = AshbyClient(api_key=ready["other_credentials"]["api_key"])
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with start_sandbox("ashby", size=250, seed=4, options={"rate_limit": "0"}) as running:
        yield running


def run_client(sandbox: RunningSandbox, body: str) -> Any:
    """What `main`, whose body this is, returns in the client's environment."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    program = f"{START}{lines}\nprint(json.dumps(main()))"
    details = json.dumps(msgspec.to_builtins(sandbox.ready))
    run = subprocess.run([PYTHON, "-c", program, details], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def count(sandbox: RunningSandbox, stream: str) -> int:
    return sandbox.app.emulator.streams[stream].count()["rows"]


def test_client_walks_every_list_it_knows(sandbox: RunningSandbox) -> None:
    counts = run_client(
        sandbox,
        """
found = {
    "candidates": client.candidates.list(), "applications": client.applications.list(),
    "jobs": client.jobs.list(status=["Draft", "Open", "Closed", "Archived"]),
    "job_postings": client.job_postings.list(), "sources": client.sources.list(includeArchived=True),
    "archive_reasons": client.archive_reasons.list(includeArchived=True),
    "close_reasons": client.close_reasons.list(includeArchived=True),
    "candidate_tags": client.candidate_tags.list(includeArchived=True),
    "departments": client.departments.list(includeArchived=True),
    "locations": client.locations.list(includeArchived=True, includeLocationHierarchy=True),
    "users": client.users.list(includeDeactivated=True),
    "custom_fields": client.custom_fields.list(includeArchived=True),
    "projects": client.projects.list(), "offers": client.offers.list(limit=7),
    "interviews": client.interviews.list(includeArchived=True, includeNonSharedInterviews=True),
    "interview_schedules": client.interview_schedules.list(),
}
roles = client.hiring_team_roles.list(namesOnly=False)
assert [role.id for role in roles]
return {name: [len(rows), len({row.id for row in rows})] for name, rows in found.items()}
""",
    )
    for name, (total, different) in counts.items():
        assert total == different > 0, name
        if name != "job_postings":  # unpublished ones are there and not listed
            assert total == count(sandbox, name), name


def test_client_reads_single_things_and_what_belongs_to_them(sandbox: RunningSandbox) -> None:
    found = run_client(
        sandbox,
        """
job = next(job for job in client.jobs.list() if client.job_postings.get_for_job(job.id))
stages = client.get_job_funnel(job.id)
application = client.applications.list(job_id=job.id)[0]
whole = client.get_application_with_candidate(application.id)
candidate = next(one for one in client.candidates.list() if one.resume_handle)
content, _ = client.download_resume(candidate)
answers = [client.surveys.parse_submission(one)["answers"] for one in client.surveys.list()]
some = client.applications.list()[:40]
forms = [one for one in some if client.applications.get_with_forms(one.id).form_submissions][:1]
with_feedback = [one.id for one in some if client.feedback.list_for_application(one.id)]
return {
    "job": client.jobs.get(job.id).id == job.id, "title": bool(client.get_job_description(job.id)),
    "stages": [stage.type for stage in stages], "stage": client.interview_stages.get(stages[0].id).id == stages[0].id,
    "candidate": whole.candidate.id == whole.candidate_id, "resume": content[:4].decode(),
    "answers": all(isinstance(one, dict) for one in answers), "forms": len(forms), "feedback": len(with_feedback),
    "department": client.departments.get(client.departments.list()[0].id).name == client.departments.list()[0].name,
    "offer": bool(client.offers.get(client.offers.list()[0].id).id),
    "user": bool(client.users.get(client.users.list()[0].id).email),
}
""",
    )
    assert found.pop("stages")[0] == "Lead"
    assert found.pop("resume") == "%PDF"
    assert found.pop("forms") == 1
    assert found.pop("feedback") > 1
    assert set(found.values()) == {True}, found


def test_client_writes_and_reads_back(sandbox: RunningSandbox) -> None:
    moved, tags, notes, found = run_client(
        sandbox,
        """
pairs = ((job, one) for job in client.jobs.list(status=["Open"]) for one in client.applications.list(job_id=job.id))
job, application = next((job, one) for job, one in pairs if one.status == "Active")
stages = client.get_job_funnel(job.id)
offer = next(stage for stage in stages if stage.type == "Offer")
client.move_application_to_stage(application.id, offer.id)
moved = client.get_application_stage(application.id).id == offer.id
candidate = client.candidates.get(application.candidate_id)
tag = client.candidate_tags.list()[0]
client.candidates.add_tag(candidate.id, tag.id)
tagged = [one.id for one in client.candidates.get(candidate.id).tags]
client.create_candidate_note(candidate.id, "A note by the client")
notes = [note.content for note in client.notes.list(candidate.id)]
same = [one.id == candidate.id for one in client.candidates.search(name=candidate.name)]
return [moved, tag.id in tagged, notes[0], same]
""",
    )
    assert (moved, tags, notes) == (True, True, "A note by the client")
    assert True in found


def test_client_meets_the_refusals_it_knows(sandbox: RunningSandbox) -> None:
    refused = run_client(
        sandbox,
        """
def attempt(ask):
    try:
        ask()
    except (AshbyAPIError, AshbyAuthError) as error:
        return [type(error).__name__, str(error)]
reader = AshbyClient(api_key=ready["other_credentials"]["read_only_key"])
candidate = client.candidates.list()[0]
return [
    attempt(lambda: AshbyClient(api_key="wrong").jobs.list()),
    attempt(lambda: reader.create_candidate_note(candidate.id, "x")),
    attempt(lambda: client.candidates.get("00000000-0000-4000-8000-000000000000")),
    attempt(lambda: client.jobs.list(limit=1000)),
]
""",
    )
    assert [name for name, _ in refused] == ["AshbyAuthError", "AshbyAuthError", "AshbyAPIError", "AshbyAPIError"]
    assert "Candidate not found" in refused[2][1]
