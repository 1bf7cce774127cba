"""Ways to send an answer badly: cut, stalled, dripping, without end, with a wrong length."""

import asyncio
from contextlib import suppress

from unihire.integration.emulate import EmulatorResponse
from unihire.sandbox.spoiling.reply import OutgoingResponse, SendReply, Spoiler, Strike, Wire

MEGABYTE = b" " * 1_000_000
DRIPS_A_SECOND = 5


def start(answer: EmulatorResponse, length: int | None) -> dict[str, object]:
    """The message that begins an answer; without a length the server sends it in chunks."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    if answer.content_type is not None:
        headers.append((b"content-type", answer.content_type.encode("latin-1")))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


async def send_whole(answer: EmulatorResponse, wire: Wire) -> None:
    """As it should be; past the server where that would refuse a header."""
    if wire.write is not None and not is_decent(answer):
        await write_raw(answer, [("content-length", str(len(answer.body)))], wire)
        return
    await wire.send(start(answer, len(answer.body)))
    await wire.send({"type": "http.response.body", "body": answer.body})


def is_decent(answer: EmulatorResponse) -> bool:
    """Whether a server sends these headers: none broken, none that says how the body is sent."""
    return all(
        name and name.replace("-", "").isalnum() and name != "transfer-encoding" and not _has_control(value)
        for name, value in answer.headers
    )


def _has_control(value: str) -> bool:
    return any((ord(letter) < 32 and letter != "\t") or ord(letter) == 127 or ord(letter) > 255 for letter in value)


async def write_raw(answer: EmulatorResponse, lengths: list[tuple[str, str]], wire: Wire) -> None:
    """Bytes of our own, after which the connection is closed."""
    assert wire.write is not None, "asked only where there is a socket"
    headers = [*answer.headers, ("content-type", answer.content_type or ""), *lengths, ("connection", "close")]
    lines = [f"HTTP/1.1 {answer.status} Odd", *(f"{name}: {value}" for name, value in headers), "", ""]
    wire.write(b"\r\n".join(_encode(line) for line in lines) + answer.body)
    while (await wire.receive())["type"] != "http.disconnect":
        pass


def _encode(line: str) -> bytes:
    """As servers do, where that can be done."""
    try:
        return line.encode("latin-1")
    except UnicodeEncodeError:
        return line.encode("utf-8", "surrogatepass")


async def _hang(reply: OutgoingResponse, strike: Strike, wire: Wire) -> None:
    body = reply.answer.body
    await wire.send(start(reply.answer, len(body)))
    await wire.send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    await _wait(strike.seconds, wire)


async def _wait(seconds: float, wire: Wire) -> bool:
    """Whether the client is gone before so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await wire.receive())["type"] != "http.disconnect":
                pass
            return True
    return False


async def _cut(reply: OutgoingResponse, strike: Strike, wire: Wire) -> None:
    body = reply.answer.body
    await wire.send(start(reply.answer, len(body)))
    await wire.send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    # Returning without the rest makes the server close the connection.


async def _end_early(reply: OutgoingResponse, strike: Strike, wire: Wire) -> None:
    body = reply.answer.body[: len(reply.answer.body) * 2 // 3]
    await wire.send(start(reply.answer, len(body)))
    await wire.send({"type": "http.response.body", "body": body})


async def _drip(reply: OutgoingResponse, strike: Strike, wire: Wire) -> None:
    """A byte now and then, each before anybody's patience for one read ends."""
    body = reply.answer.body
    await wire.send(start(reply.answer, len(body)))
    drips = min(int(strike.seconds * DRIPS_A_SECOND), len(body))
    for place in range(drips):
        await wire.send({"type": "http.response.body", "body": body[place : place + 1], "more_body": True})
        if await _wait(1 / DRIPS_A_SECOND, wire):
            return
    await wire.send({"type": "http.response.body", "body": body[drips:]})


async def _go_on(reply: OutgoingResponse, strike: Strike, wire: Wire) -> None:
    """Spaces, megabyte after megabyte, then the right answer: for as long as the client takes them."""
    await wire.send(start(reply.answer, None))
    for _ in range(int(strike.megabytes)):
        await wire.send({"type": "http.response.body", "body": MEGABYTE, "more_body": True})
        if await _wait(0.001, wire):
            return
    await wire.send({"type": "http.response.body", "body": reply.answer.body})


async def _measure_wrongly(reply: OutgoingResponse, strike: Strike, wire: Wire) -> None:
    """A length that is too small, not the only one, or no number; then the body."""
    length = len(reply.answer.body)
    lengths = strike.rng.choice(
        ([str(length // 2)], ["-1"], ["x"], ["0"], [str(length), str(length // 2)], [str(2**70)], [f"+{length}"], [""])
    )
    await write_raw(reply.answer, [("content-length", text) for text in lengths], wire)


def _sends(help: str, send: SendReply, *, is_raw: bool = False, megabytes: float = 0) -> Spoiler:
    def spoil(reply: OutgoingResponse, strike: Strike) -> None:
        reply.finish()
        reply.send = (send, strike)

    def can(reply: OutgoingResponse) -> bool:
        return reply.send is None and bool(reply.answer.body) and (not is_raw or reply.has_socket)

    return Spoiler(help, can, spoil, megabytes)


SENDING = {
    "hang": _sends("half of the body is sent, then nothing more, for `seconds`", _hang),
    "cut-body": _sends("the connection closes before the announced Content-Length is sent", _cut),
    "invalid-json": _sends("a 200 whose body is not JSON", _end_early),
    "dripping-body": _sends("the body comes byte by byte for `seconds`, then the rest", _drip),
    "endless-body": _sends(
        "so many `megabytes` of spaces come before the body (1,000 unless given)", _go_on, megabytes=1000
    ),
    "wrong-length": _sends("a Content-Length that is too small, doubled or no number", _measure_wrongly, is_raw=True),
}
