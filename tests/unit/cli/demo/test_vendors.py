import pytest

from unihire.cli.demo.command import list_playable, pick_vendors
from unihire.errors import ConfigError
from unihire.integration.registry import get_integration


def test_a_few_are_played_where_nobody_says_which() -> None:
    usual = pick_vendors(None)
    assert set(usual) < {*list_playable(), "another"}
    assert usual
    assert all(get_integration(slug).is_in_demo for slug in usual)


def test_those_named_are_played_in_their_order_each_once() -> None:
    first, second, *_ = list_playable()
    assert pick_vendors(f" {second}, {first},{second},") == [second, first]
    assert pick_vendors("all") == list_playable()


@pytest.mark.parametrize("asked", ["nobody", "", ",", "all,nobody"])
def test_vendor_that_cannot_be_played_is_named_with_those_that_can(asked: str) -> None:
    with pytest.raises(ConfigError, match=r"there are: .*, or all"):
        pick_vendors(asked)
