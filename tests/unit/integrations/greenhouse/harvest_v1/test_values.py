"""What the shapes of Harvest v1 share."""

from unihire.integration.vendor_row import VendorRow, by_id
from unihire.integrations.greenhouse.harvest_v1 import values

FIELDS = {
    "equity_grant_": {"name": "Equity Grant:", "type": "short_text", "value": "10 shares"},
    "time_type": {"name": "Employment Type", "type": "single_select", "value": None},
}


def test_moments_are_written_as_v1_wrote_them() -> None:
    moments = {
        "2026-05-05T22:36:04Z": "2026-05-05T22:36:04.000Z",
        "2026-05-05T22:36:04.296789Z": "2026-05-05T22:36:04.296Z",
        "2026-05-05T22:36:04.2+02:00": "2026-05-05T20:36:04.200Z",
        "2026-05-01 12:00:00 UTC": "2026-05-01T12:00:00.000Z",
        "2026-05-01T24:00:00Z": "2026-05-02T00:00:00.000Z",
        "2026-05-01T12:00:60Z": "2026-05-01T12:01:00.000Z",
        "soon": None,
        "": None,
        None: None,
        5: None,
    }
    for sent, shown in moments.items():
        assert values.to_moment(VendorRow("jobs", {"at": sent}).find_moment("at")) == shown


def test_custom_fields_are_named_as_today_and_keyed_as_ever() -> None:
    row = VendorRow("jobs", {"custom_fields": FIELDS})
    assert values.to_custom_fields(row) == {"equity_grant:": "10 shares", "employment_type": None}
    keyed = values.to_keyed_fields(row)
    assert list(keyed) == ["equity_grant_", "time_type"]
    assert keyed["time_type"] == values.KeyedField(name="Employment Type", type="single_select", value=None)


def test_a_candidates_field_that_is_not_set_is_null_itself() -> None:
    keyed = values.to_keyed_fields_or_null(VendorRow("candidates", {"custom_fields": {**FIELDS, "level": None}}))
    assert keyed["equity_grant_"] == values.KeyedField(name="Equity Grant:", type="short_text", value="10 shares")
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
    assert values.to_custom_fields(VendorRow("jobs", row)) == {"year": 7}


def test_rows_without_custom_fields_have_empty_maps() -> None:
    assert values.to_custom_fields(VendorRow("jobs", {"custom_fields": None})) == {}
    assert values.to_keyed_fields(VendorRow("jobs", {})) == {}


def test_a_user_without_a_name_is_called_by_the_address() -> None:
    row = {"id": 7, "first_name": None, "last_name": None, "name": None, "primary_email": "kim@example.com"}
    assert values.to_user_summary(VendorRow("users", row)).name == "kim@example.com"
    assert (
        values.to_user_summary(VendorRow("users", {**row, "first_name": "Kim", "last_name": "Doe"})).name == "Kim Doe"
    )


def test_a_user_the_vendor_does_not_show_is_shown_by_the_id_alone() -> None:
    users = by_id([VendorRow("users", {"id": 7, "name": "Kim Doe"}), VendorRow("users", {"name": "No Id"})])
    assert [values.show_user(users, id).name for id in (7, 8)] == ["Kim Doe", None]
