"""The page of a link, step by step: each is a form, and each answer shows how the session stands.

A call is checked in this order: who sent it (403), its size (413), the token (404), how often (429), and then the
session says which step is next. No cookie is set or read: the token is in the address, and in a hidden member of forms.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from unihire.errors import LinkRefused
from unihire.kit.clock import to_text
from unihire.pages import page_words as words
from unihire.pages.languages import NAMES, load_vendor_catalogue, make_gettext, pick_language
from unihire.pages.page_requests import OversizedForm, is_of_another_site, read_instance, read_posted
from unihire.pages.rendering_pages import COMMON, SCRIPT, STYLESHEET, load_asset, render_page, write_colours
from unihire.platform.limits import RateLimiter
from unihire.platform.linking.link_flow import LinkFlow, LinkView, list_offered
from unihire.platform.linking.link_rules import WantedSettings, find_setting_faults
from unihire.platform.linking.what_is_read import list_read
from unihire.platform.public_url import CONSENT_PATH
from unihire.store import Pool
from unihire.store.accounts.link_settings import LinkSettings, get_logo, get_settings

PATH = "/embed"

CALLS_A_MINUTE = 300
"""Of one session's page, in all its windows."""

LONGEST_VERSION = 9
"""Digits of the version that a form names."""

Render = Callable[..., Response]


