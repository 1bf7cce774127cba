"""Where a partner's customer comes back to after consent: a page that says what to do with its address."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from unihire.dialects.common.markup import Heading, Paragraph, to_html
from unihire.platform.public_url import CONSENT_PATH

_AGREED = (
    "Copy the whole address of this page, as your browser shows it, and send it to whoever asked you to agree. "
    "It can be used once, and within a minute or so."
)
_REFUSED = "You did not agree, or the system you came from sent you here without a code. Nothing was connected."

_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
}
"""The address holds a code: no other address gets to know it."""


def list_routes() -> Sequence[Route]:
    return [Route(CONSENT_PATH, _show, methods=["GET"])]


async def _show(request: Request) -> Response:
    has_code = bool(request.query_params.get("code"))
    title = "Thank you" if has_code else "Not connected"
    page = (Heading(1, title), Paragraph((_AGREED if has_code else _REFUSED,)))
    return HTMLResponse(to_html(title, page), headers=_HEADERS)
