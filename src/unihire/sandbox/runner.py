"""Finds, builds and runs emulators: in this process, in a thread, or until a signal."""

import asyncio
import contextlib
import importlib
import importlib.util
import logging
import os
import pkgutil
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from unihire import integrations
from unihire.errors import ConfigError
from unihire.integration.emulate import CompanyRows, Credentials, EmulatorKind, OutboxRules, Row, Shape, Tools
from unihire.kit.clock import MovableClock
from unihire.sandbox.control import Control
from unihire.sandbox.faults import FaultPlan, FaultRule, read_fault
from unihire.sandbox.host import CONTROL_PATH, SOCKET, SandboxApp
from unihire.sandbox.layered_rows import LayeredRows
from unihire.sandbox.made_up_company import MadeUpCompany
from unihire.sandbox.numbered import NumberedLayer
from unihire.sandbox.outbox import SandboxOutbox

LEAST_SIZE = 100
GREATEST_SIZE = 1_000_000
DEFAULT_SIZE = 2000
DEFAULT_SEED = 1


class Ready(msgspec.Struct, frozen=True):
    """Where a sandbox listens and what to sign in with."""

    emulator: str
    base_url: str
    control_url: str
    client_id: str
    client_secret: str
    size: int
    seed: int
    pid: int
    other_credentials: dict[str, str] = {}
    """What other parts of the vendor's API ask for, by name."""

    def list_credentials(self) -> dict[str, str]:
        """All of them, by the names that connecting asks for."""
        return {"client_id": self.client_id, "client_secret": self.client_secret, **self.other_credentials}


def list_emulators() -> list[str]:
    """Slugs of the vendor folders that have an emulator."""
    return sorted(
        module.name
        for module in pkgutil.iter_modules(integrations.__path__)
        if module.ispkg and importlib.util.find_spec(f"{integrations.__name__}.{module.name}.emulator")
    )


def get_emulator(slug: str) -> EmulatorKind:
    """The emulator of this slug. Raises ConfigError that lists the known ones."""
    if slug not in list_emulators():
        raise ConfigError(f"no emulator {slug!r}: there are {', '.join(list_emulators())}")
    kind = importlib.import_module(f"{integrations.__name__}.{slug}.emulator").EMULATOR
    assert isinstance(kind, EmulatorKind), f"{slug}/emulator declares EMULATOR = EmulatorKind(…)"
    return kind


