import pytest

from unihire.outbound.asked import (
    drop_params,
    fill_path,
    fill_texts,
    find_param,
    name_asked,
    set_param,
    split_asked,
    write_asked,
)


def test_get_and_post_are_told_apart() -> None:
    assert split_asked(write_asked("/jobs", {"q": "a b"})) == ("/jobs?q=a+b", None)
    assert split_asked(write_asked("/job.list", body={"q": "a b", "n": 1})) == ("/job.list", b'{"q":"a b","n":1}')
    assert split_asked(write_asked("/key.info", body={})) == ("/key.info", b"{}")


def test_name_has_neither_query_nor_body() -> None:
    assert name_asked("/jobs?email=a@example.com") == "/jobs"
    assert name_asked('/jobs {"email":"a?b@example.com"}') == "/jobs"


def test_parameter_is_set_where_the_call_has_its_parameters() -> None:
    assert set_param("/jobs?a=1&page=1&empty=", "page", 2) == "/jobs?a=1&page=2&empty="
    assert set_param('/jobs {"a":[1]}', "cursor", "x") == '/jobs {"a":[1],"cursor":"x"}'
    assert find_param("/jobs?a=1", "a") == "1"
    assert find_param('/jobs {"a":1}', "a") == 1
    assert find_param("/jobs", "a") is None


def test_parameter_that_is_a_list_is_repeated_on_every_page() -> None:
    asked = write_asked("/jobs", {"channel": ["a", "b c"], "all": True, "page": "1"})
    assert asked == "/jobs?channel=a&channel=b+c&all=True&page=1"
    assert set_param(asked, "page", 2) == "/jobs?channel=a&channel=b+c&all=True&page=2"
    assert set_param("/jobs?channel=a&channel=b", "offset", "%5B1%5D") == "/jobs?channel=a&channel=b&offset=%255B1%255D"


def test_names_in_braces_are_filled() -> None:
    values = {"id": "1/2 ü", "job.id": "7"}
    assert fill_path("/c/{id}/jobs/{job.id}", values.__getitem__) == "/c/1%2F2%20%C3%BC/jobs/7"
    assert fill_texts({"a": ["{id}", 3], "b": {"c": "x{job.id}"}}, values.__getitem__) == {
        "a": ["1/2 ü", 3],
        "b": {"c": "x7"},
    }


def test_parameters_are_dropped_from_a_query_and_nothing_else_is_touched() -> None:
    assert drop_params("/jobs?a=%2F&key=x&b=", {"key"}) == "/jobs?a=%2F&b="
    assert drop_params("/jobs?key=x", {"key"}) == "/jobs"
    assert drop_params("/jobs?a=~%2f", {"key"}) == "/jobs?a=~%2f"
    assert drop_params('/jobs?key=x {"key":"y"}', {"key"}) == '/jobs {"key":"y"}'


@pytest.mark.parametrize("name", ["id", "job.id", "job_id", "posts.0", "posts.0.id", "job.posts.12.id"])
def test_name_in_braces_is_a_member_or_an_item_of_a_list(name: str) -> None:
    assert fill_path(f"/jobs/{{{name}}}", lambda asked: f"<{asked}>") == f"/jobs/%3C{name}%3E"
    assert fill_texts({"ids": [f"{{{name}}}"]}, lambda asked: f"<{asked}>") == {"ids": [f"<{name}>"]}


@pytest.mark.parametrize("text", ["{}", "{0}", "{a b}", '{"id": 1}', "{id", "{posts.0x1}"])
def test_other_braces_stay_as_they_are(text: str) -> None:
    assert fill_texts(text, lambda asked: "x") == text
