"""The bench on very little data, without the rivals whose packages only `make bench` installs."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from bench import __main__ as bench_main
from bench.budget import count_windows
from bench.fair import find_percentile
from bench.figures import BARS, Figures, find_ratio, render_bars, render_rest
from bench.load import Order, carry_out
from bench.loads import check_load
from bench.memory import EARLY, GROWTH, Synced
from bench.processes import Mismatch
from bench.seeding import WIDE_SHARE, choose_value
from bench.sync_ours import list_unsaved
from bench.vendor_pages import write_page
from multidict import CIMultiDict

from unihire.integration.registry import get_integration
from unihire.outbound.paging import VendorResponse
from unihire.sync.run import Report
from unihire.sync.streaming import Counts

NO_BAR = "sync.greenhouse_to_dlt_child_tables"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for what the bench makes; the user its PostgreSQL runs as can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="unihire-test-bench-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def start_bench(temporary: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench", "--tiny", *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        text=True,
    )


def list_left_processes(temporary: Path) -> list[str]:
    """Command lines of the bench's programs and of the server in its home."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(temporary) in line or (process.info["environ"] or {}).get("TMPDIR") == str(temporary):
            found.append(line)
    return found


@pytest.mark.timeout(400)  # some forty processes one after the other
def test_tiny_run_measures_us_and_the_floors_and_leaves_nothing(temporary: Path, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    bench = start_bench(temporary, "--json", str(figures))
    printed, _ = bench.communicate(timeout=360)
    assert bench.returncode == 0
    values = json.loads(figures.read_text())
    # A small company's sync is over within its first window, and a few connectors do not fill the workers' places.
    left_out = {"budget.utilisation", "budget.workers.utilisation", "fair.small_wait", "fair.slowdown"}
    left_out |= {bar.name for bar in BARS if "dlt" in bar.name or "handwritten" in bar.name}
    measured = {bar.name for bar in BARS} - left_out
    assert measured <= values.keys()
    assert all(values[name] > 0 for name in measured - {"budget.refused", "budget.workers.refused"})
    assert values["sync.greenhouse_records_per_second.ours"] > 0
    for prefix in ("budget", "budget.workers"):
        assert (values[f"{prefix}.refused"], values[f"{prefix}.windows"]) == (0, 0)
        assert values[f"{prefix}.calls"] > 50
    assert values["fair.done"] == 1
    assert 0 < values["queue.50.fetch_ms.all_waiting"] < 50
    for bar in BARS:
        assert bar.name in printed
    assert printed.count("not measured") == len(BARS) - len(measured)
    assert list(temporary.iterdir()) == []
    assert list_left_processes(temporary) == []


def test_interrupted_run_leaves_nothing(temporary: Path) -> None:
    bench = start_bench(temporary, "--only", "sync")
    assert bench.stdout is not None
    while "round 1" not in bench.stdout.readline():
        pass
    asked = time.monotonic()
    bench.send_signal(signal.SIGINT)
    bench.communicate(timeout=30)
    assert bench.returncode == 130
    assert time.monotonic() - asked < 10
    assert list(temporary.iterdir()) == []
    assert list_left_processes(temporary) == []


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bench_main, "NEEDED", ("a_package_nobody_has",))
    assert bench_main.main(["--quick"]) == 2
    assert "a_package_nobody_has" in capsys.readouterr().err


def test_figures_are_not_measured_for_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_main.main(["--tiny", "--json", "/nowhere/at/all.json"]) == 2
    assert "/nowhere/at" in capsys.readouterr().err


def test_missed_bar_is_told_as_short() -> None:
    lines = render_bars({"serve.to_floor": 0.59, "serve.deep_page": 1.5}).splitlines()
    by_name = {line.split()[0]: line for line in lines}
    assert "SHORT" in by_name["serve.to_floor"]
    assert "pass" in by_name["serve.deep_page"]
    assert "not measured" in by_name["sync.to_floor"]


def test_figure_the_design_has_no_bar_for_is_told_so() -> None:
    (line,) = (line for line in render_bars({NO_BAR: 2.5}).splitlines() if NO_BAR in line)
    assert "no bar" in line
    assert "2.5" in line
    assert not {"pass", "SHORT", "not measured"} & set(line.split("  "))


def test_figures_without_a_bar_are_told_apart() -> None:
    told = render_rest({"serve.to_floor": 0.7, "serve.pages_per_second.ours": 4000.0})
    assert "pages_per_second" in told
    assert "to_floor" not in told


def test_figures_are_written_flat(tmp_path: Path) -> None:
    figures = Figures()
    figures.put("serve.to_floor", 0.712345)
    figures.write(tmp_path / "figures.json")
    assert json.loads((tmp_path / "figures.json").read_text()) == {"serve.to_floor": 0.7123}


def test_ratio_is_the_median_of_the_rounds() -> None:
    assert find_ratio([10, 1, 30], [20, 2, 10]) == 0.5


