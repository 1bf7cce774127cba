"""What integrations declare of writes: each pair of the vocabulary once, in real names, with the scopes it needs."""

from collections.abc import Iterable
from typing import get_args

import msgspec
import pytest

from unihire.integration.declare import Integration
from unihire.integration.operate import describe_type
from unihire.integration.registry import list_integrations, list_unwritable, list_writes
from unihire.integration.write import LostAnswer, Write
from unihire.model import MODELS
from unihire.model.inputs import INPUTS, InputSpec

WRITING = [one for one in list_integrations() if list_writes(one.slug) or list_unwritable(one.slug)]
WRITES = [(one, write) for one in WRITING for write in list_writes(one.slug).values()]
EACH = pytest.mark.parametrize("integration", WRITING, ids=lambda one: one.slug)
EACH_WRITE = pytest.mark.parametrize(
    ("integration", "write"), WRITES, ids=[f"{one.slug}/{write.name}" for one, write in WRITES]
)


def get_spec(write: Write) -> InputSpec:
    return INPUTS[write.model, write.verb]


def list_fields(write: Write) -> set[str]:
    return {field.name for field in get_spec(write).fields}


@EACH
def test_each_write_of_the_vocabulary_is_declared_or_said_to_be_impossible(integration: Integration) -> None:
    can = [write.name for write in list_writes(integration.slug).values()]
    cannot = list(list_unwritable(integration.slug))
    assert sorted([*can, *cannot]) == sorted(spec.name for spec in INPUTS.values())


@EACH
def test_reasons_are_sentences(integration: Integration) -> None:
    for name, reason in list_unwritable(integration.slug).items():
        assert reason.endswith("."), name
        assert len(reason.split()) > 3, name


@EACH_WRITE
def test_fields_of_a_write_are_those_of_its_input(integration: Integration, write: Write) -> None:
    fields, takes = list_fields(write), set(write.takes)
    assert takes <= fields
    assert len(write.takes) == len(takes), "a field twice"
    assert set(write.requires) <= takes
    assert set(write.named.values()) <= takes
    assert set(write.words) <= takes
    assert set(write.cannot_empty) <= takes - set(write.requires)
    assert write.verb == "update" or not write.cannot_empty, "elsewhere null says nothing"
    assert set(get_spec(write).requires) <= takes, "without these it means nothing"


@EACH_WRITE
def test_custom_fields_are_taken_where_they_can_be_read(integration: Integration, write: Write) -> None:
    assert "custom_fields" in write.takes or write.custom_fields is None


@EACH_WRITE
def test_words_are_said_where_a_field_has_words(integration: Integration, write: Write) -> None:
    choices = {field.name for field in get_spec(write).fields if field.words}
    assert set(write.words) <= choices
    assert all(write.words.values())


@EACH_WRITE
def test_values_of_parameters_are_those_of_parameters(integration: Integration, write: Write) -> None:
    there = set(write.takes)
    if write.params is not None:
        there |= {field.name for field in msgspec.structs.fields(write.params)}
    assert set(write.options) <= there


@EACH_WRITE
def test_parameters_can_be_described_and_read(integration: Integration, write: Write) -> None:
    if write.params is not None and not describe_type(write.params).get("required"):
        assert msgspec.convert({}, write.params) == write.params()


@EACH_WRITE
def test_row_of_a_write_or_a_part_of_it_becomes_a_record_of_its_model(integration: Integration, write: Write) -> None:
    record = MODELS[write.model].record
    shown = [mapping.model for stream in integration.streams for mapping in stream.mappings]
    if write.stream is None:
        assert record not in shown, "the vendor shows it"
    else:
        assert record in {mapping.model for mapping in integration.get_stream(write.stream).mappings}


@EACH_WRITE
def test_write_says_how_a_lost_answer_is_found(integration: Integration, write: Write) -> None:
    assert write.lost_answer in get_args(LostAnswer)


@EACH_WRITE
def test_scopes_are_declared_where_the_vendor_has_some(integration: Integration, write: Write) -> None:
    has_scopes = integration.partner_auth is not None and bool(integration.partner_auth.scopes)
    assert write.scopes or not has_scopes
    assert not set(write.scopes) & set(write.more_scopes)
    assert is_each_once((*write.scopes, *write.more_scopes))


def is_each_once(names: Iterable[str]) -> bool:
    found = list(names)
    return len(found) == len(set(found))
