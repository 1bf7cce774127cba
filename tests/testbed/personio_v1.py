"""Personio's v1 write paths as a test asks them: a running sandbox, and a client of each of its two APIs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from unihire.sandbox.host import SandboxApp
from unihire.sandbox.runner import RunningSandbox, start_sandbox

APPLICATIONS = "/v1/recruiting/applications"
DOCUMENTS = "/v1/recruiting/applications/documents"
JOB = 209321
UNPUBLISHED_JOB = 2309850
PDF = b"%PDF-1.7 made up\r\n\x00\xff--\r\n"
Json = dict[str, Any]


class Company:
    """A running sandbox, with a client of each of its two APIs."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        ready = sandbox.ready
        self.app, self.ready = sandbox.app, ready
        self.v1 = httpx.Client(base_url=ready.base_url, headers=sign(sandbox.app))
        self.v2 = httpx.Client(base_url=ready.base_url)
        self.v2.headers["Authorization"] = f"Bearer {self.buy_token()}"

    def close(self) -> None:
        self.v1.close()
        self.v2.close()

    def buy_token(self, scope: str = "") -> str:
        form = {"client_id": self.ready.client_id, "client_secret": self.ready.client_secret, "scope": scope}
        answer = self.v2.post("/v2/auth/token", data={"grant_type": "client_credentials", **form})
        token: str = answer.raise_for_status().json()["access_token"]
        return token

    def reset(self) -> "Company":
        """Everything as at the start, and signed in again."""
        httpx.post(self.ready.control_url + "reset").raise_for_status()
        self.v2.headers["Authorization"] = f"Bearer {self.buy_token()}"
        return self

    def submit(self, **fields: Any) -> httpx.Response:
        return self.v1.post(APPLICATIONS, json=body(**fields))

    def upload(self, name: str = "My_CV.pdf", content: bytes = PDF) -> httpx.Response:
        return self.v1.post(DOCUMENTS, files={"file": (name, content)})

    def find_applications(self, email: str = "ada.muster@example.com") -> list[Json]:
        found = self.v2.get("/v2/recruiting/applications", params={"candidate.email": email}).raise_for_status()
        rows: list[Json] = found.json()["_data"]
        return rows

    def find_application(self) -> Json:
        (row,) = self.find_applications()
        return row

    def look(self, path: str) -> Any:
        return httpx.get(self.ready.control_url + path).json()

    def find_stage(self, category: int, place: int) -> Json:
        stage: Json = self.v2.get(f"/v2/recruiting/categories/{category}").json()["stages"][place]
        return stage


def sign(app: SandboxApp) -> dict[str, str]:
    others = app.emulator.credentials.others
    return {"Authorization": f"Bearer {others['recruiting_api_key']}", "X-Company-ID": others["company_id"]}


def body(**fields: Any) -> Json:
    names = {"first_name": "Ada", "last_name": "Muster", "email": "ada.muster@example.com", "job_position_id": JOB}
    return {name: value for name, value in (names | fields).items() if value is not ...}


def list_reasons(answer: httpx.Response) -> dict[str, list[str]]:
    assert answer.headers["content-type"] == "application/json"
    errors = answer.json()["errors"]
    fields = [error["field"] for error in errors]
    assert len(set(fields)) == len(fields)
    return {error["field"]: [one["reason"] for one in error["errors"]] for error in errors}


@contextmanager
def serve_company() -> Iterator[Company]:
    """A small company with a job that is not published, and no limits of requests."""
    options = {"v1_application_requests": "0", "v1_document_requests": "0", "unpublished_jobs": str(UNPUBLISHED_JOB)}
    with start_sandbox("personio", size=200, seed=7, options=options) as running:
        company = Company(running)
        yield company
        company.close()
