"""A consumer that copies lists into a store of its own, by following the feed with deleted records."""

from collections.abc import Iterable
from typing import Any

import httpx

from testbed.tenants import read_pages
from unihire.model import NATIVE_MODELS

BEGINNING = "1970-01-01T00:00:00Z"

DELETED = {"id", "remote_id", "modified_at", "deleted"}
"""The members of a deleted record."""


class Mirror:
    """What a consumer knows of the lists it follows, by path: the records by their ids, and the newest `modified_at`.

    `narrowed` are further parameters of lists by their paths.
    """

    def __init__(
        self,
        api: httpx.AsyncClient,
        paths: Iterable[str] = tuple(f"/api/ats/v1/{spec.plural}" for spec in NATIVE_MODELS.values()),
        *,
        page_size: int = 7,
        narrowed: dict[str, Any] | None = None,
    ) -> None:
        self.records: dict[str, dict[str, dict[str, Any]]] = {path: {} for path in paths}
        self.removed = 0
        self._api = api
        self._asked = {"page_size": page_size, "include_deleted": True, **(narrowed or {})}
        self._places = dict.fromkeys(self.records, BEGINNING)

    async def follow(self) -> None:
        """Take over what changed since it was asked for last."""
        for path in self.records:
            self._take(path, await read_pages(self._api, path, modified_after=self._places[path], **self._asked))

    async def follow_page(self, path: str) -> None:
        """The same of one page of a list: whoever was interrupted goes on with the next call."""
        answer = await self._api.get(path, params={**self._asked, "modified_after": self._places[path]})
        self._take(path, answer.raise_for_status().json()["items"])

    def _take(self, path: str, items: list[dict[str, Any]]) -> None:
        for item in items:
            assert item["modified_at"] > self._places[path], "the list is not in the order of change"
            self._places[path] = item["modified_at"]
            if item.get("deleted"):
                assert item.keys() == DELETED
                self.removed += self.records[path].pop(item["id"], None) is not None
            else:
                self.records[path][item["id"]] = item

    async def read_live(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What the same lists have, read whole without deleted records."""
        asked = {name: value for name, value in self._asked.items() if name != "include_deleted"} | {"page_size": 100}
        return {
            path: {item["id"]: item for item in await read_pages(self._api, path, **asked)} for path in self.records
        }