def build_sandbox(
    slug: str,
    *,
    size: int = DEFAULT_SIZE,
    seed: int = DEFAULT_SEED,
    faults: Iterable[FaultRule | str] = (),
    options: Mapping[str, str] | None = None,
    credentials: Credentials | None = None,
    clock: MovableClock | None = None,
    is_control_open: bool = False,
) -> SandboxApp:
    """An emulator with its control plane as an ASGI app. Raises ConfigError for anything that does not fit."""
    kind = get_emulator(slug)
    if type(size) is not int or not LEAST_SIZE <= size <= GREATEST_SIZE:
        raise ConfigError(f"size {size}: give {LEAST_SIZE} to {GREATEST_SIZE} candidates")
    if type(seed) is not int or not 0 <= seed < 2**63:
        raise ConfigError(f"seed {seed}: give a whole number from 0 to {2**63 - 1}")
    if credentials is not None and not (credentials.client_id and credentials.client_secret):
        raise ConfigError("give both a client id and a client secret, or neither")
    unknown = set(options or {}) - set(kind.options)
    if unknown:
        raise ConfigError(f"unknown option {', '.join(sorted(unknown))}: {slug} has {', '.join(kind.options)}")
    chosen = {
        name: option.check(name, (options or {}).get(name, option.default)) for name, option in kind.options.items()
    }
    clock = clock or MovableClock()
    plan = FaultPlan(seed, [read_fault(rule) if isinstance(rule, str) else rule for rule in faults])

    def make_rows(source: CompanyRows | None, documented: Mapping[int, tuple[int, Row]], shape: Shape) -> LayeredRows:
        return LayeredRows(source, documented, shape, clock, seed)

    outboxes: list[SandboxOutbox] = []

    def make_outbox(rules: OutboxRules) -> SandboxOutbox:
        outboxes.append(SandboxOutbox(rules, clock, seed))
        return outboxes[0]

    emulator = kind.build(
        Tools(
            seed=seed,
            size=size,
            options=chosen,
            clock=clock,
            faults=plan,
            credentials=credentials,
            make_company=lambda **counts: MadeUpCompany(seed=seed, **counts),
            make_rows=make_rows,
            make_numbered_rows=lambda parts, first, step, shape: NumberedLayer(parts, first, step, shape, clock, seed),
            make_outbox=make_outbox,
        )
    )
    settings = {"size": size, "seed": seed, "options": chosen}
    app = SandboxApp(kind, emulator, plan, clock, settings, is_control_open=is_control_open)
    app.outbox = outboxes[0] if outboxes else None
    app.set_control(Control(app).answer)
    return app


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that serves from a thread of this process."""

    ready: Ready
    app: SandboxApp


@contextlib.contextmanager
def start_sandbox(
    slug: str, *, host: str = "127.0.0.1", port: int = 0, **settings: Any
) -> Generator[RunningSandbox, None, None]:
    """Serve from a thread for as long as the block lasts; `settings` are those of `build_sandbox`."""
    app = build_sandbox(slug, **settings)
    listener = _listen(host, port)
    server = _make_server(app)
    thread = threading.Thread(target=_serve, args=(server, listener), name=f"sandbox-{slug}", daemon=True)
    thread.start()
    try:
        yield RunningSandbox(_describe(app, listener), app)
    finally:
        server.should_exit = True
        thread.join()


def run_sandbox(
    slug: str,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[Ready], None] | None = None,
    exit_with_parent: bool = False,
    **settings: Any,
) -> int | None:
    """Serve until SIGINT or SIGTERM; `settings` are those of `build_sandbox`. Returns the signal that ended it, if any.

    `on_ready` is called once the port accepts connections; without it address and credentials are printed. With
    `exit_with_parent` the end of standard input ends the sandbox too: a parent that dies takes it along.
    """
    app = build_sandbox(slug, **settings)
    listener = _listen(host, port)
    server = _make_server(app)
    (on_ready or _print_ready)(_describe(app, listener))
    ended_by: int | None = None

    def stop(number: int | None = None, _: object = None) -> None:
        nonlocal ended_by
        ended_by = number
        server.should_exit = True

    def wait_for_parent() -> None:
        sys.stdin.buffer.read()
        stop()

    if exit_with_parent:
        threading.Thread(target=wait_for_parent, daemon=True).start()
    earlier = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        _serve(server, listener)
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
    return ended_by


def _listen(host: str, port: int) -> socket.socket:
    """A socket that already accepts connections. Raises ConfigError when the address cannot be had."""
    if not 0 <= port <= 65535:
        raise ConfigError(f"port {port}: give 0 to 65535")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}: {error.strerror or error}") from None
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ConfigError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
    listener.setblocking(False)
    return listener


class _Protocol(HttpToolsProtocol):
    """uvicorn's, which lets the app write to the socket: no server would send what some faults are."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[SOCKET] = self._write_and_close  # type: ignore[literal-required]

    def _write_and_close(self, data: bytes) -> None:
        self.transport.write(data)
        self.transport.close()


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the runner decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _make_server(app: SandboxApp) -> uvicorn.Server:
    # A body that is cut on purpose is an error in uvicorn's eyes, which it would print.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,  # the clock is the sandbox's
        timeout_graceful_shutdown=1,
    )
    return _Server(config)


def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    factory = server.config.get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(server.serve(sockets=[listener]))


def _describe(app: SandboxApp, listener: socket.socket) -> Ready:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    base_url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return Ready(
        emulator=app.kind.slug,
        base_url=base_url,
        control_url=f"{base_url}{CONTROL_PATH}/",
        client_id=app.emulator.credentials.client_id,
        client_secret=app.emulator.credentials.client_secret,
        size=app.settings["size"],
        seed=app.settings["seed"],
        pid=os.getpid(),
        other_credentials=dict(app.emulator.credentials.others),
    )


def _print_ready(ready: Ready) -> None:
    sys.stdout.write(
        f"{ready.emulator} sandbox at {ready.base_url}\n"
        f"client id      {ready.client_id}\nclient secret  {ready.client_secret}\n"
    )
    for name, value in ready.other_credentials.items():
        sys.stdout.write(f"{name.replace('_', ' '):<13}  {value}\n")
    sys.stdout.flush()
