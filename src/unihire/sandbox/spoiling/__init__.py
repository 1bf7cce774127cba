"""Spoilers: what makes a good answer of an emulator a bad one. Each is a fault by its own word (see faults.py)."""

from collections.abc import Mapping

from unihire.sandbox.spoiling.content import BODIES, RETYPING
from unihire.sandbox.spoiling.members import MEMBERS
from unihire.sandbox.spoiling.reply import Spoiler
from unihire.sandbox.spoiling.sending import SENDING
from unihire.sandbox.spoiling.spoiled_headers import HEADERS
from unihire.sandbox.spoiling.spoiled_links import LINKS
from unihire.sandbox.spoiling.spoiled_rows import ROWS
from unihire.sandbox.spoiling.spoiled_tokens import TOKENS

SPOILERS: Mapping[str, Spoiler] = {
    **RETYPING,
    **MEMBERS,
    **ROWS,
    **LINKS,
    **TOKENS,
    **BODIES,
    **HEADERS,
    **SENDING,
}
"""By word, in the order in which they strike: what is inside before what is around it."""
