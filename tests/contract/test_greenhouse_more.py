"""Every field beside the native ones, and the models that the native face does not have, of a whole Greenhouse.

What the mapping makes of the emulator's rows is compared with what the contract says they must become, told in
`testbed/harvest_truth_more.py` from the rows alone. With `-s` the number of values of each field is printed.
"""

import sys
from collections import Counter
from typing import Any

import msgspec
import pytest

from testbed.harvest_rendered import make_records, read_rows
from testbed.harvest_truth import Records, expect_records
from unihire.integration.registry import get_integration
from unihire.model import MODELS, NATIVE_MODELS, spec_of

INTEGRATION = get_integration("greenhouse")
SIZE, SEED = 400, 7
NEW = {name: spec for name, spec in MODELS.items() if name not in NATIVE_MODELS}


@pytest.fixture(scope="module")
def expected() -> Records:
    return expect_records({name: list(rows) for name, rows in read_rows(SIZE, SEED).items()}, None)


@pytest.fixture(scope="module")
def made() -> Records:
    found: Records = {spec.plural: {} for spec in MODELS.values()}
    for record in make_records(read_rows(SIZE, SEED)):
        fields: dict[str, Any] = msgspec.to_builtins(record)
        assert record.remote_id is not None
        assert record.remote_id not in found[spec_of(type(record)).plural]
        found[spec_of(type(record)).plural][record.remote_id] = fields
    return found


@pytest.mark.parametrize("model", MODELS)
def test_fields_are_those_the_rows_tell(model: str, made: Records, expected: Records) -> None:
    spec = MODELS[model]
    assert made[spec.plural].keys() == expected[spec.plural].keys()
    for remote_id, record in expected[spec.plural].items():
        found = made[spec.plural][remote_id]
        fields = record["more"] if spec.is_native else {field.name: record[field.name] for field in spec.fields}
        odd = {name: (found[name], value) for name, value in fields.items() if found[name] != value}
        assert not odd, f"{model} {remote_id}, made and expected: {odd}"


def count_values(records: Records) -> dict[str, int]:
    """By field beside the native ones, and by field of new models: how many records have something there."""
    counts: Counter[str] = Counter()
    for name, spec in MODELS.items():
        for field in spec.more if spec.is_native else spec.fields:
            values = (record[field.name] for record in records[spec.plural].values())
            counts[f"{name}.{field.name}"] = sum(value not in (None, [], "") for value in values)
    return counts


def test_every_field_has_values_or_a_reason_why_it_has_none(made: Records) -> None:
    counts = count_values(made)
    for place, number in counts.items():
        sys.stdout.write(f"{place:<45} {number:>7}  {INTEGRATION.cannot.get(place, '')}\n")
    assert {place for place, number in counts.items() if not number} == counts.keys() & INTEGRATION.cannot.keys()
