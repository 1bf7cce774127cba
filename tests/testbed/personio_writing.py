"""Every write that Personio's integration declares, as a case."""

from testbed.writing import Json, WriteCase, Writing, draw_name

Made = tuple[Json, str | None]


def find_job(writing: Writing) -> str:
    found: str = writing.records["jobs"][0]["id"]
    return found


async def make_person(writing: Writing) -> Made:
    name = draw_name()
    body = {
        "first_name": "Kim", "last_name": name, "email_addresses": [f"{name.lower()}@example.com"],
        "job": find_job(writing), "tags": [f"Tag {name}"],
        "attachments": [{"file_name": "cv.pdf", "file_content": "JVBERi0xLjQ=", "attachment_type": "RESUME"}],
    }  # fmt: skip
    return body, None


async def make_application(writing: Writing) -> Made:
    person, _ = await make_person(writing)
    answer = await writing.api.post("/api/ats/v1/candidates", json=person)
    assert answer.status_code == 200, answer.text
    return {"candidate": answer.json()["id"], "job": writing.records["jobs"][1]["id"]}, None


def list_cases() -> list[WriteCase]:
    return [WriteCase("candidate", "create", make_person), WriteCase("application", "create", make_application)]
