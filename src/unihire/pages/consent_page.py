"""Where a customer comes back to after consent: a link goes on, of a command it says what to do with the address."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.errors import LinkRefused
from unihire.pages import page_words as words
from unihire.pages.languages import make_gettext, mark, pick_language
from unihire.pages.link_page import make_plain_values
from unihire.pages.page_requests import OversizedForm, is_of_another_site, read_posted
from unihire.pages.rendering_pages import render_page
from unihire.platform.linking.link_flow import LinkFlow, LinkView, is_of_link
from unihire.platform.public_url import CONSENT_PATH
from unihire.store import Pool
from unihire.store.accounts.link_settings import get_settings

LONGEST_CODE = 4_000

_COPY = mark(
    "Copy the whole address of this page, as your browser shows it, and send it to whoever asked you to agree. It can "
    "be used once, and within a minute or so."
)
_NO_CODE = mark("You did not agree, or the system you came from sent you here without a code. Nothing was connected.")


class ConsentPage:
    """Answers the vendor's redirect, and the form by which the customer says that it was they who agreed.

    Without that form somebody could have a stranger agree to a link that is not theirs: it names the two that it links.
    """

    def __init__(self, pool: Pool, flow: LinkFlow, public_url: str | None) -> None:
        self._pool = pool
        self._flow = flow
        self._public_url = public_url

    def list_routes(self) -> Sequence[Route]:
        return [
            Route(CONSENT_PATH, self._show, methods=["GET"]),
            Route(CONSENT_PATH, self._take, methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        given = dict(request.query_params)
        code, state = given.get("code", ""), given.get("state", "")
        if not is_of_link(state):
            text, heading = (_COPY, words.RECEIVED_HEADING) if code else (_NO_CODE, words.NOT_CONNECTED)
            return self._render(request, given, heading, text)
        view = await self._flow.find_consenting(state)
        if view is None or view.integration is None or len(code) > LONGEST_CODE:
            return self._render(request, given, words.NOT_CONNECTED, words.REFUSALS["consent_late"], status=410)
        if not code:
            return await self._receive(request, given, view, state, None)
        return await self._render_of(request, given, view, words.AGREED_HEADING, words.AGREED_TEXT, code, state)

    async def _take(self, request: Request) -> Response:
        if is_of_another_site(request):
            return self._render(request, {}, words.CROSS_HEADING, words.CROSS_TEXT, status=403)
        try:
            given = dict(await read_posted(request))
        except OversizedForm:
            return self._render(request, {}, words.LARGE_HEADING, words.LARGE_TEXT, status=413)
        state = given.get("state", "")
        view = await self._flow.find_consenting(state)
        if view is None or len(given.get("code", "")) > LONGEST_CODE:
            return self._render(request, given, words.NOT_CONNECTED, words.REFUSALS["consent_late"], status=410)
        return await self._receive(request, given, view, state, given.get("code"))

    async def _receive(
        self, request: Request, given: dict[str, str], view: LinkView, state: str, code: str | None
    ) -> Response:
        try:
            await self._flow.receive_consent(view, state, code, self._locate(request))
        except LinkRefused as refused:
            text = words.REFUSALS.get(refused.reason, words.REFUSALS["unexpected"])
            return await self._render_of(request, given, view, words.NOT_CONNECTED, text, status=422)
        return await self._render_of(request, given, view, words.RECEIVED_HEADING, words.RECEIVED_TEXT)

    def _locate(self, request: Request) -> str:
        """The same address that the vendor was given."""
        if self._public_url is not None:
            return self._public_url + CONSENT_PATH
        return str(request.base_url).rstrip("/") + CONSENT_PATH

    async def _render_of(
        self,
        request: Request,
        given: dict[str, str],
        view: LinkView,
        heading: str,
        text: str,
        code: str = "",
        state: str = "",
        status: int = 200,
    ) -> Response:
        session = view.session
        settings = await get_settings(self._pool, session.organisation, session.environment)
        system = "" if view.integration is None else view.integration.name
        names = {"system": system, "name": settings.shown_name, "customer": session.end_user}
        more = {"name": settings.shown_name, "colour": settings.colour, "code": code, "state": state}
        return self._render(
            request, given, heading, text, status=status, names=names, otherwise=settings.language, **more
        )

    def _render(
        self,
        request: Request,
        given: dict[str, str],
        heading: str,
        text: str,
        *,
        status: int = 200,
        names: dict[str, str] | None = None,
        otherwise: str | None = None,
        **more: Any,
    ) -> Response:
        language = pick_language(given.get("lang"), request.headers.get("accept-language"), otherwise)
        gettext = make_gettext(language)
        said = gettext(text)
        values = make_plain_values() | {"code": "", "state": ""} | more
        values |= {"heading": gettext(heading), "text": said.format(**names) if names else said}
        return render_page("consent.html", language, values, status=status)