@pytest.mark.parametrize("slug", ["personio", "greenhouse"])
@pytest.mark.parametrize("following", ["http://ats.example.com/9/list?cursor=3.changed", None])
def test_recorded_page_is_sent_as_its_vendor_sends_one(slug: str, following: str | None) -> None:
    paging = get_integration(slug).get_stream("candidates").paging
    body, headers = write_page(paging, b'[{"id":1},{"id":2}]', following)
    answer = VendorResponse(200, CIMultiDict((name.decode(), value.decode()) for name, value in headers), body)
    page = paging.read(answer, origin="http://ats.example.com", asked="/9/list")
    assert [row.raw for row in page.rows] == [b'{"id":1}', b'{"id":2}']
    assert page.next == (following and following.removeprefix("http://ats.example.com"))


def test_load_that_left_rows_out_means_nothing() -> None:
    done = {"seconds": 1.0, "rows": 99, "peak_mb": 70.0, "failed": []}
    with pytest.raises(Mismatch, match="100"):
        check_load(done, 100)
    with pytest.raises(Mismatch, match="offers"):
        check_load({**done, "failed": ["offers: 3 read, 2 added"]}, 99)
    assert check_load(done, 99).rate == 99


def test_rows_read_but_not_saved_are_told() -> None:
    report = Report(
        UUID(int=1), 1, True, False,
        streams=[Counts("offers", read=3, added=3), Counts("eeoc", read=3, added=2), Counts("notes", 3, 2, 0, 0, 1)],
    )  # fmt: skip
    told = list_unsaved(get_integration("greenhouse"), report)
    assert [line.partition(":")[0] for line in told] == ["eeoc", "notes"]


def test_budget_is_told_over_whole_windows_with_work_left() -> None:
    calls = {"09:29:59": 7, "09:30:00": 100, "09:30:29": 50, "09:31:00": 150, "09:31:30": 1}
    moments = [datetime.fromisoformat(f"2026-01-31T{time}Z") for time, count in calls.items() for _ in range(count)]
    assert count_windows(moments) == [150, 0, 150]
    assert count_windows(moments[:107]) == []


def test_wide_value_is_as_common_as_said() -> None:
    chosen = [choose_value(number, 3) for number in range(10_000)]
    assert abs(chosen.count(0) / 10_000 - WIDE_SHARE / 100) < 0.03
    together = sum(choose_value(number, 3) == 0 == choose_value(number, 4) for number in range(10_000))
    assert abs(together / 10_000 - (WIDE_SHARE / 100) ** 2) < 0.03


def test_percentile_is_a_value_that_was_met() -> None:
    waits = [float(number) for number in range(1, 201)]
    assert [find_percentile(waits, share) for share in (0.5, 0.99, 1.0)] == [100.0, 198.0, 200.0]
    assert find_percentile([7.0], 0.99) == 7.0


async def serve_bodies(status: str, body: bytes) -> asyncio.Server:
    """A server that answers every request so, each body in two pieces."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                writer.write(head + body[:5])
                await writer.drain()
                writer.write(body[5:])
        except asyncio.IncompleteReadError:
            writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


def test_memory_is_measured_by_vendor(temporary: Path) -> None:
    given = ["--vendors", "workable", "--size", "100", "--json", str(temporary / "m.json")]
    done = subprocess.run(
        [sys.executable, "-m", "bench.memory", *given],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        timeout=200,
        check=False,
    )
    told = json.loads((temporary / "m.json").read_text())
    assert done.returncode == (told["memory.workable.growth"] > GROWTH.most)  # of so few candidates it says nothing
    assert 0 < told["memory.workable.early_mb"] <= told["memory.workable.most_mb"] <= told["memory.workable.peak_mb"]
    assert told["memory.workable.rows"] > told["memory.workable.calls"] / 10 > 10
    assert list_left_processes(temporary) == []


def test_growth_is_that_over_what_was_held_early() -> None:
    synced = Synced("done", [], 1.0, 10, [(10, 50.0), (20, 60.0), (100, 66.0), (90, 65.0)], 70.0)
    assert (synced.rows, synced.find_most(EARLY), synced.find_most()) == (100, 60.0, 66.0)


async def test_load_counts_whole_answers() -> None:
    server = await serve_bodies("200 OK", b"x" * 1000)
    async with server:
        port = server.sockets[0].getsockname()[1]
        once = await carry_out(Order(port=port, paths=["/1", "/2", "/3"]))
        timed = await carry_out(Order(port=port, paths=["/1", "/2"], connections=3, seconds=0.1))
    assert (once.pages, len(once.each), once.failed) == (3, 3, [])
    assert once.bytes > 3000
    assert timed.pages > 3
    assert timed.failed == []


async def test_load_tells_refusals() -> None:
    server = await serve_bodies("429 Too Many Requests", b"{}       ")
    async with server:
        got = await carry_out(Order(port=server.sockets[0].getsockname()[1], paths=["/"]))
    assert "429" in got.failed[0]