class LinkPage:
    """Answers the page's calls. `public_url` is where outsiders reach us, None: where the call came to."""

    def __init__(self, pool: Pool, flow: LinkFlow, public_url: str | None) -> None:
        self._pool = pool
        self._flow = flow
        self._public_url = public_url
        self._limiter = RateLimiter(CALLS_A_MINUTE)

    def list_routes(self) -> Sequence[Route]:
        return [
            Route(PATH, self._show, methods=["GET"]),
            Route(PATH, self._take, methods=["POST"]),
            Route(f"{PATH}/state", self._tell_state, methods=["POST"]),
            Route(f"{PATH}/logo", self._show_logo, methods=["GET"]),
            Route(f"{PATH}/colour.css", _show_colour, methods=["GET"]),
            *(Route(f"{PATH}/{name}", _serve_asset(name), methods=["GET"]) for name in (STYLESHEET, SCRIPT)),
        ]

    async def _show(self, request: Request) -> Response:
        opened = await self._open(request, dict(request.query_params))
        return opened if isinstance(opened, Response) else await self._render_step(opened)

    async def _take(self, request: Request) -> Response:
        if is_of_another_site(request):
            return _render_plain(request, {}, words.CROSS_HEADING, words.CROSS_TEXT, 403)
        try:
            given = await read_posted(request)
        except OversizedForm:
            return _render_plain(request, {}, words.LARGE_HEADING, words.LARGE_TEXT, 413)
        opened = await self._open(request, given)
        if isinstance(opened, Response):
            return opened
        if opened.is_ended:
            return await self._render_step(opened)
        try:
            return await self._do_step(opened, given)
        except LinkRefused as refused:
            opened.view = await self._flow.find(opened.token) or opened.view
            return await self._render_step(opened, refused, given)

    async def _do_step(self, opened: "_Opened", given: Mapping[str, str]) -> Response:
        view = opened.view
        match given.get("step"):
            case "pick":
                await self._flow.pick(view, given.get("integration", "")[:100])
            case "back":
                await self._flow.pick(view, None)
            case "enter":
                entered = {name[2:]: value for name, value in given.items() if name.startswith("c-")}
                await self._flow.enter(view, entered)
            case "check":
                await self._flow.check_again(view)
            case "again":
                await self._flow.begin_again(view)
            case "consent":
                url = await self._flow.ask_consent(view, self._locate(opened.request, CONSENT_PATH))
                opened.view = await self._flow.find(opened.token) or view
                return self._render(opened, "waiting.html", {"url": url, "step_number": 2})
            case "hand":
                return self._render_handed(opened, await self._flow.hand_on(view))
            case "connect":
                version = given.get("version", "")
                is_number = version.isdecimal() and version.isascii() and len(version) <= LONGEST_VERSION
                await self._flow.confirm(view, int(version) if is_number else 0)
        return RedirectResponse(opened.write_address(), 303, headers=COMMON)

    async def _tell_state(self, request: Request) -> Response:
        """How the session stands, for the page that waits. It opens nothing: the version alone."""
        if is_of_another_site(request):
            return JSONResponse({"detail": "This was sent by another site"}, 403, COMMON)
        try:
            given = await read_posted(request)
        except OversizedForm:
            return JSONResponse({"detail": "The form is too large"}, 413, COMMON)
        view = await self._flow.find(given.get("link_token", ""))
        if view is None:
            return JSONResponse({"detail": "There is no such link"}, 404, COMMON)
        if self._limiter.take(view.session.id).remaining < 0:
            return JSONResponse({"detail": "Rate limit exceeded"}, 429, COMMON)
        return JSONResponse({"version": view.session.version, "is_done": view.session.done_at is not None}, 200, COMMON)

    async def _show_logo(self, request: Request) -> Response:
        view = await self._flow.find(request.query_params.get("link_token", ""))
        found = (
            None if view is None else await get_logo(self._pool, view.session.organisation, view.session.environment)
        )
        if found is None:
            return Response(status_code=404, headers=COMMON)
        content, kind = found
        return Response(content, 200, {**COMMON, "content-security-policy": "default-src 'none'; sandbox"}, kind)

    async def _open(self, request: Request, given: Mapping[str, str]) -> "_Opened | Response":
        """The session a call is of, or what is answered instead."""
        token = given.get("link_token", "")
        view = await self._flow.find(token)
        if view is None:
            return _render_plain(request, given, words.UNKNOWN_HEADING, words.UNKNOWN_TEXT, 404)
        if self._limiter.take(view.session.id).remaining < 0:
            return _render_plain(request, given, words.OFTEN_HEADING, words.OFTEN_TEXT, 429)
        settings = await get_settings(self._pool, view.session.organisation, view.session.environment)
        language = pick_language(given.get("lang"), request.headers.get("accept-language"), settings.language)
        return _Opened(request, token, view, settings, language, given.get("lang") or "", read_instance(given))

    async def _render_step(
        self, opened: "_Opened", refused: LinkRefused | None = None, given: Mapping[str, str] | None = None
    ) -> Response:
        """How the session stands, with why the last step was not taken."""
        view, session = opened.view, opened.view.session
        gettext = opened.gettext
        if session.done_at is not None:
            temporary = None if session.exchanged_at else await self._flow.make_temporary_token(view)
            name = view.integration.name if view.integration else gettext(words.OUR_SYSTEM)
            return self._render(opened, "done.html", {"system_name": name, "temporary": temporary, "step_number": 4})
        if session.is_over:
            return self._render_message(opened, words.OVER_HEADING, "over", 410)
        if view.is_gone:
            return self._render_message(opened, words.GONE_HEADING, "gone", 410)
        status, values = 200, self._explain(opened, refused)
        if refused is not None:
            status = 429 if refused.reason in ("too_often", "handed_often") else 422
        if view.integration is None:
            return self._render(opened, "pick.html", {**values, "systems": list_offered(), "step_number": 1}, status)
        if session.pending is not None:
            listed = _group_missing(view, gettext)
            return self._render(opened, "review.html", {**values, "missing": listed, "step_number": 3}, status)
        if session.is_consent_open and refused is None:
            return self._render(opened, "waiting.html", {**values, "url": None, "step_number": 2}, status)
        entered = {name[2:]: value[:500] for name, value in (given or {}).items() if name.startswith("c-")}
        values |= {
            "fields": view.integration.list_credentials(),
            "vendor_words": load_vendor_catalogue(opened.language, view.integration.slug),
            "given": entered,
            "step_number": 2,
        }
        return self._render(opened, "credentials.html", values, status)

    def _explain(self, opened: "_Opened", refused: LinkRefused | None) -> dict[str, Any]:
        """What is said of a refused step, or of a consent that came to nothing."""
        gettext, session = opened.gettext, opened.view.session
        reason = refused.reason if refused is not None else session.refusal
        if reason is None:
            return {}
        system = opened.view.integration.name if opened.view.integration else gettext(words.OUR_SYSTEM)
        said: dict[str, Any] = {
            "problem": words.say_refusal(gettext, reason, system=system, name=opened.settings.shown_name),
            "problem_detail": "",
        }
        if refused is not None and refused.field is not None:
            said |= {
                "wrong_field": refused.field,
                "wrong_text": gettext(words.FIELD_WORDS.get(reason, words.FIELD_WORDS["field_odd"])),
                "wrong_detail": refused.detail,
            }
        elif refused is not None:
            said["problem_detail"] = refused.detail
        return said

    def _render_message(self, opened: "_Opened", heading: str, reason: str, status: int) -> Response:
        name = opened.settings.shown_name
        text = words.say_refusal(opened.gettext, reason, name=name, system="")
        return self._render(
            opened, "message.html", {"heading": opened.gettext(heading), "text": text, "go_on": None}, status
        )

    def _render_handed(self, opened: "_Opened", token: str) -> Response:
        gettext, view = opened.gettext, opened.view
        url = f"{self._locate(opened.request, PATH)}?{urlencode({'link_token': token})}"
        system = view.integration.name if view.integration else gettext(words.OUR_SYSTEM)
        subject = gettext(words.MAIL_SUBJECT).format(system=system)
        body = f"{gettext(words.MAIL_BODY).format(name=opened.settings.shown_name)}\n\n{url}\n"
        values = {
            "handed": url,
            "mail": f"mailto:?subject={quote(subject)}&body={quote(body)}",
            "until": to_text(view.session.ends_at)[:16].replace("T", " ") + " UTC",
            "step_number": None,
            "can_hand_on": False,
        }
        return self._render(opened, "handed.html", values)

    def _render(self, opened: "_Opened", template: str, values: Mapping[str, Any], status: int = 200) -> Response:
        view, settings = opened.view, opened.settings
        shown = _DEFAULTS | {
            "name": settings.shown_name,
            "customer": view.session.end_user,
            "colour": settings.colour,
            "has_logo": settings.logo_type is not None,
            "origins": list(settings.origins),
            "instance": opened.instance,
            "token": opened.token,
            "version": view.session.version,
            "poll": not opened.is_ended,
            "can_close": True,
            "can_hand_on": not opened.is_ended,
            "languages": list(NAMES.items()),
            "carried": opened.write_members,
            "address": opened.write_address,
            "system": view.integration,
            "is_relink": view.session.is_relink,
            "can_consent": view.can_consent,
            "can_enter": view.can_enter,
            "can_go_back": not view.session.is_preset,
            "models": [] if view.integration is None else list_read(view.integration.slug),
            "names": {name: opened.gettext(text) for name, text in words.MODEL_NAMES.items()},
            **values,
        }
        return render_page(template, opened.language, shown, status=status, framed_by=settings.origins)

    def _locate(self, request: Request, path: str) -> str:
        """A path of ours as the customer reaches it."""
        if self._public_url is not None:
            return self._public_url + path
        return str(request.base_url).rstrip("/") + path


