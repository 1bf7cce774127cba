"""What the shapes of Harvest v1 share."""

import pytest

from unihire.integrations.greenhouse import v1_values

FIELDS = {
    "equity_grant_": {"name": "Equity Grant:", "type": "short_text", "value": "10 shares"},
    "time_type": {"name": "Employment Type", "type": "single_select", "value": None},
}


def test_moments_are_written_as_v1_wrote_them() -> None:
    assert v1_values.to_moment("2026-05-05T22:36:04Z") == "2026-05-05T22:36:04.000Z"
    assert v1_values.to_moment("2026-05-05T22:36:04.296789Z") == "2026-05-05T22:36:04.296Z"
    assert v1_values.to_moment("2026-05-05T22:36:04.2+02:00") == "2026-05-05T20:36:04.200Z"
    assert v1_values.to_moment(None) is None
    with pytest.raises(ValueError, match="isoformat"):
        v1_values.to_moment("soon")


def test_custom_fields_are_named_as_today_and_keyed_as_ever() -> None:
    row = {"custom_fields": FIELDS}
    assert v1_values.to_custom_fields(row) == {"equity_grant:": "10 shares", "employment_type": None}
    keyed = v1_values.to_keyed_fields(row)
    assert list(keyed) == ["equity_grant_", "time_type"]
    assert keyed["time_type"] == v1_values.KeyedField(name="Employment Type", type="single_select", value=None)


def test_a_candidates_field_that_is_not_set_is_null_itself() -> None:
    keyed = v1_values.to_keyed_fields_or_null({"custom_fields": {**FIELDS, "level": None}})
    assert keyed["equity_grant_"] == v1_values.KeyedField(name="Equity Grant:", type="short_text", value="10 shares")
    assert (keyed["time_type"], keyed["level"]) == (None, None)


def test_of_two_fields_of_one_name_the_one_with_a_value_is_shown() -> None:
    field = {"name": "Year", "type": "number"}
    row = {
        "custom_fields": {
            "year": {**field, "value": None},
            "year_1": {**field, "value": 7},
            "year_2": {**field, "value": 8},
        }
    }
    assert v1_values.to_custom_fields(row) == {"year": 7}


def test_rows_without_custom_fields_have_empty_maps() -> None:
    assert v1_values.to_custom_fields({"custom_fields": None}) == {}
    assert v1_values.to_keyed_fields({}) == {}


def test_a_user_without_a_name_is_called_by_the_address() -> None:
    row = {"id": 7, "first_name": None, "last_name": None, "name": None, "primary_email": "kim@example.com"}
    assert v1_values.to_user_summary(row).name == "kim@example.com"
    assert v1_values.to_user_summary({**row, "first_name": "Kim", "last_name": "Doe"}).name == "Kim Doe"


def test_a_user_the_vendor_does_not_show_is_null() -> None:
    users = v1_values.by_id([{"id": 7, "name": "Kim Doe"}])
    assert v1_values.find_user_summary(users, 8) is None
    assert v1_values.find_user_summary(users, None) is None
    found = v1_values.find_user_summary(users, 7)
    assert found is not None
    assert found.name == "Kim Doe"
