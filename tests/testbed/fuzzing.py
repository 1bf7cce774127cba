"""Requests made up from our own description of the API, by schemathesis."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from testbed.effort import IS_THOROUGH
from testbed.waiting import within

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "positive_data_acceptance",
)
"""The last: a request that is as described is taken, or refused for what there is, never for how it is written."""

EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "3")
"""Requests for each operation of the description; the suite has little time."""


def is_asked_for_more() -> bool:
    """Whether somebody has the time for every operation."""
    return IS_THOROUGH or "FUZZ_EXAMPLES" in os.environ


async def fuzz(
    document: dict[str, Any],
    url: str,
    headers: Mapping[str, str],
    folder: Path,
    *options: str,
    checks: Sequence[str] = CHECKS,
    examples: str = EXAMPLES,
) -> str:
    """What schemathesis says where it finds something, else nothing."""
    schema = folder / "openapi.json"
    schema.write_text(json.dumps(document))
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", str(schema), f"--url={url}",
        *(f"--header={name}: {value}" for name, value in headers.items()),
        "--phases=examples,fuzzing", f"--checks={','.join(checks)}", f"--max-examples={examples}",
        *([] if "FUZZ_EXAMPLES" in os.environ else ["--generation-deterministic"]), "--no-color", *options,
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await within(process.communicate(), 200)
    return said.decode() if process.returncode else ""
