"""How records lie in the table: what is read with each of them is in its row."""

from typing import Any

import msgspec

from testbed.records import make_whole_row, save
from testbed.tenants import Tenant
from unihire.model import MODELS

SAYS_OUTSIDE = 170_000
"""From this version of PostgreSQL on, it says what is stored out of line."""

# How many values of these columns are.
COUNT_OUTSIDE = """
    SELECT count(pg_column_toast_chunk_id(keys)) AS keys, count(pg_column_toast_chunk_id(body)) AS body,
        count(pg_column_toast_chunk_id(more)) AS more, count(pg_column_toast_chunk_id(raw)) AS raw
    FROM record
"""


async def test_keys_answer_and_more_are_in_the_row_of_a_record_of_usual_length(tenant: Tenant) -> None:
    row: dict[str, Any] = make_whole_row(MODELS["candidate"], 1)
    row["title"] = "".join(chr(97 + place * place % 26) + str(place) for place in range(200))
    assert len(msgspec.json.encode(row)) > 2000
    await save(tenant, "candidate", row)
    version = int(await tenant.pool.fetchval("SHOW server_version_num"))
    if version >= SAYS_OUTSIDE:
        (found,) = await tenant.pool.fetch(COUNT_OUTSIDE)
        assert dict(found) == {"keys": 0, "body": 0, "more": 0, "raw": 1}
