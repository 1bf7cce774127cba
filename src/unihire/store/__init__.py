"""Where it rests: PostgreSQL, its schema and every query."""

from typing import TYPE_CHECKING, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

if TYPE_CHECKING:
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:  # asyncpg's classes take no type arguments at run time
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection | PoolConnectionProxy
