"""Operations that write, called on a connector to a Greenhouse sandbox over a line that loses answers when told to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from testbed.databases import Databases
from testbed.harvest import Row, connect_harvest, serve_harvest, walk
from testbed.losing import Line, run_line
from testbed.tenants import Tenant, make_tenant, serve_app
from unihire.app import create_app
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.outbound.client import Retry, VendorClient
from unihire.platform.clients import Clients
from unihire.platform.connectors import open_client, open_credentials
from unihire.platform.operations import Operations, Outcome
from unihire.sandbox.runner import RunningSandbox
from unihire.store.accounts.tenancy import Connector

HASTY = Retry(attempts=3, first=0.01, longest=0.05, timeout=2.0)
PATH = "/core/v1/connectors/greenhouse/versions/1.0/call"


@dataclass(frozen=True, slots=True)
class Creating:
    """`operations` do not wait long for an answer; `api` is the whole application."""

    operations: Operations
    clients: Clients
    tenant: Tenant
    api: httpx.AsyncClient
    sandbox: RunningSandbox
    vendor: httpx.Client
    line: Line

    async def call(self, name: str, input: Any, *, key: str | None = None) -> Outcome:
        return await self.operations.call(self.tenant.connector, name, input, idempotency_key=key)

    async def make(self, name: str, input: Any, *, key: str | None = None) -> Any:
        """The output of a call that must succeed."""
        outcome = await self.call(name, input, key=key)
        assert outcome.is_success, outcome.output
        return outcome.output

    async def post(self, name: str, input: Any, **headers: str) -> httpx.Response:
        """The same over the API."""
        body = {"operation": name, "authId": str(self.tenant.connector.id), "input": input}
        return await self.api.post(PATH, json=body, headers={key.replace("_", "-"): it for key, it in headers.items()})

    def read(self, stream: str, **query: Any) -> list[Row]:
        """Every row the vendor has."""
        return walk(self.vendor, stream, **query)

    def read_one(self, stream: str, **query: Any) -> Row:
        (row,) = self.read(stream, **query)
        return row


class Company:
    """What inputs refer to. `users` are two who may read and write everything, and a third."""

    def __init__(self, creating: Creating) -> None:
        users = creating.read("users", deactivated="false")
        self.users = [row for row in users if row["site_admin"]] + [row for row in users if not row["site_admin"]]
        self.jobs = creating.read("jobs", status="open")
        self.stages = creating.read("job_interview_stages", job_ids=self.jobs[0]["id"])
        self.source = creating.read("sources")[0]
        self.referrers = creating.read("referrers")
        self.pool = creating.read("prospect_pools")[0]
        self.pool_stage = creating.read("prospect_pool_stages", prospect_pool_ids=self.pool["id"])[0]
        self.schools, self.degrees = (
            creating.read("custom_field_options", custom_field_key=key) for key in ("school_name", "degree")
        )
        self.acting = self.users[0]["id"]

    def find_referrer(self, user_id: int | None) -> Row:
        """That of the user; without one, somebody who is none."""
        return next(row for row in self.referrers if row["user_id"] == user_id)

    def make_person(self, last_name: str, **more: Any) -> Row:
        return {
            "user_id": self.acting,
            "first_name": "Ada",
            "last_name": last_name,
            "company": "Example Works",
            "title": "Clerk",
            "phone_numbers": [{"type2": "mobile", "value": "+1 (555) 123-4567"}],
            "addresses": [{"type2": "home", "value": "1 Example Street"}],
            "email_addresses": [{"type2": "work", "value": f"{last_name.lower()}@example.com"}],
            "website_addresses": [{"type2": "portfolio", "value": "https://ada.example.com"}],
            "social_media_addresses": ["https://social.example.com/in/ada"],
            "tags": ["Java", f"Tag of {last_name}"],
            "recruiter": {"email": self.users[1]["primary_email"]},
            "coordinator": {"id": self.users[2]["id"]},
            **more,
        }

    def make_full_candidate(self, last_name: str) -> Row:
        """A candidate with one of everything and more."""
        outside = self.find_referrer(None)["name"]
        return self.make_person(
            last_name,
            is_private=True,
            custom_fields=[
                {"key": "Years of Experience", "value": "5"},
                {"key": "willing_to_travel", "value": "yes"},
                {"key": "T-shirt size", "value": "M"},
                {"key": "languages", "value": "German"},
                {"key": "nickname", "value": 7},
            ],
            activity_feed_notes=[
                {"user_id": self.users[1]["id"], "body": "Met at a fair.", "visibility": "public"},
                {"user_id": self.acting, "body": "Met at a fair.", "visibility": "private"},
                {"user_id": self.acting, "body": "Met at a fair.", "visibility": "private"},
            ],
            educations=[
                {"school_id": self.schools[0]["id"], "degree_id": self.degrees[0]["id"],
                 "start_date": "2001-09-15T00:00:00.000Z", "end_year": 2004, "end_month": 5},
            ],
            employments=[{"company_name": "Example", "title": "Engineer", "start_date": "2012-08-15"}],
            applications=[
                {
                    "job_id": self.jobs[0]["id"],
                    "source_id": self.source["id"],
                    "initial_stage_id": self.stages[0]["id"],
                    "referrer": {"type2": "email", "value": self.users[1]["primary_email"]},
                    "attachments": [
                        {"filename": "cv.pdf", "type2": "resume", "content": "aGk=", "content_type": "application/pdf"},
                        {"filename": "cv.pdf", "type2": "resume", "url": "https://files.example.com/cv.pdf"},
                    ],
                },
                {
                    "job_id": self.jobs[1]["id"],
                    "referrer": {"type2": "outside", "value": outside},
                    "attachments": [{"filename": "test.txt", "type2": "admin_only", "content": "aGk="}],
                },
            ],
        )  # fmt: skip


@asynccontextmanager
async def open_creating(databases: Databases, sealer: Sealer, **settings: Any) -> AsyncIterator[Creating]:
    """A sandbox of these settings and a connector to it that was never synced."""
    with serve_harvest(**settings) as sandbox, connect_harvest(sandbox) as vendor:
        ready = sandbox.ready
        async with run_line(ready.base_url) as line, databases.open() as pool:
            tenant = await make_tenant(
                pool,
                sealer,
                integration=get_integration("greenhouse"),
                base_url=line.base_url,
                credentials={"client_id": ready.client_id, "client_secret": ready.client_secret},
            )

            def open_hastily(connector: Connector) -> VendorClient:
                credentials = open_credentials(connector, sealer)
                return open_client(
                    tenant.integration, credentials, connector.base_url, is_base_url_trusted=True, retry=HASTY
                )

            clients = Clients(open_hastily)
            try:
                async with serve_app(create_app(databases.settings("migrated"), pool, sealer)) as api:
                    api.headers.update(tenant.headers)
                    yield Creating(Operations(pool, clients), clients, tenant, api, sandbox, vendor, line)
            finally:
                await clients.close()
