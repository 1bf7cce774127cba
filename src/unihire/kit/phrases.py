"""Phrases of messages for people."""


def count_of(number: int, noun: str) -> str:
    """`1 row`, `1,200 rows`: the noun's plural ends in s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
