"""A made-up Lever account over a real socket, with no more than what its connector's tests ask for.

It keeps rows as the contract has them and answers them as they are. The emulator of the vendor is another program, by
other hands: what both agree on is the contract.
"""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import Any
from urllib.parse import quote, unquote

from aiohttp import web
from aiohttp.test_utils import TestServer

from testbed.tenants import Tenant, make_tenant
from testbed.vendor import say
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.store import Pool

Row = dict[str, Any]

LEVER = replace(get_integration("lever"), budget_rule=None)
"""Without its limit, which tests need not wait for."""
CREDENTIALS = {"api_key": "made-up-key"}
MOMENT = 1_782_974_063_000
LISTS = (
    "users", "archive_reasons", "stages", "tags", "sources", "requisitions", "postings", "feedback_templates", "eeo",
)  # fmt: skip
MEMBERS = {"Tags": "tags", "Links": "links", "Sources": "sources"}


def now() -> int:
    return time.time_ns() // 1_000_000


class LeverAccount:
    """The rows of an account, by list, and what was asked: method, path and query, and the body of what was sent."""

    def __init__(self) -> None:
        self.numbers = count(9000)
        self.contacts: dict[str, Row] = {}
        self.opportunities: dict[str, Row] = {}
        self.lists: dict[str, list[Row]] = {name: [] for name in LISTS}
        self.below: dict[tuple[str, str], list[Row]] = {}
        self.deleted: list[Row] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.sent: list[Any] = []
        self.base_url = ""
        self.page = 2
        self.losses = 0
        """How many answers to what is sent are lost, once it is done."""
        self.drops = 0
        """How many of those that are sent are lost before anything is done."""
        self.meanwhile: Callable[[], object] | None = None
        """What somebody else does while something is sent."""

    def name(self, kind: str) -> str:
        return f"{kind}-{next(self.numbers)}"

    def count(self, path: str) -> int:
        return sum(1 for _, one, _ in self.asked if one == path)

    def add_person(self, number: int, **more: Any) -> str:
        """A contact with one opportunity for the first posting; the opportunity's id."""
        contact = f"contact-{number}"
        self.contacts[contact] = {
            "id": contact, "name": f"Jane Doe{number}", "headline": "Example Ltd", "isAnonymized": False,
            "location": {"name": "Berlin"}, "emails": [f"jane{number}@example.com"], "phones": [],
        }  # fmt: skip
        return self.add_opportunity(f"opp-{number}", contact, "posting-1", **more)

    def add_opportunity(self, id: str, contact: str, posting: str | None, **more: Any) -> str:
        application = {"id": f"app-{id}", "type": "user", "opportunityId": id, "posting": posting, "createdAt": MOMENT}
        self.opportunities[id] = {
            "id": id, "name": self.contacts[contact]["name"], "contact": contact, "stage": "applicant-new",
            "confidentiality": "non-confidential", "archived": None, "tags": [], "links": [], "sources": [],
            "stageChanges": [], "origin": "sourced", "sourcedBy": None, "owner": None,
            "applications": [application] if posting else [], "createdAt": MOMENT, "updatedAt": None,
            "lastInteractionAt": MOMENT, "lastAdvancedAt": MOMENT, "urls": {}, "isAnonymized": False,
            "dataProtection": None, **more,
        }  # fmt: skip
        return id

    def change(self, id: str, **more: Any) -> Row:
        self.opportunities[id] |= {**more, "updatedAt": now()}
        return self.opportunities[id]

    async def handle(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        self.asked.append((request.method, request.path, query))
        parts = request.path.removeprefix("/v1/").split("/")
        if not request.headers.get("Authorization", "").startswith("Basic "):
            return say({"code": "UnauthorizedError", "message": "The request requires authentication."}, 401)
        if request.method == "GET":
            return self.read(parts, query)
        is_json = request.content_type == "application/json"
        body = await request.json() if is_json else dict(await request.post())
        self.sent.append(body)
        assert request.transport is not None
        if self.drops:
            self.drops -= 1
            request.transport.close()
            return web.Response()
        answer = self.write(request.method, parts, body, query)
        if self.meanwhile is not None:
            self.meanwhile()
        if self.losses:
            self.losses -= 1
            request.transport.close()
        return answer

    def read(self, parts: list[str], query: dict[str, str]) -> web.Response:
        match parts:
            case ["opportunities"]:
                return self.say_page(self.select(query), query)
            case ["opportunities", "deleted"]:
                start, end = int(query["deleted_at_start"]), int(query["deleted_at_end"])
                return self.say_page([row for row in self.deleted if start <= row["deletedAt"] < end], query)
            case ["opportunities", id] if id in self.opportunities:
                return say({"data": self.expand(self.opportunities[id], query)})
            case ["opportunities", id, kind] if id in self.opportunities:
                return self.say_page(self.below.get((id, kind), []), query)
            case ["contacts", id] if id in self.contacts:
                return say({"data": self.contacts[id]})
            case ["eeo", "responses", "pii"]:
                return self.say_page(self.lists["eeo"], query)
            case ["postings", id, "apply"]:
                return say({"data": {"id": id, "text": "Form", "customQuestions": []}})
            case [name] if name in self.lists:
                rows = [row for row in self.lists[name] if query.get("email") in (None, row.get("email"))]
                return self.say_page(rows, query, 100 if name == "stages" else None)
            case [name, id] if any(row["id"] == id for row in self.lists.get(name, ())):
                return say({"data": next(row for row in self.lists[name] if row["id"] == id)})
        return say({"code": "ResourceNotFound", "message": f"{'/'.join(parts)} was not found"}, 404)

    def say_page(self, rows: list[Row], query: dict[str, str], most: int | None = None) -> web.Response:
        """A page. The token of the next one is encoded once more than it has to be."""
        start = json.loads(unquote(query["offset"]))[0] if "offset" in query else 0
        end = start + min(int(query.get("limit", 100)), most or self.page)
        following = {"next": quote(json.dumps([end]))} if end < len(rows) else {}
        return say({"data": rows[start:end], "hasNext": end < len(rows), **following})

    def expand(self, row: Row, query: dict[str, str]) -> Row:
        expanded = query.get("expand")
        contact = self.contacts[row["contact"]] if expanded == "contact" else row["contact"]
        short = [one["id"] for one in row["applications"]]
        return {**row, "contact": contact, "applications": row["applications"] if expanded == "applications" else short}

    def select(self, query: dict[str, str]) -> list[Row]:
        found = [
            row
            for row in self.opportunities.values()
            if query.get("contact_id") in (None, row["contact"])
            and ("email" not in query or query["email"] in self.contacts[row["contact"]]["emails"])
            and (row["updatedAt"] or 0) >= int(query.get("updated_at_start", 0))
            and row["createdAt"] >= int(query.get("created_at_start", 0))
        ]
        return [self.expand(row, query) for row in found]

    def write(self, method: str, parts: list[str], body: Row, query: dict[str, str]) -> web.Response:
        match method, parts:
            case "POST", ["opportunities"]:
                return say({"data": self.make_opportunity(body), "deduped": False}, 201)
            case "PUT", ["opportunities", id, "stage"]:
                return say({"data": self.change(id, stage=body["stage"])})
            case "PUT", ["opportunities", id, "archived"]:
                reason = body["reason"]
                archived = None if reason is None else {"reason": reason, "archivedAt": now()}
                return say({"data": self.change(id, archived=archived)})
            case "POST", ["opportunities", id, name] if name.removeprefix("add").removeprefix("remove") in MEMBERS:
                member = MEMBERS[name.removeprefix("add").removeprefix("remove")]
                others = [text for text in self.opportunities[id][member] if text not in body[member]]
                texts = [*others, *(body[member] if name.startswith("add") else ())]
                return say({"data": self.change(id, **{member: texts})})
            case "POST", ["opportunities", id, kind]:
                row = self.make_below(id, kind, body, query)
                self.below.setdefault((id, kind), []).append(row)
                return say({"data": row}, 201)
            case "PUT", ["contacts", id]:
                self.contacts[id] |= {**body, "location": {"name": body["location"]}}
                for row in self.opportunities.values():
                    if row["contact"] == id:
                        self.change(row["id"], name=body["name"])
                return say({"data": self.contacts[id]})
            case "POST", [("postings" | "users") as name]:
                row = {"id": self.name(name), "createdAt": now(), "updatedAt": now(), **body}
                self.lists[name].append(row)
                return say({"data": row}, 201)
        return say({"code": "ResourceNotFound", "message": f"{'/'.join(parts)} does not exist"}, 404)

    def make_opportunity(self, body: Row) -> Row:
        contact = body.get("contact") or self.name("contact")
        self.contacts.setdefault(
            contact,
            {
                "id": contact, "name": body.get("name", ""), "headline": "", "isAnonymized": False,
                "location": {"name": body.get("location", "")}, "emails": body.get("emails", []),
                "phones": body.get("phones", []),
            },
        )  # fmt: skip
        told = {name: body[name] for name in ("tags", "links", "sources", "owner") if name in body}
        id = self.add_opportunity(
            self.name("opp"), contact, next(iter(body.get("postings", ())), None), createdAt=now(), updatedAt=now(),
            stage=body.get("stage", "lead-new"), **told,
        )  # fmt: skip
        return self.opportunities[id]

    def make_below(self, id: str, kind: str, body: Row, query: dict[str, str]) -> Row:
        made: Row = {"id": self.name(kind), "createdAt": now(), "user": query.get("perform_as")}
        match kind:
            case "notes":
                comment = {"type": "note", "text": "Comment", "value": body["value"], "user": made["user"]}
                return made | {"text": "Note", "fields": [comment], "secret": body["secret"], "deletedAt": None}
            case "files":
                file = body["file"]
                return {"id": made["id"], "name": file.filename, "ext": "", "uploadedAt": now(), "size": None}
            case "panels":
                interviews = [{**one, "id": self.name("interview")} for one in body["interviews"]]
                shown = [{**made, **one, "panel": made["id"], "opportunityId": id} for one in interviews]
                self.below.setdefault((id, "interviews"), []).extend(shown)
                return made | {"interviews": interviews, "timezone": body["timezone"]}
            case _:
                template = next(one for one in self.lists["feedback_templates"] if one["id"] == body["baseTemplateId"])
                values = {one["id"]: one["value"] for one in body["fieldValues"]}
                fields = [{**one, "value": values.get(one["id"])} for one in template["fields"]]
                told = {name: body.get(name) for name in ("interview", "panel", "completedAt")}
                return made | {"type": "interview", "fields": fields, **told}


@asynccontextmanager
async def run_lever_account() -> AsyncIterator[LeverAccount]:
    account = LeverAccount()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", account.handle)
    async with TestServer(app) as server:
        account.base_url = str(server.make_url("/v1")).rstrip("/")
        yield account


def fill_account(account: LeverAccount) -> None:
    """Two users, stages, reasons and a posting; three people, of whom the first has two opportunities and a note."""
    account.lists["users"] = [
        {"id": f"user-{number}", "name": f"Rita Example{number}", "email": f"rita{number}@example.com",
         "accessRole": "admin", "createdAt": MOMENT, "deactivatedAt": None}
        for number in (1, 2)
    ]  # fmt: skip
    account.lists["archive_reasons"] = [
        {"id": "reason-1", "text": "Other skills", "status": "active", "type": "non-hired"},
        {"id": "reason-2", "text": "Hired", "status": "active", "type": "hired"},
    ]
    account.lists["stages"] = [
        {"id": id, "text": id} for id in ("lead-new", "applicant-new", "stage-1", "stage-2", "offer")
    ]
    account.lists["tags"] = [{"text": "Senior", "count": 1}]
    account.lists["sources"] = [{"text": "LinkedIn", "count": 1}]
    account.lists["requisitions"] = [{"id": "req-1", "requisitionCode": "SE-1", "headcountTotal": 2}]
    account.lists["postings"] = [
        {"id": "posting-1", "text": "Engineer", "state": "published", "requisitionCodes": ["SE-1"],
         "categories": {"department": "Engineering", "location": "Berlin", "allLocations": ["Berlin"]},
         "createdAt": MOMENT, "updatedAt": MOMENT}
    ]  # fmt: skip
    account.lists["feedback_templates"] = [
        {"id": "00000000-0000-4000-8000-000000005700", "text": "Screen", "fields": [
            {"id": "verdict", "type": "score-system", "text": "Overall",
             "options": [{"text": "4 - Strong Hire"}, {"text": "3 - Hire"}]},
            {"id": "text", "type": "textarea", "text": "Notes"},
            {"id": "again", "type": "yes-no", "text": "Again?"},
        ]}
    ]  # fmt: skip
    account.lists["eeo"] = [
        {"id": "app-opp-1", "contact": "contact-1", "opportunityId": "opp-1", "gender": "Female",
         "eeoSurveyRespondedAt": MOMENT}
    ]  # fmt: skip
    for number in (1, 2, 3):
        account.add_person(number, sources=["LinkedIn"])
    account.add_opportunity("opp-4", "contact-1", None, stage="lead-new", tags=["Senior"], sources=["Fair"])
    account.below["opp-1", "notes"] = [
        {"id": "note-1", "fields": [{"value": "Hello", "user": "user-1"}], "secret": False, "createdAt": MOMENT}
    ]
    account.below["opp-1", "offers"] = [{"id": "offer-1", "status": "sent", "createdAt": MOMENT, "fields": []}]


async def make_lever_tenant(pool: Pool, sealer: Sealer, account: LeverAccount) -> Tenant:
    """A connector to the account."""
    return await make_tenant(pool, sealer, base_url=account.base_url, integration=LEVER, credentials=CREDENTIALS)
