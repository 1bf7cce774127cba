"""A process that writes large files at once, and says by how much its memory grew: `python -m testbed.large_files`.

It reads from stdin, as JSON: the database, the vendor's address, how files are sent (`form` or `address`), how many at
once, of how many bytes. It prints, as JSON, the statuses of the writes and the growth in bytes.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx

from testbed.made_up_writes import declare_writes, take_everything
from testbed.tenants import make_tenant, serve_app
from testbed.vendor import ACME
from unihire.app import create_app
from unihire.integration import registry
from unihire.integration.operate import VendorCall, WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given
from unihire.kit.seal import Sealer, new_key
from unihire.model import INPUTS
from unihire.outbound.multipart import write_file_form
from unihire.settings import Settings
from unihire.store.database import open_database

SMALL = 2 * 1024 * 1024
"""Bytes of a file that is written first, so that what a process loads once does not count."""


async def send_file(context: WriteContext, given: Given[Any]) -> VendorRow:
    """Send the file twice: in a form, and in JSON."""
    (file,) = given.files
    body, content_type = await write_file_form("file", file.file_name, file.content, file.content_type)
    context.plan([])
    await context.send_aside("form", VendorCall(path="/form", body=body, content_type=content_type))
    await context.send_aside("json", VendorCall(path="/json", body={"content": file.content.in_json}))
    return VendorRow("jobs", {"id": "made"})


def read_memory(name: str) -> int:
    """Bytes of this process: `VmRSS` now, `VmHWM` at most since `reset_peak`."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


async def write_one(client: httpx.AsyncClient, asked: dict[str, Any], size: int, made: Path) -> int:
    path = "/api/ats/v1/attachments"
    if asked["way"] == "address":
        body = {"file_name": "cv.pdf", "file_url": f"{asked['vendor']}/file/{size}"}
        return (await client.post(path, json=body)).status_code
    with made.open("rb") as file:
        answer = await client.post(path, files={"file": ("cv.pdf", file, "application/pdf")})
    return answer.status_code


async def main(asked: dict[str, Any]) -> dict[str, Any]:
    registry.list_integrations = lambda: (ACME,)  # type: ignore[assignment]
    settings = Settings(
        _env_file=None, home=asked["home"], database_url=asked["database"], rate_limit=0, allowed_networks="127.0.0.0/8"
    )
    write = take_everything(INPUTS["attachment", "create"], run=send_file, rules=(), stream="jobs")
    with tempfile.TemporaryDirectory() as folder, declare_writes([write]):
        files = {}
        for size in (SMALL, asked["size"]):
            files[size] = Path(folder) / str(size)
            with files[size].open("wb") as file:
                file.truncate(size)
        sealer = Sealer([new_key()])
        async with open_database(settings) as pool:
            tenant = await make_tenant(pool, sealer, base_url=asked["vendor"])
            async with serve_app(create_app(settings, pool, sealer)) as client:
                client.headers.update(tenant.headers)
                client.timeout = httpx.Timeout(120)
                for _ in range(3):
                    await write_one(client, asked, SMALL, files[SMALL])
                before = read_memory("VmRSS")
                reset_peak()
                statuses = await asyncio.gather(
                    *(write_one(client, asked, asked["size"], files[asked["size"]]) for _ in range(asked["count"]))
                )
                return {"statuses": statuses, "grown": read_memory("VmHWM") - before}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(json.loads(sys.stdin.read())))) + "\n")
