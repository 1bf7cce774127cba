"""What browsers send: bounded, and refused where another site sent it."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

MOST_BYTES = 256 * 1024
MOST_MEMBERS = 60

_INSTANCE = re.compile(r"[0-9a-fA-F]{4}(-[0-9a-fA-F]{4}){3}")


class OversizedForm(Exception):
    """A form with more in it than any of ours has."""


async def read_posted(request: Request) -> Mapping[str, str]:
    """The members of a form, the last of each name. Raises OversizedForm."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise OversizedForm
    except ClientDisconnect:
        return {}
    try:
        return dict(parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=MOST_MEMBERS))
    except ValueError:
        raise OversizedForm from None


def is_of_another_site(request: Request) -> bool:
    """Whether another site's page had the browser send this.

    Our pages send no referrer, so browsers write `null` for their origin; those that know Sec-Fetch-Site say it there.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin not in (None, "null", f"{request.url.scheme}://{request.url.netloc}")


def read_instance(given: Mapping[str, str]) -> str:
    """The id that a framing client gave the page and wants back: 16 hexadecimal digits in four groups, else nothing."""
    text = given.get("instanceId", "")
    return text if _INSTANCE.fullmatch(text) else ""
