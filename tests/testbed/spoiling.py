"""A vendor that spoils: mixes of faults by rng, and which records they cannot have touched."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from testbed import harvest_link, harvest_truth, personio
from testbed.tenants import Tenant, read_all
from unihire.integration.declare import Join
from unihire.model import MODELS, NATIVE_MODELS
from unihire.sandbox.runner import Ready
from unihire.sandbox.spoiling import SPOILERS

Json = dict[str, Any]
Records = dict[str, dict[str, Json]]
Rows = Mapping[str, Sequence[Json]]

OWN_FAULTS = (
    "429", "500", "odd-retry-after", "redirect", "slow", "expired-token", "self-next", "empty-page", "hollow-page",
    "repeat-rows", "repeat-row", "skip-row", "stranger-next",
)  # fmt: skip
"""Those of the vendor's own faults that say nothing which is believed: no 401, 403 or 404 where all is well."""

WORDS = (*OWN_FAULTS, *SPOILERS)
LATE = {"hang": 8.0, "slow": 0.3, "dripping-body": 4.0}
UNTRACED = ("empty-page", "hollow-page", "repeat-rows", "repeat-row", "skip-row")
"""Rows are not in an answer, or twice, and the answer is a good one."""
MOST_MEGABYTES = {"endless-body": 400}
LIKELIHOODS = (0.01, 0.03, 0.1, 0.3)
LYING = ("empty-page", "hollow-page")
"""Say that there is nothing, which is believed of a vendor that says it again and again: never every third time."""


