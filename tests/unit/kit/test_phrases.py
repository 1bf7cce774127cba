from unihire.kit.phrases import count_of


def test_one_is_singular_and_all_else_plural() -> None:
    assert [count_of(number, "row") for number in (0, 1, 2, 1200)] == ["0 rows", "1 row", "2 rows", "1,200 rows"]
