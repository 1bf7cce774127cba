"""The `unihire` command."""

import gc
import os
import signal


def main() -> None:
    """Run the command line and exit with the codes that `unihire --help` documents."""
    # Until there is something to clean up, a signal simply ends the process: loading takes a moment.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os._exit(128 + number))
    gc.disable()  # until a command is loaded: nothing goes of what is imported
    from unihire.cli.commands import run_command_line  # here, so that the handlers are in place while it loads

    run_command_line()
