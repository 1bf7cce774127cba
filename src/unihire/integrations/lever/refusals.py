"""What Lever says where it refuses a write: a code, and words that may end with what they are about; contract.json."""

import re
from collections.abc import Iterator

from unihire.outbound.decoding import OBJECT, Undecodable, decode

ABOUT = re.compile(r"(?P<words>.+?) at /(?P<member>\w{1,100})[\w/]{0,200}", re.DOTALL)
"""`A user already exists with that email address. at /email`."""


def read_refusal(body: bytes) -> Iterator[tuple[str | None, str]]:
    """The fault as the member it names and its words; nothing for a body of another shape."""
    try:
        said = decode(body, OBJECT)
    except Undecodable:
        return
    message = said.get("message")
    if not isinstance(message, str) or not message.strip():
        return
    found = ABOUT.fullmatch(message.strip())
    if found is None:
        yield None, message.strip()
    else:
        yield found["member"], found["words"]
