"""Filters: every documented one, single values and lists, first page and page 10,000, against the page without any.

A case's requests alternate with the baseline's one by one, so that what slows the machine down slows both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from urllib.parse import urlencode

import msgspec

from bench import load
from bench.figures import Figures
from bench.processes import Child, Mismatch
from bench.seeding import NARROW, Tenant, count_records, find_id, name_email, name_row, name_value
from bench.sizes import DEEP_PAGE, PAGE, Sizes
from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.common.cursors import write_cursor
from unihire.dialects.common.faces import Face
from unihire.dialects.common.filters import FilterParam
from unihire.kit.clock import from_micros, to_text
from unihire.model import MODELS, NATIVE_MODELS, FieldSpec, FilterMatch, ModelSpec
from unihire.store import Pool
from unihire.store.record_keys import FilterKeys

WARM_UP = 6
"""Unmeasured rounds: PostgreSQL may change to a plan for any value after five runs of a statement."""
AGAIN = 10
"""So many of the worst cases are measured a second time: the worst of many medians is worse than it is by chance.

Pairs, which have no bar, are all measured again and take nobody's place.
"""
AGAIN_ROUNDS = 3

# A position in a list, so many records in.
FIND_POSITION = """
    SELECT seq FROM record WHERE connector = $1 AND model = $2 AND deleted_at IS NULL ORDER BY seq OFFSET $3 LIMIT 1
"""

COUNT_KEY = "SELECT count(*) FROM record_key WHERE connector = $1 AND key = $2"

# A position in a filtered list, so many records in.
FIND_KEY_POSITION = "SELECT seq FROM record_key WHERE connector = $1 AND key = $2 ORDER BY seq OFFSET $3 LIMIT 1"

Params = dict[str, str] | list[tuple[str, str]]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Requests that should take as long as the first page of the list without a filter."""

    name: str
    plural: str
    paths: Sequence[str]
    face: Face = NATIVE

    @property
    def baseline(self) -> str:
        return write_path(self.plural, {}, face=self.face)


def write_path(plural: str, params: Params, cursor: str | None = None, *, face: Face = NATIVE) -> str:
    pairs = list(params.items()) if isinstance(params, dict) else params
    return f"{face.path}/{plural}?" + urlencode(
        [("page_size", str(PAGE)), *pairs, *([("cursor", cursor)] if cursor else [])]
    )


