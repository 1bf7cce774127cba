"""`python -m unihire.sandbox <slug>`: an emulator as a process of its own, for programs that start one."""

import argparse
import sys

import msgspec

from unihire.errors import ConfigError
from unihire.integration.emulate import Credentials
from unihire.sandbox.faults import FAULTS
from unihire.sandbox.runner import DEFAULT_SEED, DEFAULT_SIZE, GREATEST_SIZE, LEAST_SIZE, Ready, run_sandbox


def _print_json(ready: Ready) -> None:
    sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m unihire.sandbox", description=__doc__)
    parser.add_argument("slug", help="which emulator")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one (default)")
    parser.add_argument("--size", type=int, default=DEFAULT_SIZE, help=f"candidates, {LEAST_SIZE} to {GREATEST_SIZE}")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="the same seed gives the same data")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="WORD[,probability=P|,next=N][,path=/v2/*][,seconds=S]",
        help=f"a fault to inject, may be repeated: {', '.join(FAULTS)}",
    )
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="may be repeated")
    parser.add_argument("--client-id", help="default: made up from the seed")
    parser.add_argument("--client-secret", help="default: made up from the seed")
    parser.add_argument("--open-control", action="store_true", help="let other machines use /_sandbox/ too")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when standard input ends")
    parser.add_argument("--json", action="store_true", help="print one JSON line when ready")
    given = parser.parse_args(arguments)
    try:
        credentials = None
        if given.client_id is not None or given.client_secret is not None:
            credentials = Credentials(given.client_id or "", given.client_secret or "")
        run_sandbox(
            given.slug,
            host=given.host,
            port=given.port,
            size=given.size,
            seed=given.seed,
            faults=given.fault,
            options=read_options(given.option),
            credentials=credentials,
            is_control_open=given.open_control,
            exit_with_parent=given.exit_with_parent,
            on_ready=_print_json if given.json else None,
        )
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def read_options(texts: list[str]) -> dict[str, str]:
    """`NAME=VALUE` texts as a table. Raises ConfigError for one without a sign."""
    pairs = [text.partition("=") for text in texts]
    for name, sign, _ in pairs:
        if not sign:
            raise ConfigError(f"option {name!r}: write NAME=VALUE")
    return {name: value for name, _, value in pairs}


if __name__ == "__main__":
    sys.exit(main())
