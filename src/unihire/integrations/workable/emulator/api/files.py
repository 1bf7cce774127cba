"""Files: signed links that live for a while and need no token, and what is behind them."""

import base64
import binascii
import hashlib
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from unihire.integration.emulate import EmulatorResponse, Request
from unihire.kit.clock import Clock

FILES = "/files/"
SIGNED = "%Y%m%dT%H%M%SZ"
"""How a link says when it was signed."""
MOST_BYTES = 256_000_000
"""Of uploaded files in memory; the oldest go first, and are made up from then on."""
MOST_FILE = 5_242_880
TYPES = {"pdf": "application/pdf", "txt": "text/plain", "png": "image/png", "jpg": "image/jpeg"}


class Files:
    """Makes links, and answers them."""

    def __init__(self, seed: int, clock: Clock, life: int) -> None:
        self._seed, self._clock, self._life = seed, clock, life
        self.reset()

    def reset(self) -> None:
        self._stored: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._size = 0

    def store(self, kind: str, id_: str, content: bytes) -> None:
        self._size += len(content) - len(self._stored.pop((kind, id_), b""))
        self._stored[kind, id_] = content
        while self._size > MOST_BYTES:
            self._size -= len(self._stored.popitem(last=False)[1])

    def copy(self, kind: str, id_: str, to: str) -> None:
        """Let the file of one row be that of another, too."""
        if (kind, id_) in self._stored:
            self.store(kind, to, self._stored[kind, id_])

    def make_path(self, kind: str, id_: str, name: str) -> str:
        """Signed in the way of S3."""
        place = f"{kind}/{quote(id_, safe='')}/{quote(name, safe='', errors='replace')}"
        signed = self._clock.now().strftime(SIGNED)
        signature = self._sign(f"{signed}/{self._life}/{place}")
        return f"{FILES}{place}?X-Amz-Date={signed}&X-Amz-Expires={self._life}&X-Amz-Signature={signature}"

    def read(self, request: Request) -> EmulatorResponse:
        """403 for a link that is over or was not made here."""
        route = f"{FILES}{{link}}"
        parts = request.path.removeprefix(FILES).split("/")
        if request.method != "GET" or len(parts) != 3:
            return EmulatorResponse(404, route=route)
        # A server hands the path on decoded: what was signed is written again.
        kind, id_, name = parts[0], unquote(parts[1]), unquote(parts[2])
        place = f"{kind}/{quote(id_, safe='')}/{quote(name, safe='', errors='replace')}"
        query = dict(request.query)
        signed, life = query.get("X-Amz-Date", ""), query.get("X-Amz-Expires", "")
        is_ours = query.get("X-Amz-Signature") == self._sign(f"{signed}/{life}/{place}")
        if not is_ours or self._find_end(signed, int(life)) < self._clock.now():
            return EmulatorResponse(403, b"This link is over", "text/plain", route=route)
        content = self._stored.get((kind, id_), b"%PDF-1.4\n% a made-up file: " + place.encode() + b"\n%%EOF\n")
        type_ = TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
        return EmulatorResponse(200, content, type_, route=route)

    def _sign(self, text: str) -> str:
        return hashlib.blake2b(text.encode("utf-8", "replace"), key=f"files {self._seed}".encode()).hexdigest()[:24]

    def _find_end(self, signed: str, life: int) -> datetime:
        return datetime.strptime(signed, SIGNED).replace(tzinfo=UTC) + timedelta(seconds=life)


def decode_file(data: object) -> bytes | None:
    """The bytes that base64 says, with a data URL's beginning or without; None for what is none, or too large."""
    if not isinstance(data, str) or len(data) > MOST_FILE * 4 // 3 + 100:
        return None
    try:
        return base64.b64decode(data.rpartition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        return None
