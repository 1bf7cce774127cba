"""What tells the lists and records of one face of the API from those of another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from unihire.dialects.common.filters import FOUND_BY_REMOTE_ID, FilterParam, list_filters
from unihire.dialects.common.lists import PAGE_SIZE_MOST
from unihire.model import ModelSpec


@dataclass(frozen=True, eq=False)
class Face:
    """Lists at `path`/<plural> and records at `path`/<plural>/<id>, one of each for every model.

    `schemas` is put before the names of its schemas in OpenAPI; `page_sizes` has the largest pages of models for which
    that is not PAGE_SIZE_MOST. `models` are those it has; a dialect's tests may add some to those of the vocabulary.
    """

    path: str
    models: tuple[ModelSpec, ...]
    schemas: str = ""
    page_sizes: Mapping[str, int] = field(default_factory=dict)
    found_by_remote_id: frozenset[str] = FOUND_BY_REMOTE_ID
    find_filters: Callable[[ModelSpec], tuple[FilterParam, ...]] = list_filters

    @cached_property
    def by_plural(self) -> Mapping[str, ModelSpec]:
        return {spec.plural: spec for spec in self.models}

    @cached_property
    def filters(self) -> Mapping[ModelSpec, tuple[FilterParam, ...]]:
        return {spec: self.find_filters(spec) for spec in self.models}

    def list_keys(self, spec: ModelSpec) -> tuple[str, ...]:
        """Every key of a record's answer."""
        return ("id", "modified_at", *(field.name for field in spec.fields), "custom_fields", "raw_data")

    def get_page_size_most(self, spec: ModelSpec) -> int:
        """The most records that a page of the list may be asked for."""
        return self.page_sizes.get(spec.name, PAGE_SIZE_MOST)

    def has_remote_id_filter(self, spec: ModelSpec) -> bool:
        return spec.name in self.found_by_remote_id

    def name_schema(self, spec: ModelSpec) -> str:
        """The name of a record's schema in OpenAPI."""
        return f"{self.schemas}{spec.record.__name__}"
