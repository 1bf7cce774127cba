"""schemathesis, told what the vendor documents for the jobs list, finds nothing wrong with the emulator."""

import subprocess
import sys
from pathlib import Path

import httpx

from unihire.sandbox.runner import start_sandbox

SCHEMA = Path(__file__).with_suffix(".json")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def test_fuzzed_requests_get_documented_answers_only(tmp_path: Path) -> None:
    with start_sandbox("personio", size=200) as sandbox:
        ready = sandbox.ready
        form = {"grant_type": "client_credentials", "client_id": ready.client_id, "client_secret": ready.client_secret}
        token = httpx.post(f"{ready.base_url}/v2/auth/token", data=form).json()["access_token"]
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            str(SCHEMA),
            f"--url={ready.base_url}",
            f"--header=Authorization: Bearer {token}",
            "--phases=examples,fuzzing",
            f"--checks={CHECKS}",
            "--max-examples=60",
            "--generation-deterministic",
            "--no-color",
        ]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        counts = httpx.get(f"{ready.control_url}requests").json()["by_status"]
    assert run.returncode == 0, run.stdout
    assert set(counts) <= {"200", "400", "404"}  # schemathesis probes a path of its own
    assert counts["200"] > 5
    assert counts["400"] > 5