def find_deep_offset(records: int) -> int:
    """How many records lie before page DEEP_PAGE, or before the last whole page of a shorter list."""
    return min(DEEP_PAGE - 1, max(1, records // PAGE - 1)) * PAGE


async def measure_filters(pool: Pool, tenant: Tenant, loader: Child, port: int, sizes: Sizes, figures: Figures) -> None:
    """The figures `serve.filters_worst` and `serve.deep_page`."""
    maker = CaseMaker(pool, tenant, sizes)
    deep = [await maker.make_deep(MODELS["candidate"])]
    single = [
        case
        for spec in NATIVE_MODELS.values()
        if spec.filters or NATIVE.has_remote_id_filter(spec)
        for case in await maker.make_filters(spec)
    ]
    pairs = await maker.make_pairs(MODELS["candidate"]) + await maker.make_pairs(MODELS["application"])
    print(f"serving: {len(single)} filtered lists, {len(pairs)} with two filters", flush=True)
    asker = Asker(loader, port, tenant)
    ratios = await asker.compare([*deep, *single, *pairs], sizes.filter_rounds)
    worst = sorted(single, key=lambda case: -ratios[case])[:AGAIN]
    ratios |= await asker.compare([*deep, *worst, *pairs], sizes.filter_rounds * AGAIN_ROUNDS)
    figures.put("serve.deep_page", ratios[deep[0]])
    figures.put("serve.filters_worst", max(ratios[case] for case in single))
    figures.put("serve.filters_median", median(ratios[case] for case in single))
    figures.put("serve.filter_pairs_worst", max(ratios[case] for case in pairs))
    figures.put("serve.filters_measured", len(single))
    for case in sorted(single, key=lambda case: -ratios[case])[:8]:
        figures.remarks.append(f"slow filter: {ratios[case]:.2f} x  {case.name}")
    slowest = max(pairs, key=lambda case: ratios[case])
    figures.remarks.append(f"slowest of the pairs of filters (no bar): {ratios[slowest]:.2f} x  {slowest.name}")


class CaseMaker:
    """Makes the cases of a model from the values its made-up records have."""

    def __init__(self, pool: Pool, tenant: Tenant, sizes: Sizes) -> None:
        self._pool = pool
        self._connector = tenant.connector
        self._sizes = sizes

    async def make_deep(self, spec: ModelSpec) -> Case:
        offset = find_deep_offset(count_records(self._sizes, spec))
        path = write_path(spec.plural, {}, await self._find_cursor(spec, offset))
        return Case(f"{spec.plural}, page {offset // PAGE + 1:,}", spec.plural, [path])

    async def make_filters(self, spec: ModelSpec) -> list[Case]:
        cases = [case for param in NATIVE.filters[spec] for case in await self._make_filter(spec, param)]
        count = count_records(self._sizes, spec)
        cursor = await self._find_cursor(spec, find_deep_offset(count))
        middle = to_text(from_micros(await self._find_seq(spec, count // 2)))
        spread = [self._id(spec.name, number) for number in range(0, count, max(1, count // PAGE))][:PAGE]
        cases += [
            self._case(spec, "ids, one", [{"ids": one} for one in spread[:5]]),
            self._case(spec, f"ids, {len(spread)}", [{"ids": ",".join(spread)}]),
            self._case(spec, "modified_after", [{"modified_after": middle}]),
            self._case(spec, "modified_after, then on", [{"modified_after": middle}], cursor),
        ]
        if NATIVE.has_remote_id_filter(spec):
            named = [{"remote_id": name_row(spec.name, number)} for number in range(1, count, count // 5)]
            cases.append(self._case(spec, "remote_id", named))
        return cases

    async def make_pairs(self, spec: ModelSpec) -> list[Case]:
        """Two filters at once: common with common, common with rare, rare with rare."""
        by_name = {param.field.name: param for param in NATIVE.filters[spec]}
        names = ("company", "tags") if "company" in by_name else ("job", "source")
        one, other = (by_name[name] for name in names)
        cases = []
        for told, values in {"common, common": (0, 0), "common, rare": (0, 7), "rare, rare": (7, 9)}.items():
            asked = zip((one, other), values, strict=True)
            params = {param.name: self._value(param.field, value) for param, value in asked}
            cases.append(self._case(spec, f"{one.name} and {other.name}: {told}", [params]))
        return cases

    async def _make_filter(self, spec: ModelSpec, asked: FilterParam) -> list[Case]:
        field, param, count = asked.field, asked.name, count_records(self._sizes, spec)
        cursor = await self._find_cursor(spec, find_deep_offset(count))
        if field.name == "email_addresses":
            mails = [name_email(number) for number in range(3, count, count // 7)]
            two = [[(param, one), (param, other)] for one, other in pairwise(mails)]
            return [
                self._case(spec, f"{param}, one", [{param: mail} for mail in mails]),
                self._case(spec, f"{param}, one, from page 10,000", [{param: mail} for mail in mails], cursor),
                self._case(spec, f"{param}, two", two),
            ]
        common = self._value(field, 0)
        rare = [self._value(field, value) for value in range(1, NARROW, NARROW // 20)]
        own = await self._find_own_deep(spec, field)
        cases = [
            self._case(spec, f"{param}, common", [{param: common}]),
            self._case(spec, f"{param}, common, its page {own[0]:,}", [{param: common}], own[1]),
            self._case(spec, f"{param}, rare", [{param: value} for value in rare]),
            self._case(spec, f"{param}, rare, from page 10,000", [{param: value} for value in rare], cursor),
        ]
        if not (asked.grammar.is_closed or asked.match is FilterMatch.ID):
            cases.append(self._case(spec, f"{param}, unknown", [{param: "nobody has this"}]))
        if asked.is_list:
            lists = {"3 rare": rare[:3], "20 rare": rare[:20], "common and rare": [rare[0], common]}
            for told, values in lists.items():
                params = [{param: ",".join(values)}]
                cases.append(self._case(spec, f"{param}, list of {told}", params))
                cases.append(self._case(spec, f"{param}, list of {told}, from page {own[0]:,}", params, own[1]))
        return cases

    async def _find_own_deep(self, spec: ModelSpec, field: FieldSpec) -> tuple[int, str]:
        """Page number and cursor of page DEEP_PAGE of a filter's common value, or of its last whole page."""
        number = self._connector.number
        key = FilterKeys(number, spec.number, field).key(self._value(field, 0))
        offset = find_deep_offset(await self._pool.fetchval(COUNT_KEY, number, key))
        seq = await self._pool.fetchval(FIND_KEY_POSITION, number, key, offset - 1)
        return offset // PAGE + 1, write_cursor(self._connector.id, spec.name, seq)

    async def _find_seq(self, spec: ModelSpec, offset: int) -> int:
        found: int = await self._pool.fetchval(FIND_POSITION, self._connector.number, spec.number, offset - 1)
        return found

    async def _find_cursor(self, spec: ModelSpec, offset: int) -> str:
        return write_cursor(self._connector.id, spec.name, await self._find_seq(spec, offset))

    def _case(self, spec: ModelSpec, told: str, each: Sequence[Params], cursor: str | None = None) -> Case:
        return Case(f"{spec.plural}: {told}", spec.plural, [write_path(spec.plural, one, cursor) for one in each])

    def _value(self, field: FieldSpec, value: int) -> str:
        return self._id(field.to, value) if field.to else name_value(field, value)

    def _id(self, model: str, number: int) -> str:
        return find_id(self._connector.id, model, number)


class Asker:
    """Asks the product and compares."""

    def __init__(self, loader: Child, port: int, tenant: Tenant) -> None:
        self._loader = loader
        self._port = port
        self._headers = tenant.headers

    async def compare(self, cases: Sequence[Case], rounds: int) -> dict[Case, float]:
        """For each case: its median time over that of the unfiltered first page, asked in turn."""
        warm_up = min(WARM_UP, rounds)
        paths = [path for turn in range(warm_up + rounds) for case in cases for path in _turn_of(case, turn)]
        order = load.Order(port=self._port, paths=paths, headers=self._headers)
        got = msgspec.convert(await self._loader.ask(order), load.Answer)
        if got.failed or len(got.each) != len(paths):
            raise Mismatch(f"a filtered list failed: {got.failed}")
        step = 2 * len(cases)
        kept = got.each[warm_up * step :]
        return {
            case: median(kept[2 * place + 1 :: step]) / median(kept[2 * place :: step])
            for place, case in enumerate(cases)
        }


def _turn_of(case: Case, turn: int) -> Iterator[str]:
    yield case.baseline
    yield case.paths[turn % len(case.paths)]
