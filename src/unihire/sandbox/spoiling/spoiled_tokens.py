"""Answers of a token endpoint, spoiled: odd lifetimes, tokens that are none, a firewall's page."""

import msgspec

from unihire.sandbox.spoiling.reply import Json, OutgoingResponse, Spoiler, Strike

EPOCH = 1_800_000_000
LIFETIMES: tuple[Json, ...] = (
    "3600", 0, -1, 1e308, "soon", None, True, [], {}, 0.5, EPOCH, "1h", "", msgspec.Raw(b"9" * 400),
    msgspec.Raw(b"1e999"),
)  # fmt: skip
MOMENTS: tuple[Json, ...] = (EPOCH, str(EPOCH), EPOCH * 1000, "soon", None, "9999-12-31T23:59:59Z", "2026-02-30", [])
NO_TOKENS: tuple[Json, ...] = ("", " ", None)
ODD_TOKENS: tuple[Json, ...] = (
    7, True, ["token"], {"token": "x"}, "a\r\nX-Injected: yes", "a\x00b", "tökén", "x" * 1_000_000, "\u2028",
    msgspec.Raw(b'"\\ud83d"'),
)  # fmt: skip
FIREWALL = b"<!doctype html><html><head><title>Access denied</title></head><body><h1>Request blocked</h1></body></html>"


def _is_token(reply: OutgoingResponse) -> bool:
    return reply.is_token


def change_lifetime(reply: OutgoingResponse, strike: Strike) -> None:
    """Odd, left out, or said in another member."""
    reply.is_touched = True
    present = [name for name in ("expires_in", "expires_at") if name in reply.document]
    if strike.rng.random() < 0.25:
        for name in present:
            del reply.document[name]
    elif strike.rng.random() < 0.25:
        reply.document.pop("expires_in", None)
        reply.document["expires_at"] = strike.rng.choice(MOMENTS)
    else:
        reply.document["expires_in"] = strike.rng.choice(LIFETIMES)


def empty_token(reply: OutgoingResponse, strike: Strike) -> None:
    reply.is_touched = True
    if strike.rng.random() < 0.25:
        del reply.document["access_token"]
    else:
        reply.document["access_token"] = strike.rng.choice(NO_TOKENS)


def change_token(reply: OutgoingResponse, strike: Strike) -> None:
    reply.is_touched = True
    reply.document["access_token"] = strike.rng.choice(ODD_TOKENS)


def block(reply: OutgoingResponse, strike: Strike) -> None:
    reply.set_body(FIREWALL)
    status = strike.rng.choice((400, 401, 403))
    reply.answer = msgspec.structs.replace(reply.answer, status=status, content_type="text/html")


TOKENS = {
    "odd-lifetime": Spoiler("a token's lifetime is odd: text, negative, endless, missing", _is_token, change_lifetime),
    "empty-token": Spoiler("a token answer without a token", _is_token, empty_token),
    "odd-token": Spoiler(
        "a token that no header can carry: a number, control characters, 1 MB", _is_token, change_token
    ),
    "firewall": Spoiler("a token request is refused with a web page: 400, 401 or 403", _is_token, block),
}