class Mixer:
    """Makes mixes of words: each word comes once before any comes again."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._left: list[str] = []

    def make(self, least: int, most: int) -> list[Json]:
        """Some of the words, each as likely as rng has it."""
        count = self._chance.randint(least, most)
        words, self._left = self._left[:count], self._left[count:]
        if len(words) < count:
            fresh = self._chance.sample(WORDS, len(WORDS))
            others = [word for word in fresh if word not in words]
            words, self._left = words + others[: count - len(words)], others[count - len(words) :]
        return make_rules(words, self._chance)


def make_rules(words: Sequence[str], chance: random.Random) -> list[Json]:
    return [
        {
            "word": word,
            "probability": chance.choice(LIKELIHOODS[:-1] if word in LYING else LIKELIHOODS),
            **({"seconds": LATE[word]} if word in LATE else {}),
            **({"megabytes": MOST_MEGABYTES[word]} if word in MOST_MEGABYTES else {}),
        }
        for word in words
    ]


@dataclass
class Vendor:
    """An emulator, the connector to it, and what its rows must become."""

    tenant: Tenant
    ready: Ready
    api: httpx.AsyncClient
    rows: Rows = field(default_factory=dict)
    expected: Records = field(default_factory=dict)
    has_untraced: bool = False

    @property
    def slug(self) -> str:
        return self.ready.emulator

    async def look(self) -> None:
        """Read what the vendor has; nothing may spoil meanwhile."""
        connector = self.tenant.connector.id
        if self.slug == "greenhouse":
            rows = await harvest_link.read_vendor(self.ready)
            self.rows = {stream: found or [] for stream, found in rows.items()}
            self.expected = {
                spec.plural: {id_: _without_more(record) for id_, record in found[spec.plural].items()}
                for found in (harvest_truth.expect_records(rows, connector),)
                for spec in NATIVE_MODELS.values()
            }
        else:
            raw = await personio.read_vendor(self.ready)
            self.rows = raw.rows
            self.expected = personio.expect_records(raw, connector)

    async def read_records(self) -> Records:
        has_fields = self.slug == "greenhouse"
        served: Records = {}
        for spec in NATIVE_MODELS.values():
            items = await read_all(self.api, spec.plural, include_raw_data=True, include_custom_fields=has_fields)
            served[spec.plural] = {item["remote_id"]: item for item in items}
            for item in items:
                del item["modified_at"]
        return served

    async def let(self, rules: list[Json]) -> None:
        self.has_untraced = any(rule["word"] in UNTRACED for rule in rules)
        async with httpx.AsyncClient(base_url=self.ready.control_url) as control:
            (await control.put("faults", json=rules)).raise_for_status()

    async def end_faults(self) -> tuple[dict[str, int], dict[str, set[str]]]:
        """How often each fault struck, and the ids of the rows that were spoiled, by stream, to the last answer."""
        async with httpx.AsyncClient(base_url=self.ready.control_url) as control:
            fired = (await control.get("faults")).raise_for_status().json()["fired"]
            (await control.delete("faults")).raise_for_status()
            told = (await control.get("faults")).raise_for_status().json()
        spoiled: dict[str, set[str]] = {}
        for route, ids in told["spoiled"].items():
            stream = next(part for part in reversed(route.split("/")) if part not in ("{id}", "stage-transitions"))
            for id_ in ids:
                # A row without an id of its own belongs to what its path names.
                named = id_.split("/")[4] if id_.startswith("/") and len(id_.split("/")) > 4 else id_
                spoiled.setdefault(stream, set()).add(named)
        return fired, spoiled

    async def change(self, chance: random.Random) -> dict[str, set[str]]:
        """Some rows are others from now on; returns which, by stream."""
        await self.wait_an_hour()
        changed: dict[str, set[str]] = {}
        async with httpx.AsyncClient(base_url=self.ready.control_url) as control:
            for stream in CHANGING[self.slug]:
                before = {row["id"]: row["updated_at"] for row in self.rows[stream]}
                (await control.patch(f"rows/{stream}", json={"share": 0.02})).raise_for_status()
                changed[stream] = set(map(str, before))
        await self.wait_an_hour()
        old = self.rows
        await self.look()
        for stream in changed:
            was = {str(row["id"]): row for row in old[stream]}
            changed[stream] = {str(row["id"]) for row in self.rows[stream] if was.get(str(row["id"])) != row}
        return changed

    async def wait_an_hour(self) -> None:
        """For the vendor, whose clock is behind ours: what changes from now on is in no window that was read before."""
        async with httpx.AsyncClient(base_url=self.ready.control_url) as control:
            (await control.post("clock", json={"advance_seconds": 3600})).raise_for_status()

    def find_untouched(self, touched: Mapping[str, set[str]]) -> Records:
        """The expected records whose rows, and all rows that show in them, are none of the touched ones."""
        owners = OWNERS[self.slug]
        affected = {stream: set(ids) for stream, ids in touched.items()}
        for stream in self.tenant.integration.streams:
            if stream.name in self.rows:
                for join in stream.joins:
                    if join.via is not None:
                        continue  # shown by richer faces alone
                    affected.setdefault(stream.name, set()).update(self._find_owners(stream.name, join, touched))
        found: Records = {}
        for stream_name, plural in owners.items():
            if self.has_untraced and stream_name in DETAILED[self.slug]:
                continue
            ids = affected.get(stream_name, set())
            found[plural] = {id_: record for id_, record in self.expected[plural].items() if id_ not in ids}
        return found

    def _find_owners(self, stream: str, join: Join, touched: Mapping[str, set[str]]) -> set[str]:
        """The rows of the stream that show a touched row of the joined one."""
        keys = {
            str(_get(row, join.on)) for row in self.rows[join.stream] if str(row["id"]) in touched.get(join.stream, ())
        }
        return {str(row["id"]) for row in self.rows[stream] if str(_get(row, join.key or "id")) in keys}


def _without_more(record: Json) -> Json:
    return {name: value for name, value in record.items() if name != "more"}


def _get(row: Json, path: str) -> Any:
    found: Any = row
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


OWNERS: Mapping[str, Mapping[str, str]] = {
    "greenhouse": {
        stream: MODELS[model].plural for stream, model in harvest_truth.OWN.items() if model in NATIVE_MODELS
    },
    # What several rows make together, such as departments, may be made by the spoiled one among them.
    "personio": {"jobs": "jobs", "applications": "applications", "candidates": "candidates"},
}
"""Stream → the records that its rows make, one each."""

DETAILED: Mapping[str, Sequence[str]] = {"greenhouse": (), "personio": ("applications",)}
"""Streams whose rows have details: what a fault leaves out of those is in no list of what was spoiled."""

CHANGING: Mapping[str, Sequence[str]] = {
    "greenhouse": ("users", "departments", "job_posts", "jobs", "applications", "candidates", "interviews", "notes"),
    "personio": ("jobs", "candidates", "applications"),
}


def find_wrong(served: Records, expected: Records) -> list[str]:
    """What differs, in words; records beside the expected ones are no difference."""
    wrong = []
    for plural, records in expected.items():
        for id_, record in records.items():
            found = served[plural].get(id_)
            if found is None:
                wrong.append(f"{plural} {id_} is not served")
                continue
            pairs = {name: (_sort(found.get(name)), _sort(value)) for name, value in record.items()}
            odd = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
            if odd:
                wrong.append(f"{plural} {id_}, served and expected: {odd}")
    return wrong


def _sort(value: Any) -> Any:
    """Lists of ids in any order."""
    return sorted(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else value
