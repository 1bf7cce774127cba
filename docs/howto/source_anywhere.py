"""Brings a candidate to the job that most apply for, whatever system the customer has, and says how far the others are.

    UNIHIRE_URL=http://127.0.0.1:8700 API_KEY=… CONNECTOR_TOKEN=… python3 source_anywhere.py jane@example.com

It needs httpx. Run it twice: the second time it finds the candidate of the first.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx

HEADERS = {"Authorization": f"Bearer {os.environ['API_KEY']}", "X-Connector-Token": os.environ["CONNECTOR_TOKEN"]}
api = httpx.Client(base_url=f"{os.environ['UNIHIRE_URL']}/api/ats/v1", headers=HEADERS, timeout=120)


def walk(path: str, **asked: Any) -> Iterator[dict[str, Any]]:
    """Every record of a list."""
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(path, params={**asked, "page_size": 100, "cursor": cursor}).raise_for_status().json()
        yield from page["items"]
        cursor = page["cursor"]


jobs = {job["id"]: job["name"] for job in walk("jobs") if job["status"] in ("OPEN", None)}  # null: it does not say
stages = {stage["id"]: stage["name"] for stage in walk("job-interview-stages")}
found = [one for one in walk("applications") if one["job"] in jobs]
(job, count), *_ = Counter(one["job"] for one in found).most_common()
print(f"{count} applied for {jobs[job]!r}:")
for stage, number in Counter(stages.get(one["current_stage"], "-") for one in found if one["job"] == job).items():
    print(f"{number:6}  {stage}")

email = sys.argv[1]
taken = api.get("candidates/create/meta").raise_for_status().json()["data"]
body = {"first_name": "Jane", "last_name": "Doe", "email_addresses": [email], "job": job}
if "remote_user_id" in taken["required"]:  # this system wants to know who acts
    body["remote_user_id"] = next(user["id"] for user in walk("remote-users") if not user["disabled"])
made = api.post("candidates", json=body, headers={"X-Idempotency-Key": f"source {email}"}).raise_for_status().json()
(applied,) = [one for one in walk("applications", candidate=made["id"]) if one["job"] == job]
print(f"{made['first_name']} {made['last_name']} is in {stages.get(applied['current_stage'], '-')}")
