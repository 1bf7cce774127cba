import pytest

from testbed import effort


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effort, "IS_THOROUGH", False)


def test_few_cases_are_the_first_the_last_and_some_between_in_their_order() -> None:
    assert effort.pick(range(101), 5) == [0, 25, 50, 75, 100]
    assert effort.pick("abc", 2) == ["a", "c"]
    assert effort.pick("abc", 1) == ["a"]


def test_no_more_cases_than_there_are() -> None:
    assert effort.pick("abc", 3) == effort.pick("abc", 9) == ["a", "b", "c"]


def test_thorough_run_takes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effort, "IS_THOROUGH", True)
    assert effort.pick(range(101), 5) == list(range(101))
    assert effort.count(200, 3) == 200
