"""Whole rows, spoiled: another one, no object, of 10 MB, 100,000 deep."""

import msgspec

from unihire.sandbox.spoiling.reply import Json, OutgoingResponse, Spoiler, Strike, encode, has_rows, note, pick_row

DEEP = 100_000
MEGABYTE = 1_000_000
NO_ROWS: tuple[Json, ...] = (None, True, 7, "row", [], ["id"], {})


def give_another(reply: OutgoingResponse, strike: Strike) -> None:
    """A row this sandbox has sent before takes the place of one that was asked for."""
    row = pick_row(reply, strike.rng)
    others = [other for other in reply.memory.list_rows(reply.answer.route) if other["id"] != row.get("id")]
    if others:
        other = strike.rng.choice(others)
        note(reply, "other-row", row)
        note(reply, "other-row", other)
        reply.put_row(row, other)


def give_no_object(reply: OutgoingResponse, strike: Strike) -> None:
    row = pick_row(reply, strike.rng)
    note(reply, "odd-row", row)
    reply.put_row(row, strike.rng.choice(NO_ROWS))


def give_huge(reply: OutgoingResponse, strike: Strike) -> None:
    """The row with so many megabytes more, in a member that no document names."""
    row = pick_row(reply, strike.rng)
    note(reply, "huge-row", row)
    row["huge"] = "x" * int(strike.megabytes * MEGABYTE)
    reply.is_touched = True


def give_deep(reply: OutgoingResponse, strike: Strike) -> None:
    """The row with a member that is nested as deep as no parser goes, its other members as they were."""
    row = pick_row(reply, strike.rng)
    note(reply, "deep-row", row)
    nested = b'{"a":' * DEEP + b"0" + b"}" * DEEP
    reply.put_row(row, msgspec.Raw(encode(row)[:-1] + b',"deep":' + nested + b"}"))


ROWS = {
    "other-row": Spoiler("a row is another one than it should be: one of another id", has_rows, give_another),
    "odd-row": Spoiler("a row is no object: null, a number, a list", has_rows, give_no_object),
    "huge-row": Spoiler("a row is so many `megabytes` larger (10 unless given)", has_rows, give_huge, 10),
    "deep-row": Spoiler("a row is nested 100,000 deep", has_rows, give_deep),
}
