"""Our own face of the records: every model, with what the native face has no place for as one more member, `more`."""

from datetime import datetime
from typing import Any

import msgspec

from unihire.dialects.common.faces import Face
from unihire.dialects.common.filters import FOUND_BY_REMOTE_ID
from unihire.model import MODELS, FieldSpec, ModelSpec
from unihire.platform.reads import Projection
from unihire.store.bodies import Stored

MORE = "more"

_NULL = msgspec.Raw(b"null")
_encode = msgspec.json.Encoder().encode


def _of_the_store(name: str, meaning: str, *, type: str, example: object) -> FieldSpec:
    return FieldSpec(name, type, None, meaning, example, (), None, None)


STORED_FIELDS = (
    _of_the_store("first_saved_at", "When it was first saved here.", type="string", example="2026-01-31T09:30:00Z"),
    _of_the_store(
        "vendor_words",
        "The vendor's own words for the normalised values, by field.",
        type="object",
        example={"status": "open"},
    ),
)
"""Members of `more` that every model has: what the store knows of a record."""


def list_more(spec: ModelSpec) -> tuple[FieldSpec, ...]:
    """The fields of a model's `more`."""
    return (*STORED_FIELDS, *spec.more)


class WithMore(Projection):
    """A record's members as they are stored, and `more` with every one of its fields: null where none is stored.

    No value is decoded: fields are put together as they are.
    """

    def __init__(self) -> None:
        self._decoders = {spec.number: _make_decoder(spec) for spec in MODELS.values()}

    def show(self, model: ModelSpec, record: Stored) -> bytes:
        more = self._decoders[model.number].decode(record.more or b"{}")
        more.first_saved_at = record.first_saved_at
        if record.words is not None:
            more.vendor_words = msgspec.Raw(record.words)
        return b'%b,"more":%b,"custom_fields":%b,"raw_data":%b}' % (
            record.members,
            _encode(more),
            b"null" if record.custom is None else record.custom,
            b"null" if record.raw is None else record.raw,
        )


def _make_decoder(spec: ModelSpec) -> msgspec.json.Decoder[Any]:
    fields = [(field.name, msgspec.Raw, _NULL) for field in spec.more]
    stored = [("first_saved_at", datetime | None, None), ("vendor_words", msgspec.Raw, _NULL)]
    return msgspec.json.Decoder(msgspec.defstruct("More", [*stored, *fields], gc=False))


OWN = Face(
    path="/api/v1",
    models=tuple(MODELS.values()),
    find_beside=lambda spec: {MORE: list_more(spec)},
    found_by_remote_id=FOUND_BY_REMOTE_ID | {spec.name for spec in MODELS.values() if not spec.is_native},
    operations="_record",
    projection=WithMore(),
    has_ranges=True,
)
