"""What differs between the lists and records of one face of the API and those of another."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from unihire.dialects.common.filters import FOUND_BY_REMOTE_ID, RANGES, FilterParam, list_filters
from unihire.dialects.common.lists import PAGE_SIZE_MOST
from unihire.model import FieldSpec, ModelSpec
from unihire.platform.reads import Projection


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation that can be expanded. `place` is where a record of the face has it: the names of the members to it."""

    field: FieldSpec
    place: tuple[str, ...]


def _find_nothing(spec: ModelSpec) -> Mapping[str, tuple[FieldSpec, ...]]:
    return {}


@dataclass(frozen=True, eq=False)
class Face:
    """Lists at `path`/<plural> and records at `path`/<plural>/<id>, one of each for every one of its models.

    `schemas` is put before the names of its schemas in OpenAPI, `operations` after the names of its operations.
    `page_sizes` has the largest pages of models for which that is not PAGE_SIZE_MOST. `find_beside` says which members
    that contain fields of their own a record has beside those of its model, and `projection` makes them; without one a
    record is shown as it is stored. `find_relations` says what can be expanded, where that is not every relation at the
    place the vocabulary gives it. Lists of one that `has_ranges` can be narrowed by the vendor's moments.
    """

    path: str
    models: tuple[ModelSpec, ...]
    schemas: str = ""
    operations: str = ""
    page_sizes: Mapping[str, int] = field(default_factory=dict)
    found_by_remote_id: frozenset[str] = FOUND_BY_REMOTE_ID
    find_filters: Callable[[ModelSpec], tuple[FilterParam, ...]] = list_filters
    find_beside: Callable[[ModelSpec], Mapping[str, tuple[FieldSpec, ...]]] = _find_nothing
    find_relations: Callable[[ModelSpec], tuple[Relation, ...]] | None = None
    projection: Projection | None = None
    has_ranges: bool = False

    @cached_property
    def by_name(self) -> Mapping[str, ModelSpec]:
        return {spec.name: spec for spec in self.models}

    @cached_property
    def filters(self) -> Mapping[ModelSpec, tuple[FilterParam, ...]]:
        return {spec: self.find_filters(spec) for spec in self.models}

    @cached_property
    def relations(self) -> Mapping[ModelSpec, tuple[Relation, ...]]:
        """Those that can be expanded, of each model: not those inside the parts of a field."""
        find = self.find_relations or self._list_relations
        return {spec: tuple(find(spec)) for spec in self.models}

    def _list_relations(self, spec: ModelSpec) -> Iterator[Relation]:
        for each in spec.relations:
            yield Relation(each, (each.name,))
        for member, fields in self.find_beside(spec).items():
            for each in fields:
                if each.to is not None:
                    yield Relation(each, (member, each.name))

    def list_ranges(self, spec: ModelSpec) -> Sequence[FieldSpec]:
        """The moments its list can be narrowed by ranges of, the one first whose order counts where both are given."""
        if not self.has_ranges:
            return ()
        known = {field.name: field for field in (*spec.fields, *spec.more)}
        return [known[name] for name in RANGES if name in known]

    def list_keys(self, spec: ModelSpec) -> tuple[str, ...]:
        """Every key of a record's answer."""
        own = (field.name for field in spec.fields)
        return ("id", "modified_at", *own, *self.find_beside(spec), "custom_fields", "raw_data")

    def get_page_size_most(self, spec: ModelSpec) -> int:
        """The most records that a page of the list may be asked for."""
        return self.page_sizes.get(spec.name, PAGE_SIZE_MOST)

    def has_remote_id_filter(self, spec: ModelSpec) -> bool:
        return spec.name in self.found_by_remote_id

    def name_schema(self, spec: ModelSpec) -> str:
        """The name of a record's schema in OpenAPI."""
        return f"{self.schemas}{spec.record.__name__}"
