"""Ranges of the vendor's moments on our own face, and lists with deleted records, against the page without them."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from bench.figures import Figures
from bench.filters import Asker, Case, Params, find_deep_offset, write_path
from bench.processes import Child
from bench.seeding import NARROW, Tenant, count_records, find_id, name_value, settle, tell_moment
from bench.sizes import PAGE, Sizes
from unihire.dialects.common.cursors import write_moment_cursor
from unihire.dialects.common.filters import RANGES
from unihire.dialects.unihire.records import OWN
from unihire.kit.clock import from_micros, to_text
from unihire.model import MODELS, ModelSpec
from unihire.store import Pool, ranges
from unihire.store.feed.gate import lock_feed
from unihire.store.feed.saving import mark_deleted

NARROWED = ("candidate", "application")
"""Models whose lists are narrowed: moments of the first are in its answer, those of the second stored beside it."""

FEW = 100
"""Records of a narrow range."""

DELETED_EVERY = 20
"""One of so many is deleted in the list that is asked for with deleted records."""

# A place in a list in the order of a moment, so many records in.
FIND_PLACE = """
    SELECT {moment} AS moment, seq FROM record
    WHERE connector = $1 AND model = $2 AND {moment} IS NOT NULL ORDER BY {moment}, seq OFFSET $3 LIMIT 1
"""

# A position in the feed of a list, so many records in.
FIND_POSITION = """
    SELECT seq FROM record WHERE connector = $1 AND model = $2 AND deleted_at IS NULL ORDER BY seq OFFSET $3 LIMIT 1
"""

# Some records all over a list.
LIST_SPREAD = """
    SELECT id::text FROM (
        SELECT id, row_number() OVER (ORDER BY seq) AS nth FROM record
        WHERE connector = $1 AND model = $2 AND deleted_at IS NULL
    ) AS every WHERE nth % $3 = 0
