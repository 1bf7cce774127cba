"""What can be written at every integration through the unified API, derived from its declarations.

The structs' names are keys of the capability matrix, their docstrings its descriptions.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from unihire.dialects.common.markup import Block, Code, Line, Paragraph, Table, join_codes
from unihire.integration.registry import list_unwritable, list_writes
from unihire.integration.write import LostAnswer, Write
from unihire.model import INPUTS, InputSpec
from unihire.platform.writing.body_schema import PARAMS, describe_body

LOST: dict[LostAnswer, str] = {
    "listed": "looked for in the list",
    "marked": "known by a mark that was sent",
    "refused": "the vendor refuses a second one",
    "state": "the state that was asked for is there",
    "unknown": "cannot be known",
}
"""How a write is known again whose answer was lost, in words."""


class WriteCapability(Struct, frozen=True, kw_only=True, rename={"is_possible": "can"}):
    """A write through the unified API, by model and verb. Where it cannot be done `reason` says why."""

    model: str
    verb: str
    is_possible: bool
    reason: Annotated[str | None, Meta(description="Why it cannot be done, where it cannot.")]
    fields: Annotated[list[str], Meta(description="What the vendor takes; another field is refused.")]
    required: Annotated[list[str], Meta(description="Those without which nothing is written.")]
    params: Annotated[list[str], Meta(description="The vendor's own, in `integration_params`.")]
    required_params: Annotated[list[str], Meta(description="Those of them without which nothing is written.")]
    acting_user: Annotated[
        Literal["required", "optional", "no"], Meta(description="Whether `remote_user_id` names the user who acts.")
    ]
    acting_user_reason: Annotated[str | None, Meta(description="Why no user can be named.")]
    lost_answer: Annotated[
        LostAnswer | None, Meta(description="How it is known again when the vendor's answer was lost.")
    ]
    scopes: Annotated[list[str], Meta(description="OAuth scopes without which it can write nothing.")]
    more_scopes: Annotated[list[str], Meta(description="OAuth scopes that only some fields need.")]
    credential: Annotated[str | None, Meta(description="The optional credential it needs.")]
    note: Annotated[str | None, Meta(description="What a caller should know of it.")]


def list_write_capabilities(slug: str) -> list[WriteCapability]:
    """Every write of the vocabulary, and whether the integration can do it."""
    writes, cannot = list_writes(slug), list_unwritable(slug)
    return [
        _describe_impossible(spec, cannot.get(spec.name))
        if (write := writes.get(pair)) is None
        else _describe_write(spec, write)
        for pair, spec in INPUTS.items()
    ]


def _describe_impossible(spec: InputSpec, reason: str | None) -> WriteCapability:
    return WriteCapability(
        model=spec.model, verb=spec.verb, is_possible=False, reason=reason or "Writing is not declared for it.",
        fields=[], required=[], params=[], required_params=[], acting_user="no", acting_user_reason=None,
        lost_answer=None, scopes=[], more_scopes=[], credential=None, note=None,
    )  # fmt: skip


def _describe_write(spec: InputSpec, write: Write) -> WriteCapability:
    params = describe_body(write)["properties"].get(PARAMS, {})
    return WriteCapability(
        model=write.model,
        verb=write.verb,
        is_possible=True,
        reason=None,
        fields=[field.name for field in spec.fields if field.name in write.takes],
        required=list(dict.fromkeys((*spec.requires, *write.requires))),
        params=list(params.get("properties", ())),
        required_params=list(params.get("required", ())),
        acting_user="no" if write.no_actor is not None else "required" if write.needs_actor else "optional",
        acting_user_reason=write.no_actor,
        lost_answer=write.lost_answer,
        scopes=list(write.scopes),
        more_scopes=list(write.more_scopes),
        credential=write.credential,
        note=write.note or None,
    )


def describe_unified_writes(name: str, writes: Sequence[WriteCapability]) -> Iterator[Block]:
    """A vendor's writes: those it takes, who acts, and why it does not take the others. `name` is the vendor's."""
    possible = [one for one in writes if one.is_possible]
    if possible:
        yield Paragraph((f"Through the unified API {name} takes these writes:",))
        yield Table(
            ("write", "fields", "own parameters", "who acts", "after a lost answer", "scopes", "about"),
            tuple(
                (
                    (Code(_name(one)),),
                    _join_needed(one.fields, one.required),
                    _join_needed(one.params, one.required_params),
                    _describe_actor(one),
                    (LOST[one.lost_answer] if one.lost_answer is not None else "",),
                    _describe_scopes(one),
                    _describe_note(one),
                )
                for one in possible
            ),
        )
    missing = [one for one in writes if not one.is_possible]
    if missing:
        yield Paragraph((f"Not taken by {name} through the unified API:",))
        yield Table(("write", "why"), tuple(((Code(_name(one)),), (one.reason or "",)) for one in missing))


def _name(one: WriteCapability) -> str:
    return f"{one.model}.{one.verb}"


def _join_needed(names: Sequence[str], needed: Sequence[str]) -> Line:
    """The names, those that are needed first."""
    first, rest = [name for name in names if name in needed], [name for name in names if name not in needed]
    if not first:
        return join_codes(rest)
    return ("required: ", *join_codes(first), *(("; ", *join_codes(rest)) if rest else ()))


def _describe_actor(one: WriteCapability) -> Line:
    match one.acting_user:
        case "required":
            return (Code("remote_user_id"), ", required unless the connector has an acting user")
        case "optional":
            return (Code("remote_user_id"),)
        case _:
            return ("nobody: ", one.acting_user_reason or "")


def _describe_scopes(one: WriteCapability) -> Line:
    more: Line = ("; for some fields ", *join_codes(one.more_scopes)) if one.more_scopes else ()
    return (*join_codes(one.scopes), *more)


def _describe_note(one: WriteCapability) -> Line:
    credential: Line = ("Needs the credential ", Code(one.credential), ". ") if one.credential else ()
    return (*credential, one.note or "")
