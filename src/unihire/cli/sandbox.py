"""`unihire sandbox`: one vendor's emulator alone, for anybody who writes a client of that vendor."""

import signal
import sys
from typing import Annotated

import msgspec
import typer

from unihire.cli.console.exits import Interrupted
from unihire.cli.console.starting import set_up_logs
from unihire.cli.console.terminal import OUT, Json, examples, print_json, print_plain
from unihire.integration.emulate import Credentials
from unihire.integration.registry import list_integrations
from unihire.outbound.asked import write_asked
from unihire.outbound.auth import ApiKey, ClientCredentials
from unihire.sandbox.__main__ import read_options
from unihire.sandbox.faults import FAULTS
from unihire.sandbox.runner import (
    DEFAULT_SEED,
    DEFAULT_SIZE,
    GREATEST_SIZE,
    LEAST_SIZE,
    Ready,
    get_emulator,
    list_emulators,
    run_sandbox,
)

_ONE = next(iter(list_emulators()), "acmehire")

EPILOG = examples(
    f"unihire sandbox {_ONE} --port 8900",
    f"unihire sandbox {_ONE} --size 100000 --fault 429,probability=0.01",
    f"unihire sandbox {_ONE} --json",
)


def sandbox(
    slug: Annotated[str, typer.Argument(help=f"Which emulator: {', '.join(list_emulators())}.", show_default=False)],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 0,
    size: Annotated[int, typer.Option(min=LEAST_SIZE, max=GREATEST_SIZE, help="Candidates.")] = DEFAULT_SIZE,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same data.")] = DEFAULT_SEED,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD[,NAME=VALUE…]",
            help=f"A fault to inject: {', '.join(FAULTS)}; with probability=P or next=N, path=/v2/*, seconds=S. "
            "May be repeated.",
        ),
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A setting of the emulator. May be repeated.")
    ] = None,
    client_id: Annotated[str | None, typer.Option(help="Made up from the seed unless given.")] = None,
    client_secret: Annotated[str | None, typer.Option(help="Made up from the seed unless given.")] = None,
    open_control: Annotated[
        bool, typer.Option("--open-control", help="Let other machines use /_sandbox/ too.")
    ] = False,
    exit_with_parent: Annotated[bool, typer.Option("--exit-with-parent", help="End when standard input ends.")] = False,
    is_json: Json = False,
) -> None:
    """Run a vendor's emulator alone.

    It answers as the vendor's API does, from made-up data, and fails on request. It needs
    no account, no network and no database. It serves until Ctrl-C.
    """
    set_up_logs("warning", "console")
    credentials = None
    if client_id is not None or client_secret is not None:
        credentials = Credentials(client_id or "", client_secret or "")
    number = run_sandbox(
        slug,
        host=host,
        port=port,
        size=size,
        seed=seed,
        faults=fault or [],
        options=read_options(option or []),
        credentials=credentials,
        is_control_open=open_control,
        exit_with_parent=exit_with_parent,
        on_ready=print_json if is_json else _show_ready,
    )
    if number == signal.SIGINT:
        raise Interrupted(128 + number)


def _show_ready(ready: Ready) -> None:
    OUT.print(f"[green]✓[/green] {get_emulator(ready.emulator).title}, {ready.size:,} made-up candidates\n")
    rows = [
        ("address", ready.base_url),
        ("client_id", ready.client_id),
        ("client_secret", ready.client_secret),
        *ready.other_credentials.items(),
        ("control plane", ready.control_url),
    ]
    for title, value in rows:
        print_plain(f"{title:<20}{value}")
    for integration in list_integrations():
        if integration.slug == ready.emulator:
            auth = integration.auth
            OUT.print(f"\n[cyan]# {'a first call' if isinstance(auth, ApiKey) else 'a token'}[/cyan]")
            print_plain(write_probe_call(auth, ready) if isinstance(auth, ApiKey) else write_token_call(auth, ready))
    OUT.print("\n[cyan]# what there is, what was asked, and what can be changed or broken[/cyan]")
    print_plain(f"curl -s '{ready.control_url}'")
    OUT.print("\n[bold]Ctrl-C[/bold] ends it.")
    sys.stdout.flush()


def write_probe_call(auth: ApiKey, ready: Ready) -> str:
    """The shell command that proves the key."""
    signature = auth.sign(ready.list_credentials())
    headers = {**signature.headers, **({} if auth.probe.body is None else {"Content-Type": "application/json"})}
    url = ready.base_url + write_asked(auth.probe.path, signature.params)
    sent = [] if auth.probe.body is None else [f"-d '{msgspec.json.encode(auth.probe.body).decode()}'"]
    return " ".join(["curl -s", f"'{url}'", *(f"-H '{name}: {value}'" for name, value in headers.items()), *sent])


def write_token_call(auth: ClientCredentials, ready: Ready) -> str:
    """The shell command that buys a token."""
    form = dict(auth.form)
    pair = ""
    if auth.sent_as == "basic":
        pair = f" -u '{ready.client_id}:{ready.client_secret}'"
    else:
        form |= {"client_id": ready.client_id, "client_secret": ready.client_secret}
    fields = " ".join(f"-d '{name}={value}'" for name, value in form.items())
    return f"curl -s -X POST '{ready.base_url}{auth.token_path}'{pair} {fields}"
