"""Storage: PostgreSQL, its schema and every query.

A statement leaves the planner no choice (docs/decisions/0019): one look at a table names the columns of one index, what
is checked besides stands outside an OFFSET 0, which nothing is pushed through, and many values are one look each, by
LATERAL. So it reads what was asked for, whatever the planner takes the sizes for.
"""

from typing import TYPE_CHECKING, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

if TYPE_CHECKING:
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:  # asyncpg's classes take no type arguments at run time
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection | PoolConnectionProxy
