"""`unihire write` and `unihire writes`: what they take, what they print, and what is noted."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.made_up_writes import EVERY_WRITE, declare_writes, pretend
from testbed.records import id_in, save
from testbed.shell import Shell
from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME
from unihire.errors import VendorRefused
from unihire.integration import registry
from unihire.kit.seal import Sealer, new_key
from unihire.store import Pool
from unihire.store.database import get_address

CANNOT = {"tag.create": "Tags are made by hand."}


@dataclass(frozen=True)
class Writing:
    """A connector, and the command on its database."""

    shell: Shell
    tenant: Tenant

    def write(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        ran = self.shell.run("write", str(self.tenant.connector.id)[:13], *arguments, code=code)
        answered: dict[str, Any] = json.loads(ran.stdout)
        return answered

    def list_writes(self, *arguments: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.shell.ask("writes", str(self.tenant.connector.id), *arguments)["writes"]
        return found


async def refuse(context: Any, given: Any) -> Any:
    if given.input.name == "twice":
        raise VendorRefused("the vendor refused it", status=422, body=b'{"error": "there is one"}')
    return await pretend(context, given)


@pytest_asyncio.fixture
async def writing(databases: Databases, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Writing]:
    monkeypatch.setattr(registry, "list_integrations", lambda: (ACME,))
    key = new_key()
    tenant = await make_tenant(pool, Sealer([key]))
    await save(tenant, "candidate", {"remote_id": "1", "first_name": "Kim"})
    declared = [
        replace(one, run=refuse) if one.name == "job.create" else one for one in EVERY_WRITE if one.name not in CANNOT
    ]
    with declare_writes(declared, CANNOT):
        settings = {"UNIHIRE_DATABASE_URL": get_address(pool), "UNIHIRE_ENCRYPTION_KEYS": key}
        yield Writing(Shell(databases.home, **settings), tenant)


def test_write_prints_the_record_and_is_in_the_log(writing: Writing) -> None:
    made = writing.write("candidate.create", "--json", '{"data": {"first_name": "Jane"}}')
    assert made["id"] == id_in(writing.tenant, "candidate", "made")
    assert (made["outcome"], made["steps"]) == ("done", [])
    (noted,) = writing.list_writes()
    assert (noted["id"], noted["record"]) == (made["write_id"], made["id"])
    assert (noted["model"], noted["verb"], noted["asked_by"]) == ("candidate", "create", None)
    lines = writing.shell.run("writes", str(writing.tenant.connector.id)).stdout
    assert f"candidate.create  done\n  write {made['write_id']}\n  record {made['id']}\n" in lines
    assert writing.list_writes("--outcome", "refused") == []


def test_body_is_read_from_a_file_and_the_target_is_changed(writing: Writing, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"first_name": "Sam"}')
    id = id_in(writing.tenant, "candidate", "1")
    changed = writing.write("candidate.update", "--file", str(body), "--target", id.upper())
    assert (changed["id"], changed["remote_id"]) == (id, "1")
    assert [one["target"] for one in writing.list_writes()] == [id]


def test_repeat_under_a_key_is_the_first_answer(writing: Writing) -> None:
    first, again = (writing.write("office.create", "--json", '{"name": "Berlin"}', "--key", "k") for _ in range(2))
    assert first == again
    assert [one["idempotency_key"] for one in writing.list_writes()] == ["k"]


def test_dry_run_is_not_noted(writing: Writing) -> None:
    planned = writing.write("office.create", "--json", '{"name": "Berlin"}', "--dry-run")
    assert planned == {"dry_run": True, "calls": [], "steps": []}
    assert writing.list_writes() == []


def test_what_is_refused_is_printed_with_the_reason_and_code_1(writing: Writing) -> None:
    missing = writing.write("office.create", code=1)
    assert [problem["loc"] for problem in missing["detail"]] == [["body", "name"]]
    cannot = writing.write("tag.create", "--json", '{"name": "Senior"}', code=1)
    assert cannot["detail"].endswith("Tags are made by hand.")
    refused = writing.write("job.create", "--json", '{"name": "twice"}', code=1)
    assert (refused["outcome"], refused["detail"][0]["type"]) == ("refused", "vendor_refused")
    assert [one["outcome"] for one in writing.list_writes()] == ["refused"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("candidate.fly",), "there is no write 'candidate.fly'"),
        (("candidate.update",), "--target"),
        (("candidate.update", "--target", "7"), "is no id of a record"),
        (("office.create", "--target", "5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11"), "takes no --target"),
        (("office.create", "--json", "{}", "--file", "x"), "choose one"),
        (("office.create", "--file", "/nowhere/body.json"), "cannot read"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(
    writing: Writing, arguments: tuple[str, ...], words: str
) -> None:
    assert words in writing.shell.run("write", str(writing.tenant.connector.id), *arguments, code=3).stderr
