"""Who acts where a write names nobody: a connector's own user, set by command, at a vendor where somebody must act."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.lever_writing import ask, find_actor, open_lever_writing
from testbed.shell import Shell
from testbed.writing import Json, Writing, draw_name, find_open_job
from unihire.errors import ConfigError
from unihire.integration.registry import list_integrations, list_writes
from unihire.kit.seal import Sealer, new_key
from unihire.platform.acting_users import forget_acting_user, set_acting_user
from unihire.platform.connectors import open_connector_client
from unihire.store.accounts.tenancy import Connector, get_connector
from unihire.store.database import get_address

CANDIDATES = "/api/ats/v1/candidates"


@dataclass(frozen=True)
class Acting:
    """A connector that is written to, its users, and the command on its database."""

    writing: Writing
    sealer: Sealer
    shell: Shell
    users: list[Json]

    async def set(self, user: Json | None) -> Connector:
        """The connector as it is then."""
        connector, pool = self.writing.tenant.connector, self.writing.tenant.pool
        if user is None:
            await forget_acting_user(pool, connector)
        else:
            async with open_connector_client(pool, connector, self.sealer) as client:
                await set_acting_user(pool, connector, client, user["remote_id"])
        found = await get_connector(pool, connector.id)
        assert found is not None
        return found

    def describe_person(self) -> Json:
        name = draw_name()
        return {
            "first_name": "Kim", "last_name": name, "email_addresses": [f"{name.lower()}@example.com"],
            "job": find_open_job(self.writing)["id"],
        }  # fmt: skip

    def find_owner(self, remote_id: str) -> str:
        """Who owns the opportunity that was made: who acted, where nobody recruits."""
        (opportunity,) = ask(self.writing, "/opportunities", contact_id=remote_id)
        owner: str = opportunity["owner"]
        return owner

    async def find_logged(self, write_id: str) -> str | None:
        answer = await self.writing.api.get(f"/api/v1/writes/{write_id}")
        found: str | None = answer.json()["acting_user"]
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(databases: Databases) -> AsyncIterator[Acting]:
    key = new_key()
    async with open_lever_writing(databases, Sealer([key])) as writing:
        settings = {"UNIHIRE_DATABASE_URL": get_address(writing.tenant.pool), "UNIHIRE_ENCRYPTION_KEYS": key}
        first = find_actor(writing)
        users = [one for one in writing.records["remote-users"] if not one["disabled"]]
        users.sort(key=lambda one: one["id"] != first)
        assert len(users) > 1
        yield Acting(writing, Sealer([key]), Shell(databases.home, **settings), users)


@pytest_asyncio.fixture(loop_scope="session")
async def acting(opened: Acting) -> AsyncIterator[Acting]:
    yield opened
    await opened.set(None)


async def test_write_that_needs_somebody_is_done_by_the_connectors_user(acting: Acting) -> None:
    user, api = acting.users[1], acting.writing.api
    refused = await api.post(CANDIDATES, json=acting.describe_person())
    assert refused.status_code == 422, refused.text
    assert refused.json()["detail"][0]["loc"] == ["body", "remote_user_id"]
    await acting.set(user)
    for named in ({}, {"remote_user_id": None}):
        made = (await api.post(CANDIDATES, json=acting.describe_person() | named)).json()
        assert acting.find_owner(made["remote_id"]) == user["remote_id"]
        assert await acting.find_logged(made["write_id"]) == user["remote_id"]


async def test_user_who_is_named_in_the_call_acts(acting: Acting) -> None:
    await acting.set(acting.users[1])
    body = acting.describe_person() | {"remote_user_id": acting.users[0]["id"]}
    made = (await acting.writing.api.post(CANDIDATES, json=body)).json()
    assert acting.find_owner(made["remote_id"]) == acting.users[0]["remote_id"]
    assert await acting.find_logged(made["write_id"]) == acting.users[0]["remote_id"]


async def test_meta_requires_nobody_then_and_names_who_acts(acting: Acting) -> None:
    async def read() -> Any:
        return (await acting.writing.api.get("/api/ats/v1/candidates/create/meta")).json()["data"]

    before = await read()
    assert "remote_user_id" in before["required"]
    await acting.set(acting.users[1])
    now = await read()
    assert "remote_user_id" not in now["required"]
    assert now["properties"]["remote_user_id"]["default"] == acting.users[1]["id"]
    assert {"type": "null"} in now["properties"]["remote_user_id"]["oneOf"]
    await acting.set(None)
    assert await read() == before


async def test_write_that_waits_is_done_by_who_acted_when_it_was_asked_for(acting: Acting) -> None:
    asked = await acting.set(acting.users[1])
    async with acting.writing.open_writes() as writes:
        request = replace(acting.writing.request("candidate", "create", acting.describe_person()), connector=asked)
        id = await writes.enqueue(request)
        later = await acting.set(acting.users[0])
        await writes.work_on_queued(later, acting.writing.scope, id)  # type: ignore[arg-type]
    noted = (await acting.writing.api.get(f"/api/v1/writes/{id}")).json()
    assert (noted["outcome"], noted["acting_user"]) == ("done", acting.users[1]["remote_id"])
    assert acting.find_owner(noted["answer"]["remote_id"]) == acting.users[1]["remote_id"]


async def test_user_who_is_not_there_is_not_taken(acting: Acting) -> None:
    for id in ("6f9f4a0e-0000-4000-8000-000000000000", "nobody", "", "a" * 501, "a\x00"):
        with pytest.raises(ConfigError):
            await acting.set({"remote_id": id})
    assert (await acting.set(None)).acting_user is None


async def test_connector_of_a_vendor_that_writes_in_nobodys_name_takes_none(acting: Acting) -> None:
    writing = acting.writing
    silent = next(
        one.slug
        for one in list_integrations()
        if all(write.no_actor is not None for write in list_writes(one.slug).values())
    )
    other = replace(writing.tenant.connector, integration=silent)
    async with open_connector_client(writing.tenant.pool, writing.tenant.connector, acting.sealer) as client:
        with pytest.raises(ConfigError, match="in nobody's name"):
            await set_acting_user(writing.tenant.pool, other, client, acting.users[0]["remote_id"])


def test_command_sets_who_acts_and_shows_it(opened: Acting) -> None:
    id, user = str(opened.writing.tenant.connector.id), opened.users[1]["remote_id"]
    said = opened.shell.ask("actor", id[:13], user)
    assert (said["connector_id"], said["acting_user"]) == (id, user)
    assert opened.shell.ask("connectors", "show", id)["acting_user"] == user
    assert f"acting user   {user}" in opened.shell.run("connectors", "show", id).stdout
    assert "its credential acts" in opened.shell.run("actor", id, "--nobody").stdout
    assert opened.shell.ask("connectors", "show", id)["acting_user"] is None
    opened.shell.run("actor", id, code=2)
    opened.shell.run("actor", id, user, "--nobody", code=2)
    wrong = opened.shell.run("actor", id, "nobody", code=3)
    assert "no user 'nobody'" in wrong.stderr
