"""Fault rules are read strictly, counted exactly and drawn the same each time."""

from pathlib import Path

import pytest

from unihire.errors import ConfigError
from unihire.sandbox.faults import FAULTS, FaultPlan, FaultRule, read_fault, read_fault_fields


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("429", FaultRule("429")),
        ("500,next=3,path=/v2/*", FaultRule("500", next=3, path="/v2/*")),
        ("slow,probability=0.25,seconds=2", FaultRule("slow", probability=0.25, seconds=2)),
        ("null-member,member=*_at", FaultRule("null-member", member="*_at")),
        ("gzip-bomb,megabytes=30", FaultRule("gzip-bomb", megabytes=30)),
    ],
)
def test_faults_are_read_from_text(text: str, rule: FaultRule) -> None:
    assert read_fault(text) == rule


@pytest.mark.parametrize(
    "text",
    [
        "",
        "418",
        "429,often",
        "429,next=x",
        "429,probability=2",
        "429,next=1,probability=0.5",
        "slow,seconds=-1",
        "gzip-bomb,megabytes=0",
    ],
)
def test_bad_fault_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(ConfigError, match="fault"):
        read_fault(text)


@pytest.mark.parametrize(
    "fields",
    [
        None,
        5,
        {},
        {"word": 429},
        {"word": "429", "times": 3},
        {"word": "429", "next": 1.5},
        {"word": "429", "path": 1},
        {"word": "null-member", "member": 5},
    ],
)
def test_bad_fault_fields_are_refused_in_words(fields: object) -> None:
    with pytest.raises(ConfigError, match="fault"):
        read_fault_fields(fields)


def test_next_n_counts_only_requests_on_its_path() -> None:
    plan = FaultPlan(1, [FaultRule("500", next=2, path="/a/*")])
    struck = [plan.fires("500", path) for path in ("/b", "/a/1", "/b", "/a/2", "/a/3")]
    assert struck == [False, True, False, True, False]
    assert plan.list()[0]["next"] == 0
    assert plan.fired == {"500": 2}
    plan.reset()
    assert plan.list()[0]["next"] == 2


def test_luck_repeats_with_the_seed_and_is_not_shared() -> None:
    def draw(seed: int, *rules: FaultRule) -> list[bool]:
        plan = FaultPlan(seed, rules)
        return [plan.fires("429", "/") for _ in range(100)]

    rule = FaultRule("429", probability=0.4)
    assert draw(1, rule) == draw(1, rule) == draw(1, rule, FaultRule("500", probability=0.4))
    assert draw(1, rule) != draw(2, rule)
    assert 20 < sum(draw(1, rule)) < 60


def test_every_fault_is_described() -> None:
    page = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert all(f"| `{word}` | {help_} |" in page for word, help_ in FAULTS.items())
    assert [FaultPlan(1, [FaultRule(word)]).fires(word, "/") for word in FAULTS] == [True] * len(FAULTS)
