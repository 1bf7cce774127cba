"""`unihire events` as a process: each event once, whatever happens to it, its database and the reader of its output."""

import asyncio
import json
import random
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from testbed.chaos import Server, insist
from testbed.command import Command
from testbed.databases import Databases
from testbed.event_log import save_logged
from testbed.following import CURSOR, Follower
from testbed.tenants import Tenant, make_tenant
from testbed.waiting import until
from unihire.kit.seal import Sealer, new_key
from unihire.store.database import get_address, open_database

ENDS_WITHIN = 5.0
KILLS = 4


@dataclass(frozen=True)
class Scene:
    """A connector whose records change, the command on its database, and folders for what it writes."""

    command: Command
    tenant: Tenant
    server: Server
    folders: Iterator[Path]

    async def save(self, *ids: object) -> None:
        """Make records, each an event: of a database that went away meanwhile perhaps twice."""
        rows = [{"remote_id": str(id), "first_name": str(time.monotonic_ns())} for id in ids]
        await insist(partial(save_logged, self.tenant, "candidate", *rows))

    def follow(self, *further: str) -> Follower:
        return Follower(self.command, next(self.folders), *further)

    async def list_logged(self) -> list[dict[str, Any]]:
        """All events, as the command lists them afterwards."""
        ran = await asyncio.to_thread(self.command.run, "events", "--json")
        return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest_asyncio.fixture
async def scene(own_server: Databases, place: Path, tmp_path: Path) -> AsyncIterator[Scene]:
    async with own_server.create() as name, open_database(own_server.settings(name)) as pool:
        tenant = await make_tenant(pool, Sealer([new_key()]))
        command = Command(place / "home", UNIHIRE_DATABASE_URL=get_address(pool))
        folders = (tmp_path / str(number) for number in range(100))
        yield Scene(command, tenant, Server(own_server), folders)


async def wait_for(follower: Follower, count: int) -> None:
    async def is_there() -> bool:
        assert follower.process.poll() is None, follower.read_errors()
        return len(follower.list_events()) >= count

    await until(is_there)


async def has_written(follower: Follower, remote_id: str) -> bool:
    return follower.list_events()[-1]["remote_id"] == remote_id


async def test_events_are_written_as_they_are_committed_and_the_next_call_goes_on_where_it_ended(scene: Scene) -> None:
    await scene.save(1, 2)
    follower = scene.follow()
    try:
        await wait_for(follower, 2)
        await scene.save(3)
        await wait_for(follower, 3)
        cursor = follower.end(signal.SIGINT)
    finally:
        follower.kill()
    await scene.save(4)
    of_rest, of_end = scene.follow("--after", cursor), scene.follow("--after", "end")
    try:
        await wait_for(of_rest, 1)
        for number in range(5, 100):
            await scene.save(number)
            if of_end.list_events():
                break
            await asyncio.sleep(0.1)
        for one in (of_rest, of_end):
            await until(partial(has_written, one, str(number)))
        assert of_rest.end(signal.SIGTERM) == of_end.end(signal.SIGINT)
    finally:
        of_rest.kill()
        of_end.kill()
    logged = await scene.list_logged()
    assert [event["remote_id"] for event in logged] == [str(one) for one in range(1, number + 1)]
    assert follower.list_events() + of_rest.list_events() == logged
    assert of_end.list_events() == logged[-len(of_end.list_events()) :]


async def test_each_event_is_written_once_while_the_database_crashes_and_comes_back(scene: Scene) -> None:
    saving = asyncio.create_task(keep_saving(scene))
    follower = scene.follow()
    try:
        await wait_for(follower, 5)
        await scene.server.crash(1.0)
        before = len(follower.list_events())
        await wait_for(follower, before + 10)
        saving.cancel()
        await asyncio.gather(saving, return_exceptions=True)
        await wait_for(follower, len(await scene.list_logged()))
        follower.end(signal.SIGINT)
    finally:
        saving.cancel()
        follower.kill()
    written, logged = follower.list_events(), await scene.list_logged()
    for event in (*written, *logged):
        del event["position"]  # the text of a place is another one after a crash
    assert written == logged
    said = follower.read_errors().splitlines()
    assert said[:2] == ["The database does not answer: waiting for it.", "The database answers again."]
    assert len(said) == 3, "and the cursor"


async def keep_saving(scene: Scene) -> None:
    """Until cancelled: some records after the other."""
    number = 0
    while True:
        await scene.save(*range(number, number + 3))
        number += 3
        await asyncio.sleep(0.01)


async def test_follower_that_is_killed_goes_on_from_the_last_line_it_wrote(scene: Scene) -> None:
    chance = random.Random()
    saving = asyncio.create_task(keep_saving(scene))
    found: list[dict[str, Any]] = []
    try:
        for _ in range(KILLS):
            follower = scene.follow(*(("--after", found[-1]["position"]) if found else ()))
            await wait_for(follower, 1)
            await asyncio.sleep(chance.uniform(0, 0.6))
            follower.kill()
            found += follower.list_events()
    finally:
        saving.cancel()
        await asyncio.gather(saving, return_exceptions=True)
    logged = await scene.list_logged()
    assert found == logged[: len(found)]
    assert len(found) > KILLS


@pytest.fixture
def unread(scene: Scene) -> Iterator["subprocess.Popen[bytes]"]:
    """`unihire events`, whose output nobody has read yet."""
    with subprocess.Popen(
        [scene.command.program, "events", "--json", "--follow"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=scene.command.environment,
    ) as process:  # fmt: skip
        yield process
        process.kill()


MORE_THAN_A_PIPE_HOLDS = 1000


async def test_reader_that_stops_reading_ends_the_command_without_a_traceback(
    scene: Scene, unread: "subprocess.Popen[bytes]"
) -> None:
    await scene.save(*range(MORE_THAN_A_PIPE_HOLDS))
    assert unread.stdout is not None
    assert unread.stderr is not None
    assert await asyncio.to_thread(unread.stdout.readline)
    unread.stdout.close()
    assert await asyncio.to_thread(unread.wait, ENDS_WITHIN) == 1
    assert unread.stderr.read() == b""


async def test_signal_ends_the_command_while_nobody_reads_and_the_cursor_misses_nothing(
    scene: Scene, unread: "subprocess.Popen[bytes]"
) -> None:
    await scene.save(*range(MORE_THAN_A_PIPE_HOLDS))
    assert unread.stdout is not None
    assert unread.stderr is not None
    first = await asyncio.to_thread(unread.stdout.readline)
    await asyncio.sleep(1.0)  # until the pipe is full
    unread.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(unread.wait, ENDS_WITHIN + 1) == 0
    lines = [first, *unread.stdout.read().splitlines(keepends=True)]
    (cursor,) = CURSOR.findall(unread.stderr.read().decode())
    rest = await asyncio.to_thread(scene.command.run, "events", "--json", "--after", cursor)
    written = [json.loads(line) for line in lines if line.endswith(b"\n")]
    gone_on = [json.loads(line) for line in rest.stdout.splitlines()]
    logged = await scene.list_logged()
    assert written == logged[: len(written)]
    assert gone_on == logged[-len(gone_on) :]
    assert len(written) < len(logged) <= len(written) + len(gone_on)
