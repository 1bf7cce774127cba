"""How a connection to the database that is gone, or is refused, shows itself."""

import asyncpg

LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InternalClientError,  # the server said goodbye, and the end of the connection was not noticed yet
)
"""The connection is gone."""

UNAVAILABLE = (*LOST, asyncpg.exceptions.InsufficientResourcesError)
"""The database is away, or cannot answer now: no connection left, disk full."""
