"""What a key or a connector does not show: fields, emptied in answers and of no use to find records by; and models."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import msgspec

from unihire.errors import Forbidden
from unihire.model import MODELS, ModelSpec
from unihire.model.deriving import DERIVED_FROM
from unihire.store.bodies import Stored
from unihire.store.feed.rendered import EMPTY_ENDING

CUSTOM_FIELDS = "custom_fields"

_NULL = msgspec.Raw(b"null")
_encode = msgspec.json.Encoder().encode
_read_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Hidden:
    """The names of hidden fields, by the name of their model; `custom_fields` may be among them. And models.

    `models` are the names of the only models that are shown, None for all. Others have no lists, are not expanded and
    have no events; where there are such, no raw data is shown, since a vendor's row may show others.

    A hidden field is null in every answer, as if the vendor did not say it: the keys of a record stay those its schema
    has. What says the same is hidden with it: the field it is derived from and those derived from it (`emails`,
    `email_addresses`), the vendor's word for it, and the raw data of its model. Raises ValueError for fields that
    the vocabulary does not have, and for `remote_id`, by which a record is known.
    """

    fields: Mapping[str, frozenset[str]]
    models: frozenset[str] | None = None

    def __post_init__(self) -> None:
        for model, names in self.fields.items():
            spec = MODELS.get(model)
            if spec is None:
                raise ValueError(f"there is no model {model!r} of which fields could be hidden")
            known = {field.name for field in (*spec.fields, *spec.more)} - {"remote_id"}
            if unknown := names - known - {CUSTOM_FIELDS}:
                raise ValueError(f"{spec.noun} has no field {', '.join(sorted(unknown))} that could be hidden")

    def names(self, model: ModelSpec) -> frozenset[str]:
        """The fields of a model that are hidden."""
        named = self.fields.get(model.name)
        return frozenset() if named is None else _add_derived(model.name, named)

    def shows(self, model: str) -> bool:
        """Whether the model of that name is shown."""
        return self.models is None or model in self.models

    def refuse_model(self, model: str) -> None:
        """Raises Forbidden where the model of that name is not shown."""
        if not self.shows(model):
            there = ", ".join(sorted(self.models or ()))
            raise Forbidden(f"This API key is limited to models ({there}): {model} is not among them")

    def refuse(self, model: ModelSpec, names: Iterable[str], use: str) -> None:
        """Raises Forbidden where one of the names is of a hidden field; `use` says what it was to be used for."""
        for name in sorted(self.names(model) & set(names)):
            raise Forbidden(f"{model.name}.{name} is hidden from this key or connector: it cannot be {use}")

    def join(self, other: "Hidden | None") -> "Hidden":
        """What either hides."""
        if other is None:
            return self
        names = self.fields.keys() | other.fields.keys()
        shown = [one.models for one in (self, other) if one.models is not None]
        return Hidden(
            {name: self.fields.get(name, frozenset()) | other.fields.get(name, frozenset()) for name in names},
            frozenset.intersection(*shown) if shown else None,
        )


def empty_body(model: ModelSpec, body: bytes, names: frozenset[str]) -> bytes:
    """A stored body with these fields null. No value is decoded."""
    record = _make_decoder(model).decode(body)
    for name in names & set(record.__struct_fields__):
        setattr(record, name, _NULL)
    return _encode(record)


def empty_stored(model: ModelSpec, stored: Stored, names: frozenset[str]) -> Stored:
    """What is stored of a record, without these fields and the vendor's words for them."""
    body = empty_body(model, stored.members + EMPTY_ENDING, names)
    return stored._replace(
        members=body[: -len(EMPTY_ENDING)], more=_leave_out(stored.more, names), words=_leave_out(stored.words, names)
    )


@cache
def _add_derived(model: str, names: frozenset[str]) -> frozenset[str]:
    """The names, with those of fields that say the same."""
    richer = {DERIVED_FROM[model, name] for name in names if (model, name) in DERIVED_FROM} | names
    native = {name for (of, name), source in DERIVED_FROM.items() if of == model and source in richer}
    return frozenset(richer | native)


@cache
def _make_decoder(model: ModelSpec) -> msgspec.json.Decoder[msgspec.Struct]:
    names = ("id", "modified_at", *(field.name for field in model.fields), "custom_fields", "raw_data")
    return msgspec.json.Decoder(
        msgspec.defstruct(model.record.__name__, [(name, msgspec.Raw, _NULL) for name in names], gc=False)
    )


def _leave_out(members: bytes | None, names: frozenset[str]) -> bytes | None:
    """A JSON object without these members."""
    if members is None:
        return None
    read = _read_members(members)
    return _encode({name: value for name, value in read.items() if name not in names})
