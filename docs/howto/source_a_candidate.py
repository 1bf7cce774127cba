"""Ten operations on a Greenhouse connector: pick a job, bring a candidate in, take a note, and see where they stand.

    UNIHIRE_URL=http://127.0.0.1:8700 API_KEY=… CONNECTOR_ID=… python3 source_a_candidate.py jane@example.com

It needs Python alone. Run it twice: the second time nothing is written, for every write has an idempotency key of its
own.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

URL = os.environ.get("UNIHIRE_URL", "http://127.0.0.1:8700")
CALL = f"{URL}/core/v1/connectors/greenhouse/versions/1.0/call"


def call(operation: str, *, key: str | None = None, **given: Any) -> Any:
    """The output of one operation; ends the script with the reason where there is none."""
    body = {"operation": operation, "authId": os.environ["CONNECTOR_ID"], "input": given}
    headers = {"Authorization": f"Bearer {os.environ['API_KEY']}", "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    request = urllib.request.Request(CALL, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request) as answer:
            answered = json.load(answer)
    except urllib.error.HTTPError as error:  # we refuse the call: its message says why
        sys.exit(f"{operation}: {error.status} {json.load(error)['message']}")
    if answered["outcome"] != "success":  # the vendor refuses
        sys.exit(f"{operation}: {answered['output']['message']}")
    return answered["output"]


def main(email: str) -> None:
    (recruiter, *_) = call("list_users_ddl")["result"]
    jobs = call("list_jobs", status="open", results_per_page=2)["results"]
    stages = call("list_job_stages_for_job", job_id=jobs[0]["id"])["results"]
    source = call("list_sources", per_page=1)["results"][0]
    candidate = call(
        "create_candidate",
        key=f"candidate {email}",
        user_id=recruiter["value"],
        first_name="Jane",
        last_name="Doe",
        email_addresses=[{"type2": "personal", "value": email}],
        applications=[{"job_id": jobs[0]["id"], "source_id": source["id"], "initial_stage_id": stages[0]["id"]}],
    )
    call(
        "create_candidate_note",
        key=f"note {email}",
        candidate_id=candidate["id"],
        user_id=recruiter["value"],
        body="Asked about remote work.",
        visibility="public",
    )
    call(
        "create_candidate_application",
        key=f"second application {email}",
        user_id=recruiter["value"],
        candidate_id=candidate["id"],
        job_id=jobs[1]["id"],
    )
    person = call("get_candidate", candidate_id=candidate["id"])["body"]
    for application in person["applications"]:
        read = call("get_application", application_id=application["id"])["body"]
        offers = call("list_offers_by_application", application_id=application["id"])["results"]
        (job,) = read["jobs"]
        print(f"{person['first_name']} {person['last_name']}: {job['name']}, {read['status']}, "
              f"at {(read['current_stage'] or {}).get('name')}, offers: {len(offers)}")  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
