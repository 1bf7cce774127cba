"""The query of a read, taken apart and checked."""

from datetime import UTC, datetime
from typing import Any

import pytest

from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.common.lists import parse_id
from unihire.dialects.common.params import (
    MOST_VALUES,
    ListQuery,
    parse_ids,
    read_filters,
    read_list_query,
    read_record_query,
    split_cursor,
)
from unihire.errors import Invalid, shorten
from unihire.kit.text import normalise_text
from unihire.model import MODELS, ModelSpec

CANDIDATE = MODELS["candidate"]
JOB = MODELS["job"]
USER = MODELS["remote_user"]


def name_filters(spec: ModelSpec, asked: ListQuery) -> list[tuple[str, list[str]]]:
    return [(field.name, values) for field, values in read_filters(NATIVE, spec, asked)]


def problems_of(query: bytes) -> list[dict[str, Any]]:
    with pytest.raises(Invalid) as caught:
        read_list_query(NATIVE, JOB, query)
    return caught.value.problems


def test_query_bytes_are_utf_8_whether_escaped_or_not() -> None:
    for query in (b"first_name=Jos%C3%A9", "first_name=José".encode()):
        assert name_filters(CANDIDATE, read_list_query(NATIVE, CANDIDATE, query)) == [("first_name", ["José"])]


def test_comma_is_a_comma_however_it_is_escaped_but_an_escaped_escape_is_text() -> None:
    for comma in (b",", b"%2C", b"%2c"):
        asked = read_list_query(NATIVE, CANDIDATE, b"a=1%s&company=x%sy%%26z&ids=%s" % (comma, comma, comma))
        assert (asked.ids, name_filters(CANDIDATE, asked)) == (",", [("company", ["x,y&z", "x", "y&z"])])
    assert read_list_query(NATIVE, CANDIDATE, b"ids=%252C%%2C%2").ids == "%2C%,%2"


def test_bytes_that_are_no_text_are_no_error() -> None:
    for query in (b"first_name=%ff%fe", b"first_name=\xff\xfe", b"%", b"&&=&", b"first_name=%00"):
        assert read_list_query(NATIVE, CANDIDATE, query).page_size == 50


def test_last_of_a_repeated_parameter_counts_unless_it_may_be_repeated() -> None:
    asked = read_list_query(NATIVE, CANDIDATE, b"page_size=1&page_size=2&email_addresses=a&email_addresses=b")
    assert asked.page_size == 2
    assert name_filters(CANDIDATE, asked) == [("email_addresses", ["a", "b"])]


