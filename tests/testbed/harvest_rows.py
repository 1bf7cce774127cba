"""Rows of a Greenhouse sandbox, found, made and changed over its API."""

from typing import Any

import httpx

from testbed.harvest import Row


def find(client: httpx.Client, name: str, **query: Any) -> Row:
    """The newest row that fits."""
    rows = client.get(f"/{name}", params={"per_page": 1, **query}).raise_for_status().json()
    assert rows, (name, query)
    row: Row = rows[0]
    return row


def show(client: httpx.Client, name: str, number: int) -> Row | None:
    rows = client.get(f"/{name}", params={"ids": number}).raise_for_status().json()
    return rows[0] if rows else None


def post(client: httpx.Client, path: str, body: Row | None = None, status: int = 201) -> Row:
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else {}


def patch(client: httpx.Client, path: str, body: Row, status: int = 200) -> Row:
    answer = client.patch(path, json=body)
    assert answer.status_code == status, answer.text
    row: Row = answer.json()
    return row
