"""The exit codes, and what a signal does to a command that has nothing to clean up."""

import signal

FAILED = 1
USAGE = 2
CONFIGURATION = 3
CREDENTIALS = 4
LATER = 5
PARTIAL = 6

EXIT_CODES = {
    0: "done, a server that SIGTERM asked to end, or a demo or events --follow that was ended",
    FAILED: "the work failed",
    USAGE: "the command line is wrong",
    CONFIGURATION: "a setting, a file or the database must be put right",
    CREDENTIALS: "the vendor refuses the credentials",
    LATER: "the vendor cannot answer now; the same command later goes on",
    PARTIAL: "a sync in which some streams failed",
    130: "ended by Ctrl-C (SIGINT)",
    143: "work cut short by SIGTERM",
}


class Interrupted(Exception):
    """A signal ended the command; `code` is what it exits with."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exit {code}")
        self.code = code


def raise_on_signals() -> None:
    """SIGINT raises KeyboardInterrupt and SIGTERM SystemExit, which restore the terminal on their way out."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, leave)
