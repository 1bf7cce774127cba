"""How a write is declared."""

from typing import NamedTuple

from unihire.integrations.ashby.emulator.api.calls import AnswerCall, Endpoint
from unihire.integrations.ashby.emulator.api.keys import read_permission


class Write(NamedTuple):
    """A write: its permission as the vendor's documents have it, its body, and what answers."""

    name: str
    permission: str
    body: str
    answer: AnswerCall
    is_strict: bool = False
    takes_form: bool = False


def make_endpoints(*groups: tuple[Write, ...]) -> dict[str, Endpoint]:
    return {
        write.name: Endpoint(
            write.name,
            read_permission(write.permission),
            write.body,
            write.answer,
            write.is_strict,
            is_write=True,
            takes_form=write.takes_form,
        )
        for group in groups
        for write in group
    }
