"""The same pages loaded by dlt's rest_api source, with its defaults; only where to write and what to read is set.

It appends, which is the least it can do: it does not look for rows that are there already.
"""

import time
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import dlt
import psycopg2
from dlt.destinations import postgres
from dlt.destinations.impl.postgres.configuration import PostgresCredentials
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from dlt.sources.rest_api import rest_api_source
from dlt.sources.rest_api.typing import Endpoint, EndpointResource

from bench.processes import answer, find_peak_memory, read_order
from bench.vendors import pick_lists
from unihire.integration.declare import Stream
from unihire.outbound.paging import LinkHeader, NextLink, Paging

DATASET = "vendor"


def read_credentials(dsn: str) -> PostgresCredentials:
    """The address of a database on a socket, as dlt takes it."""
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    credentials = PostgresCredentials()
    credentials.database = unquote(parts.path[1:])
    credentials.username = parts.username
    credentials.password = "unused"  # the socket asks for none, dlt does
    credentials.host = "localhost"  # wanted by dlt; the folder of the socket, in the query, has the last word
    credentials.query = {"host": query["host"][0]}
    credentials.port = int(query["port"][0])
    return credentials


def describe_list(stream: Stream) -> EndpointResource:
    """A list as a resource of the rest_api source."""
    path, _, query = stream.paging.first(stream.path, {}).partition("?")
    params = dict(parse_qsl(query))
    return {"name": stream.name, "endpoint": {"path": path, "params": params, **_describe_paging(stream.paging)}}


def _describe_paging(paging: Paging) -> Endpoint:
    match paging:
        case NextLink(items=items, link=link):
            return {"data_selector": items, "paginator": {"type": "json_link", "next_url_path": ".".join(link)}}
        case LinkHeader():
            return {"data_selector": "$", "paginator": {"type": "header_link"}}
    raise TypeError(f"dlt is not told how to walk lists by {type(paging).__name__}")


def main() -> None:
    order = read_order()
    integration = pick_lists(order)
    auth = OAuth2ClientCredentials(
        access_token_url=f"{order['base_url']}{integration.auth.token_path}", **order["credentials"]
    )
    source = rest_api_source(
        {
            "client": {"base_url": order["base_url"], "headers": dict(integration.headers), "auth": auth},
            "resources": [*map(describe_list, integration.streams)],
        }
    )
    if order["json_columns"]:
        source.max_table_nesting = 0
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=order["folder"],
        destination=postgres(read_credentials(order["dsn"])),
        dataset_name=DATASET,
    )
    started = time.perf_counter()
    pipeline.run(source).raise_on_failed_jobs()
    seconds = time.perf_counter() - started
    rows = 0
    with psycopg2.connect(order["dsn"]) as connection, connection.cursor() as cursor:
        for stream in integration.streams:
            cursor.execute(f"SELECT count(*) FROM {DATASET}.{stream.name}")
            rows += cursor.fetchall()[0][0]
    answer({"seconds": seconds, "rows": rows, "peak_mb": find_peak_memory(), "failed": [], "version": dlt.__version__})


if __name__ == "__main__":
    main()
