"""Files, settings and options that are odd or broken: a sentence and an exit code, no traceback and no secret."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed.command import Command, end, read_json_line
from testbed.command_lines import Ended, make_line, run_lines
from testbed.databases import make_place
from unihire.store.embedded.server import EmbeddedServer

GIVEN = b'{"client_id": "a", "client_secret": "hush"}'
CONNECT = ("connect", "personio", "--customer", "ACME", "--no-check", "--json", "--credentials-file", "-")
CALL = ("call", "greenhouse", "list_jobs", "--input")
ADDRESS = "postgresql://user:{}@127.0.0.1:1/x"


@dataclass(frozen=True, slots=True)
class Case:
    """A command line, what is odd about it, and what comes of it; `make` prepares the folder it runs in."""

    name: str
    arguments: tuple[str | bytes, ...]
    code: int
    says: str
    given: bytes = b""
    settings: dict[str, str | bytes] | None = None
    make: Callable[[Path], object] | None = None


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def list_cases() -> Iterator[Case]:
    yield from list_file_cases()
    for url, says in {
        "": "UNIHIRE_DATABASE_URL: it is empty",
        " ": "it is empty",
        "hush": "it must begin with postgresql://",
        "mysql://user:hush@h/x": "it must begin with postgresql://",
        ADDRESS.format("hu/sh"): "are written %40",
        ADDRESS.format("hu#sh"): "are written %40",
        ADDRESS.format("hu@sh"): "is not written as in an address",
        ADDRESS.format("hu%zzsh"): "no two hexadecimal digits",
        ADDRESS.format("hu sh"): "a space, which is written %20",
        ADDRESS.format("hush").replace(":1/", ":hush/"): "its port is no number",
        "postgresql://user:hush@[::1/x": "it is no address",
        ADDRESS.format("hu\x01sh"): "it has control characters",
        ADDRESS.format("hush") + "?sslmode=hush": "the database does not answer: `sslmode` parameter",
        "postgresql://127.0.0.1:1/x?password=hush&sslmode=hush": "the database does not answer",
        ADDRESS.format("hush"): "the database does not answer",
        "postgresql://user:hush@" + "h" * 300 + "/x": "the database does not answer",
    }.items():
        yield Case(f"database {url[-30:]!r}", ("keys",), 3, says, settings={"UNIHIRE_DATABASE_URL": url})
    yield Case("database not UTF-8", ("keys",), 3, "not text in UTF-8", settings={"UNIHIRE_DATABASE_URL": b"\xff"})
    for name, value, says in (
        ("HOME", "", "it is empty"),
        ("HOME", b"/tmp/\xff", "it is not text in UTF-8"),
        ("HOME", "~nobody-such/x", "no home folder of that user"),
        ("HOME", "/dev/null/x", "cannot create /dev/null/x"),
        ("HOME", "/" + "x" * 300, "cannot create"),
        ("HOST", "", "it is empty"),
        ("HOST", "x" * 40_000, "it has more than"),
        ("METRICS_TOKEN", "", "UNIHIRE_METRICS_TOKEN: it is empty"),
        ("PORT", "9" * 5000, "UNIHIRE_PORT"),
        ("LOG_LEVEL", "\n", "it is empty"),
    ):
        yield Case(f"{name} {value[:20]!r}", ("keys",), 3, says, settings={f"UNIHIRE_{name}": value})
    for keys, says in {",": "no encryption key", "\xe9" * 44: "url-safe base64", "hush": "url-safe base64"}.items():
        yield Case(f"keys {keys[:5]}", CONNECT, 3, says, GIVEN, {"UNIHIRE_ENCRYPTION_KEYS": keys})
    for url, says in {
        "http://a b/": "without spaces",
        "https://user:hush@h/": "a user or a password has no place in it",
        "https://:hush@h/": "a user or a password has no place in it",
        "http://h/?q=hush": "not an address of the form",
        "http://h/#hush": "not an address of the form",
        "http://h/\x01": "without spaces",
        "http://h/ü": "percent-encoded",
        "http://h%00/": "not an address",
        "http://h:hush/": "not an address",
        "http://h:0/": "not an address",
        "http://[::1": "not an address",
        "http://" + "h" * 5000: "in 2,000 characters at most",
        "": "without spaces",
    }.items():
        yield Case(f"base-url {url[:20]!r}", (*CONNECT, "--base-url", url), 3, says, GIVEN)
    yield Case("an argument not UTF-8", (*CONNECT, "--base-url", b"http://\xff"), 3, "argument 10 of the command line")
    for text, code, says in (
        ("[" * 100_000, 3, "nested deeper than 100 levels"),
        *(('{"a":' * levels + "1" + "}" * levels, 3, "nested deeper than 100 levels") for levels in (500, 1500, 5000)),
        ("{}x", 2, "not JSON"),
        ("@/nonexistent", 3, "cannot read /nonexistent: No such file"),
        ("@/dev/zero", 3, "more than 33,554,432 bytes"),
        ("@", 3, "it is a folder"),
        ("@.", 3, "it is a folder"),
    ):
        yield Case(f"input {text[:12]}", (*CALL, text), code, says)
    yield Case("input piped deep", (*CALL, "-"), 3, "nested deeper than 100 levels", b"[" * 100_000)
    yield Case("input piped not UTF-8", (*CALL, "-"), 3, "standard input: it is not text in UTF-8 (byte 1)", b"\xff")
    for given in (b"\xff", b"[" * 100_000, b"null", b'{"client_id": 1}', b"x" * 2_000_000, b'"hush"'):
        yield Case(f"credentials {given[:12]!r}", CONNECT, 3, "must be a JSON object of texts", given)
    odd = b'{"client_id": "a\\u0000", "client_secret": "hush"}'
    yield Case("credentials with a zero", CONNECT, 3, "client_id cannot be right, for it has control characters", odd)
    for option in ("--customer", "--organisation", "--origin-id"):
        for text in ("", "\x1b[31m", "a\nb", "x" * 2000):
            yield Case(f"{option} {text[:5]!r}", (*CONNECT, option, text), 2, "give another", GIVEN)
    yield Case("a key without a name", ("keys", "create", "--name", ""), 2, "give another: it is empty")
    for option in ("--scope", "--model"):
        yield Case(f"a key with a long {option}", ("keys", "create", option, "x" * 50_000), 3, "(50,000 characters)")
    yield Case("an organisation without a name", ("organisations", "create", "--name", " "), 2, "give another")
    yield Case("a connector of control characters", ("runs", "\x1b[31m"), 3, "no connector begins with '\\x1b[31m'")
    yield Case("a long connector", ("runs", "x" * 100_000), 3, "x…")
    yield Case("a long number", ("runs", "--last", "9" * 6000), 2, "--last")
    number = f"rate_limit={'9' * 5000}"
    yield Case("a long option", ("sandbox", "greenhouse", "--option", number), 3, "give a whole number, ")


def list_file_cases() -> Iterator[Case]:
    dotenvs: dict[str, tuple[Callable[[Path], object], str]] = {
        "binary": (lambda path: path.write_bytes(b"\xff\xfe\x00"), "it is not text in UTF-8 (byte 1)"),
        "latin": (lambda path: path.write_bytes("UNIHIRE_HOST=\xe9".encode("latin1")), "in UTF-8 (byte 14)"),
        "zero": (lambda path: path.write_bytes(b"UNIHIRE_HOST=a\0b"), "it has a zero byte"),
        "large": (lambda path: path.write_bytes(b"A=1\n" * 300_000), "it has more than 1,000,000 bytes"),
        "folder": (lambda path: path.mkdir(), "it is a folder"),
        "loop": (link_to_itself, "Too many levels of symbolic links"),
        "dangling": (lambda path: path.symlink_to("nowhere"), "No such file or directory"),
        "pipe": (os.mkfifo, "it is no ordinary file"),
    }
    for name, (make, says) in dotenvs.items():
        yield Case(f"dotenv {name}", ("config",), 3, says, make=lambda folder, make=make: make(folder / ".env"))
    keys: dict[str, tuple[Callable[[Path], object], str]] = {
        "binary": (lambda path: path.write_bytes(b"\xb4" * 64), "it is not text in UTF-8 (byte 1)"),
        "empty": (lambda path: path.touch(), "url-safe base64 of 32 bytes"),
        "short": (lambda path: path.write_text("hush"), "url-safe base64 of 32 bytes"),
        "large": (lambda path: path.write_text("hush" * 100_000), "it has more than 10,000 bytes"),
        "folder": (lambda path: path.mkdir(), "it is a folder"),
        "loop": (link_to_itself, "Too many levels of symbolic links"),
        "dangling": (lambda path: path.symlink_to("nowhere"), "No such file or directory"),
        "pipe": (os.mkfifo, "it is no ordinary file"),
    }
    for name, (make, says) in keys.items():
        yield Case(
            f"key {name}", CONNECT, 3, says, GIVEN, {"UNIHIRE_HOME": "."},
            make=lambda folder, make=make: make(folder / "encryption.key"),
        )  # fmt: skip


CASES = {case.name: case for case in list_cases()}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with make_place() as folder:
        yield folder


@pytest.fixture(scope="module")
def ended(place: Path) -> dict[str, Ended]:
    """How each case ended."""
    lines = []
    for number, case in enumerate(CASES.values()):
        folder = place / str(number)
        folder.mkdir()
        if case.make is not None:
            case.make(folder)
        lines.append(make_line(*case.arguments, folder=folder, given=case.given, environment=case.settings))
    with EmbeddedServer(place / "home"):
        return dict(zip(CASES, run_lines(lines, place / "home"), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_odd_input_is_refused_in_a_sentence(ended: dict[str, Ended], name: str) -> None:
    case, one = CASES[name], ended[name]
    assert one.code == case.code, one
    assert case.says in " ".join(one.errors.split()), one
    assert "Traceback" not in one.errors
    assert one.out == ""
    assert "hush" not in one.errors.replace("sslmode=hush", "")
    if case.code == 3:
        assert one.errors.startswith("error: ")
        assert one.errors.count("\n") <= 3
        assert len(one.errors) < 5000


def connect(command: Command, customer: str, code: int = 0) -> Any:
    options = ("--no-check", "--json", "--credentials-file", "-")
    return command.run("connect", "personio", "--customer", customer, *options, code=code, given=GIVEN.decode())


def test_lost_key_is_refused_and_never_made_anew(place: Path) -> None:
    command = Command(place / "keyed")
    with EmbeddedServer(command.home):
        made = json.loads(connect(command, "ACME").stdout)["connector_id"]
        key = command.home / "encryption.key"
        assert key.stat().st_mode & 0o777 == 0o600
        copy = key.rename(key.with_name("copy"))
        for arguments in (("sync", made), ("sync", "--all"), ("serve", "--port", "0"), ("worker",)):
            refused = command.run(*arguments, code=3)
            assert f"the key file {key} is gone" in refused.stderr
            assert "put its copy back" in refused.stderr
        assert "is gone" in connect(command, "Another", code=3).stderr
        assert not key.exists()
        doctored = command.ask("doctor", code=1, UNIHIRE_PORT="0")
        (found,) = [one for one in doctored["findings"] if one["name"] == "encryption key"]
        assert (found["status"], "is gone" in found["detail"]) == ("failed", True)

        key.write_text(command.run("keys", "seal").stdout)
        assert "sealed under another key" in command.run("serve", "--port", "0", code=3).stderr
        assert "sealed under another key" in connect(command, "Another", code=3).stderr
        copy.replace(key)
        with command.start("serve", "--port", "0", "--no-worker", "--json") as process:
            read_json_line(process)
            assert end(process, signal.SIGTERM)[0] == 0
        connect(command, "Another")
