"""How the filters of a list are written in a query, where faces write them alike."""

from collections.abc import Mapping
from dataclasses import dataclass

from unihire.model import FieldSpec, FilterMatch, ModelSpec


@dataclass(frozen=True, slots=True)
class Grammar:
    """How the parameter of a filter is written.

    `name` is its own, where that is not the field's. One that `is_repeated` may be given several times; one that
    `takes_commas` also fits any value of a comma list; one that `is_closed` is refused with another value than the
    field's words. Values of one that `has_no_blanks` have none, so a `+` of the query, which is a blank in others, is
    a plus in them.
    """

    name: str | None = None
    is_repeated: bool = False
    takes_commas: bool = False
    is_closed: bool = False
    has_no_blanks: bool = False


@dataclass(frozen=True, slots=True)
class FilterParam:
    """A parameter that narrows a list to records by one of their fields."""

    field: FieldSpec
    grammar: Grammar

    @property
    def name(self) -> str:
        return self.grammar.name or self.field.name

    @property
    def match(self) -> FilterMatch:
        """How the values are compared."""
        assert self.field.filter is not None
        return self.field.filter

    @property
    def is_list(self) -> bool:
        """Whether it takes a comma list: of ids always."""
        return self.grammar.takes_commas or self.match is FilterMatch.ID


GRAMMARS: Mapping[tuple[str, str], Grammar] = {
    ("candidate", "company"): Grammar(takes_commas=True),
    ("candidate", "email_addresses"): Grammar(is_repeated=True, has_no_blanks=True),
    ("candidate", "tags"): Grammar(name="tag"),
    ("job", "status"): Grammar(is_closed=True),
    ("remote_user", "email"): Grammar(has_no_blanks=True),
}
"""By model and field; the others are the field's name and one value, or a comma list of ids."""

FOUND_BY_REMOTE_ID = frozenset(
    ("activity", "application", "attachment", "candidate", "job_interview_stage", "job", "offer", "office")
)
"""Models whose lists narrow to the record with an id of the vendor's."""

RANGES: Mapping[str, tuple[str, str]] = {
    "remote_updated_at": ("remote_updated_after", "remote_updated_before"),
    "remote_created_at": ("remote_created_after", "remote_created_before"),
}
"""The moments of the vendor's that lists can be narrowed by, and the parameters of the two ends.

Where both moments are asked for, the list is in the order of the first.
"""

_PLAIN = Grammar()


def list_filters(spec: ModelSpec) -> tuple[FilterParam, ...]:
    """The filters of a model's list, in the order of its fields."""
    return tuple(FilterParam(field, GRAMMARS.get((spec.name, field.name), _PLAIN)) for field in spec.filters)
