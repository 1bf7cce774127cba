"""Where it rests: PostgreSQL, its schema and every query."""

from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
"""A connection, taken from a pool or not."""

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
