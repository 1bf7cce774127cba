"""A run requested by a user: the vendor is called at once, whatever pause it asked for."""

from collections.abc import Collection

from unihire.outbound.budget_store import read_state
from unihire.store import Connection
from unihire.store.accounts import budgets
from unihire.store.accounts.tenancy import Connector
from unihire.store.work import runs, schedules
from unihire.store.work.runs import RequestedRun


async def ask_run(
    connection: Connection, connector: Connector, *, full: bool = False, streams: Collection[str] | None = None
) -> RequestedRun:
    """As `runs.ask_run`, by hand: the schedule goes on from now, and nothing is known of the budget that would delay
    the run up, be it deferred, under way or new.
    """
    asked = await runs.ask_run(connection, connector.number, full=full, streams=streams)
    stored = await budgets.read_budget(connection, connector.budget_of)
    if asked.was_deferred or read_state(stored.state).free_at > stored.now:
        await budgets.forget_budget(connection, connector.budget_of)
    await schedules.note_run(connection, connector)
    return asked