class _Opened:
    """One call of the page, with the session it is of."""

    def __init__(
        self,
        request: Request,
        token: str,
        view: LinkView,
        settings: LinkSettings,
        language: str,
        asked: str,
        instance: str,
    ) -> None:
        self.request = request
        self.token = token
        self.view = view
        self.settings = settings
        self.language = language
        self.instance = instance
        self.gettext = make_gettext(language)
        self._members = {"link_token": token, "instanceId": instance, "lang": language if asked == language else ""}

    @property
    def is_ended(self) -> bool:
        return self.view.session.done_at is not None or self.view.session.is_over or self.view.is_gone

    def write_address(self, language: str | None = None) -> str:
        """The page's address, relative to itself, so that it holds under any prefix."""
        members = {**self._members, **({"lang": language} if language else {})}
        return f"embed?{urlencode({name: value for name, value in members.items() if value})}"

    def write_members(self) -> Markup:
        """Hidden members that each form carries on."""
        return Markup("").join(
            Markup('<input type="hidden" name="{}" value="{}">').format(escape(name), escape(value))
            for name, value in self._members.items()
            if value
        )


_DEFAULTS: dict[str, Any] = {
    "problem": None,
    "problem_detail": "",
    "wrong_field": None,
    "wrong_text": "",
    "wrong_detail": "",
    "temporary": None,
    "step_number": None,
}
"""What templates may name though a step says nothing of it."""


def _render_plain(request: Request, given: Mapping[str, str], heading: str, text: str, status: int) -> Response:
    """A message to somebody of whom nothing is known: in no frame, and of no organisation."""
    language = pick_language(given.get("lang"), request.headers.get("accept-language"), None)
    gettext = make_gettext(language)
    return render_page("message.html", language, make_plain_values() | {
        "heading": gettext(heading), "text": gettext(text), "go_on": None,
    }, status=status)  # fmt: skip


def make_plain_values() -> dict[str, Any]:
    """What a page shows that is of no link."""
    return dict(_DEFAULTS) | {
        "name": "Unihire",
        "colour": None,
        "has_logo": False,
        "origins": [],
        "instance": "",
        "token": "",
        "version": 0,
        "poll": False,
        "can_close": False,
        "can_hand_on": False,
        "languages": [],
        "carried": Markup,
    }


def _group_missing(view: LinkView, gettext: Callable[[str], str]) -> list[tuple[str, list[str]]]:
    """What is not readable, by the permission that it needs."""
    grouped: dict[str, dict[str, None]] = {}
    for one in view.missing:
        names = [gettext(words.MODEL_NAMES[model]) for model in one.models] or [gettext(words.FURTHER)]
        grouped.setdefault(one.permission, {}).update(dict.fromkeys(names))
    return [(permission, list(names)) for permission, names in grouped.items()]


async def _show_colour(request: Request) -> Response:
    colour = f"#{request.query_params.get('c', '')}"
    is_one = not find_setting_faults(WantedSettings(colour=colour))
    headers = {**COMMON, "cache-control": "public, max-age=86400"}
    return Response(write_colours(colour if is_one else None), 200, headers, "text/css")


def _serve_asset(name: str) -> Callable[[Request], Any]:
    content, kind = load_asset(name)
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    headers = {**COMMON, "cache-control": "no-cache", "etag": tag}

    async def serve(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, 200, headers, kind)

    return serve