"""


async def measure_ranges(pool: Pool, tenant: Tenant, loader: Child, port: int, sizes: Sizes, figures: Figures) -> None:
    """The figures `serve.ranges_*`."""
    maker = _Maker(pool, tenant, sizes)
    alone, together = list[Case](), list[Case]()
    for name in NARROWED:
        alone += await maker.make_alone(MODELS[name])
        together += await maker.make_together(MODELS[name])
    print(f"serving: {len(alone)} ranges, {len(together)} together with more", flush=True)
    ratios = await Asker(loader, port, tenant).compare([*alone, *together], sizes.filter_rounds)
    figures.put("serve.ranges_worst", max(ratios[case] for case in alone))
    figures.put("serve.ranges_median", median(ratios[case] for case in alone))
    figures.put("serve.ranges_together_worst", max(ratios[case] for case in together))
    figures.put("serve.ranges_together_median", median(ratios[case] for case in together))
    for kind in (alone, together):
        for case in sorted(kind, key=lambda case: -ratios[case])[:5]:
            figures.remarks.append(f"slow range: {ratios[case]:.2f} x  {case.name}")


async def measure_deleted(pool: Pool, tenant: Tenant, loader: Child, port: int, sizes: Sizes, figures: Figures) -> None:
    """The figure `serve.with_deleted`; many of the list are deleted for it."""
    spec = MODELS["application"]
    number = tenant.connector.number
    found = [row["id"] for row in await pool.fetch(LIST_SPREAD, number, spec.number, DELETED_EVERY)]
    async with lock_feed(pool, number) as connection:
        await mark_deleted(connection, number, found[: len(found) // 2])
    await settle(pool)
    asked: Params = {"include_deleted": "true"}
    first = Case(f"{spec.plural} with deleted", spec.plural, [write_path(spec.plural, asked)])
    last: int = await pool.fetchval(
        FIND_POSITION, number, spec.number, max(0, count_records(sizes, spec) - len(found) // 2 - PAGE)
    )
    since: Params = {**asked, "modified_after": to_text(from_micros(last))}
    end = Case(f"{spec.plural} with deleted, at the end", spec.plural, [write_path(spec.plural, since)])
    ratios = await Asker(loader, port, tenant).compare([first, end], sizes.filter_rounds)
    figures.put("serve.with_deleted", max(ratios[first], ratios[end]))


class _Maker:
    """Makes the cases of a model."""

    def __init__(self, pool: Pool, tenant: Tenant, sizes: Sizes) -> None:
        self._pool = pool
        self._connector = tenant.connector
        self._sizes = sizes

    async def make_alone(self, spec: ModelSpec) -> list[Case]:
        """Ranges of every width, the first page and a far one."""
        count = count_records(self._sizes, spec)
        cases = []
        for field in OWN.list_ranges(spec):
            wide, deep = self._bound(field.name, count // 1000, None), find_deep_offset(count - count // 1000)
            cursor = await self._find_cursor(spec, field.name, deep)
            few = [self._bound(field.name, start, start + FEW) for start in range(0, count - FEW, count // 10)]
            cases += [
                self._case(spec, f"{field.name}, wide", [wide]),
                self._case(spec, f"{field.name}, wide, page {deep // PAGE + 1:,}", [wide], cursor),
                self._case(spec, f"{field.name}, before", [self._bound(field.name, None, count - count // 1000)]),
                self._case(spec, f"{field.name}, a tenth", [self._bound(field.name, count // 2, count * 6 // 10)]),
                self._case(spec, f"{field.name}, {FEW} records", few),
                self._case(spec, f"{field.name}, none", [self._bound(field.name, 3 * count + 10_000_000, None)]),
            ]
        return cases

    async def make_together(self, spec: ModelSpec) -> list[Case]:
        """Ranges with what else narrows lists."""
        count = count_records(self._sizes, spec)
        filters = {field.name: field for field in spec.filters}
        field = filters["company" if "company" in filters else "source"]
        common, rare = name_value(field, 0), name_value(field, NARROW // 2)
        middle = await self._pool.fetchval(FIND_POSITION, self._connector.number, spec.number, count // 2)
        since = {"modified_after": to_text(from_micros(middle))}
        spread = [find_id(self._connector.id, spec.name, number) for number in range(0, count, max(1, count // PAGE))]
        cases = []
        for one in OWN.list_ranges(spec):
            wide, few = self._bound(one.name, count // 1000, None), self._bound(one.name, count // 2, count // 2 + FEW)
            cursor = await self._find_cursor(spec, one.name, find_deep_offset(count - count // 1000))
            for told, bounds, place in (("wide", wide, None), ("wide, far", wide, cursor), (f"{FEW}", few, None)):
                cases += [
                    self._case(
                        spec, f"{one.name}, {told}, {field.name} common", [{**bounds, field.name: common}], place
                    ),
                    self._case(spec, f"{one.name}, {told}, {field.name} rare", [{**bounds, field.name: rare}], place),
                    self._case(spec, f"{one.name}, {told}, {PAGE} ids", [{**bounds, "ids": ",".join(spread)}], place),
                ]
            cases.append(self._case(spec, f"{one.name}, wide, modified_after", [{**wide, **since}]))
        both = [self._bound(one.name, count // 1000, None) for one in OWN.list_ranges(spec)]
        cases.append(self._case(spec, "both moments, wide", [{**both[0], **both[1]}]))
        created = self._bound("remote_created_at", count // 2, count // 2 + FEW)
        cases.append(self._case(spec, "both moments, the second narrow", [{**both[0], **created}]))
        return cases

    def _bound(self, name: str, after: int | None, before: int | None) -> dict[str, str]:
        """A range between the moments when two records were created, by their numbers."""
        ends = zip(RANGES[name], (after, before), strict=True)
        return {end: to_text(tell_moment("remote_created_at", number)) for end, number in ends if number is not None}

    async def _find_cursor(self, spec: ModelSpec, name: str, offset: int) -> str:
        query = FIND_PLACE.format(moment=ranges.MOMENTS[name])
        row: Any = await self._pool.fetchrow(query, self._connector.number, spec.number, offset - 1)
        return write_moment_cursor(self._connector.id, spec.name, name, (row["moment"], row["seq"]))

    def _case(self, spec: ModelSpec, told: str, each: Sequence[dict[str, str]], cursor: str | None = None) -> Case:
        paths = [write_path(spec.plural, one, cursor, face=OWN) for one in each]
        return Case(f"{spec.plural}: {told}", spec.plural, paths, OWN)