def test_every_problem_is_told_at_once() -> None:
    found = problems_of(b"page_size=0&include_raw_data=x&status=Q&modified_after=no&expand=zz")
    assert {problem["loc"][1] for problem in found} == {
        "page_size", "include_raw_data", "status", "modified_after", "expand",
    }  # fmt: skip
    for problem in found:
        assert problem["loc"][0] == "query"
        assert {"type", "loc", "msg", "input"} <= problem.keys() <= {"type", "loc", "msg", "input", "ctx"}


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        ("0", "greater_than_equal", "Input should be greater than or equal to 1"),
        ("101", "less_than_equal", "Input should be less than or equal to 100"),
        ("abc", "int_parsing", "Input should be a valid integer, unable to parse string as an integer"),
        ("", "int_parsing", "Input should be a valid integer, unable to parse string as an integer"),
        ("-1", "greater_than_equal", "Input should be greater than or equal to 1"),
        ("1.5", "int_parsing", "Input should be a valid integer, unable to parse string as an integer"),
        ("9" * 5000, "int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size"),
    ],
)
def test_page_size_is_refused_in_fastapis_words(value: str, kind: str, message: str) -> None:
    (problem,) = problems_of(f"page_size={value}".encode())
    assert (problem["type"], problem["loc"], problem["msg"], problem["input"]) == (
        kind, ["query", "page_size"], message, shorten(value),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026",
        "2026-13-01",
        "2026-02-30T00:00:00Z",
        "1700000000",
        "2026-01-01T25:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_text_that_is_no_moment_is_refused(text: str) -> None:
    (problem,) = problems_of(f"modified_after={text.replace('+', '%2B')}".encode())
    assert (problem["type"], problem["input"]) == ("datetime_parsing", text)


def test_lost_plus_sign_of_an_offset_is_restored() -> None:
    asked = read_list_query(NATIVE, JOB, b"modified_after=2026-03-01T12:00:00+02:00")  # unescaped: arrives as a blank
    assert asked.modified_after == datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("value", [b"jane+x@example.com", b"jane%2Bx@example.com", b"jane%2bx%40example.com"])
def test_plus_in_an_e_mail_filter_is_a_plus(value: bytes) -> None:
    for spec, name in ((CANDIDATE, b"email_addresses"), (CANDIDATE, b"email%5Faddresses"), (USER, b"email")):
        ((_, values),) = name_filters(spec, read_list_query(NATIVE, spec, b"page_size=1&%s=%s&cursor=" % (name, value)))
        assert values == ["jane+x@example.com"]


def test_blanks_around_an_e_mail_address_are_blanks_however_they_are_written() -> None:
    for value, expected in {
        b"+jane%2Bx@example.com++": "jane+x@example.com",
        b"%2B49@sms.example.com+": "+49@sms.example.com",
    }.items():
        for spec, name in ((CANDIDATE, b"email_addresses"), (USER, b"email")):
            ((_, found),) = read_filters(NATIVE, spec, read_list_query(NATIVE, spec, name + b"=" + value))
            assert [normalise_text(one) for one in found] == [expected]


def test_plus_in_another_text_is_a_blank_as_forms_write_it() -> None:
    query = b"first_name=Mary+Ann&tag=C%2B%2B&company=A+%2B+B&email_addresses=a+b@x.com&email_addresses=c%20d"
    assert dict(name_filters(CANDIDATE, read_list_query(NATIVE, CANDIDATE, query))) == {
        "first_name": ["Mary Ann"], "tags": ["C++"], "company": ["A + B"], "email_addresses": ["a+b@x.com", "c d"],
    }  # fmt: skip


def test_more_ids_or_values_than_can_be_asked_for_are_refused_with_the_number() -> None:
    ids = [f"5b0f7a52-3c1e-5d0b-9f57-{number:012x}" for number in range(MOST_VALUES + 1)]
    assert len(parse_ids(",".join(ids[1:]))) == MOST_VALUES
    for text in (",".join(ids), " ,".join(ids)):
        with pytest.raises(Invalid, match="at most 1,600 can be asked for at once"):
            parse_ids(text)
    for query in (
        "candidate=" + ",".join(ids),
        "company=" + ",".join(ids),
        "&".join(f"email_addresses={id}" for id in ids),
    ):
        spec = MODELS["application"] if query.startswith("candidate") else CANDIDATE
        with pytest.raises(Invalid, match=r"1,60[12] values are too many: at most 1,600"):
            name_filters(spec, read_list_query(NATIVE, spec, query.encode()))


def test_unknown_parameters_are_let_through_where_their_names_are_not_checked() -> None:
    assert read_list_query(NATIVE, JOB, b"colour=red&page_size=3").page_size == 3
    assert not read_record_query(NATIVE, JOB, b"page_size=abc&cursor=").include_raw_data


def test_status_is_one_of_the_six_words() -> None:
    (problem,) = problems_of(b"status=open")
    assert problem["type"] == "literal_error"
    assert all(word in problem["msg"] for word in ("OPEN", "CLOSED", "DRAFT", "ARCHIVED", "PENDING", "'-'"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "5b0f7a523c1e5d0b9f576a4f6a0f9d11",
        "{5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11}",
        "urn:uuid:5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11",
        "5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d1\n",
        "\uff15b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11",
    ],
)
def test_text_that_is_no_id_in_its_usual_form_is_none(text: str) -> None:
    assert parse_id(text) is None


def test_ids_are_lowered_and_what_is_none_is_left_out() -> None:
    one, other = "5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11", "0a0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d12"
    assert parse_ids(f"{one},{other.upper()}") == [one, other]
    assert parse_ids(f" {one} ,,x{other}, {other}x,\t{other}") == [one, other]
    assert parse_ids(f"{one}{other}") == parse_ids(f"{one},{other}"[1:-1]) == parse_ids("") == []
    assert parse_ids(f"{one},") == parse_ids(f",{one}\n") == [one]


@pytest.mark.parametrize(
    ("query", "words", "cursor"),
    [
        (b"", b"", ""),
        (b"cursor=AbC-_9", b"", "AbC-_9"),
        (b"page_size=5&cursor=AbC", b"page_size=5", "AbC"),
        (b"cursor=AbC&page_size=5", b"page_size=5", "AbC"),
        (b"a=1&cursor=AbC&page_size=5", b"a=1&page_size=5", "AbC"),
        (b"page_size=5&cursor=", b"page_size=5&cursor=", ""),
        (b"cursor=a&cursor=b", b"cursor=a&cursor=b", ""),
        (b"cursor=a%2Db", b"cursor=a%2Db", ""),
        (b"precursor=a", b"precursor=a", ""),
        (b"company=cursor=a", b"company=cursor=a", ""),
        (b"company=cursor&cursor=a", b"company=cursor", "a"),
        (b"page_size=5;cursor=a", b"page_size=5;cursor=a", ""),
    ],
)
def test_a_plain_cursor_is_taken_out_of_a_query(query: bytes, words: bytes, cursor: str) -> None:
    assert split_cursor(query) == (words, cursor)
    if cursor:
        asked, rest = read_list_query(NATIVE, CANDIDATE, query), read_list_query(NATIVE, CANDIDATE, words)
        assert asked == rest.model_copy(update={"cursor": cursor})
