"""Logs, looked at in a process of their own: setting them up changes the whole process."""

import json
import platform
import subprocess
import sys

import pytest

EMAIL = "person@example.com"
PROGRAM = """
import logging, sys
from unihire.cli.console.starting import set_up_logs
from unihire.kit.logs import get_logger
set_up_logs(sys.argv[1], sys.argv[2])
log = get_logger()
log.debug("too quiet")
log.info("told", run=7)
logging.getLogger("a.library").warning("a library says %s", "this")
email = sys.argv[3]  # not written here: a traceback shows the lines of a program
try:
    1 / 0
except ZeroDivisionError:
    log.exception("failed")
try:
    raise RuntimeError(f"no\\nDETAIL:  Failing row contains ({email})") from KeyError("key")
except RuntimeError:
    log.exception("failed too")
"""


def run_program(level: str, form: str) -> tuple[str, list[str]]:
    command = [sys.executable, "-c", PROGRAM, level, form, EMAIL]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return ran.stdout, ran.stderr.splitlines()


def test_json_logs_are_an_object_a_line_on_stderr() -> None:
    out, lines = run_program("info", "json")
    told, library, failed, chained = map(json.loads, lines)
    assert out == ""
    assert (told["event"], told["run"], told["level"]) == ("told", 7, "info")
    assert (library["event"], library["level"]) == ("a library says this", "warning")
    assert failed["exception"].endswith("ZeroDivisionError: division by zero")
    cause, _, raised = chained["exception"].partition("\n\n")
    assert cause.endswith("KeyError: 'key'")
    assert raised.endswith("RuntimeError: no")


@pytest.mark.parametrize("form", ["console", "json"])
def test_tracebacks_show_neither_local_variables_nor_what_a_database_tells_of_rows(form: str) -> None:
    assert EMAIL not in "".join(run_program("info", form)[1])


def test_lines_below_the_level_are_left_out() -> None:
    assert "told" not in "".join(run_program("warning", "console")[1])


LIBRARY_ALONE = """
import logging, sys
from unihire.cli.console.starting import set_up_logs
set_up_logs("warning", "json")
library = logging.getLogger("a.library")
library.info("too quiet")
assert "structlog" not in sys.modules
for number in (1, 2):
    library.warning("line %d", number)
"""


def test_first_line_may_be_a_library_s_and_nothing_is_loaded_before_it() -> None:
    ran = subprocess.run([sys.executable, "-c", LIBRARY_ALONE], capture_output=True, text=True, check=True)
    assert [json.loads(line)["event"] for line in ran.stderr.splitlines()] == ["line 1", "line 2"]


LARGE_ANSWERS = """
import sys
import psutil
from unihire.cli.console.starting import give_memory_back
if sys.argv[1] == "given back":
    give_memory_back()
bytearray(31 << 20)
large, small = [], []
for _ in range(30):
    large.append(bytearray(b"x") * (5 << 20))
    small.append(bytearray(b"x") * 100_000)
del large
print(psutil.Process().memory_info().rss)
"""


def test_memory_of_large_answers_goes_back_to_the_system() -> None:
    def measure(how: str) -> int:
        command = [sys.executable, "-c", LARGE_ANSWERS, how]
        return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)

    most = 0.5 if platform.libc_ver()[0] == "glibc" else 1.1  # others do as they do
    assert measure("given back") < most * measure("kept")
