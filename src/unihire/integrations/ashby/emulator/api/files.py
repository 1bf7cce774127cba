"""Files: uploaded to an address that lives for ten minutes, or with a form; read over links that live as long.

Files of the made-up company have made-up content. What was uploaded is in memory, with a bound on all of it together.
"""

import hashlib
from typing import NamedTuple
from urllib.parse import quote, unquote

from unihire.integration.emulate import EmulatorResponse, Request, Row
from unihire.integrations.ashby.emulator.api.calls import Call, Endpoint
from unihire.integrations.ashby.emulator.api.envelope import Answer, Refused, refuse_input
from unihire.integrations.ashby.emulator.rows.ids import make_id, read_id
from unihire.integrations.ashby.emulator.rows.show import read_handle
from unihire.integrations.ashby.emulator.rows.values import list_objects
from unihire.kit.clock import Clock, to_micros
from unihire.kit.posted_forms import FormPart, read_form

STORAGE, CONTENT = "/_storage/", "/_files/"
LIFE_SECONDS = 600
MOST_BYTES = 50 * 2**20
MOST_STORED = 256 * 2**20
MOST_HANDLES = 5000
CONTEXTS = "CandidateResume|CandidateFiles|ApplicationForm"
UPLOADED = 1 << 40
"""Numbers of uploaded files begin here, above all computed ones."""


class UploadHandle(NamedTuple):
    """An upload that was announced."""

    number: int
    context: str
    name: str
    content_type: str
    length: int
    expires: int
    signature: str


class StoredFile(NamedTuple):
    """What was uploaded."""

    name: str
    content_type: str
    content: bytes


class Files:
    """What was uploaded, and the links to it."""

    def __init__(self, seed: int, clock: Clock) -> None:
        self._seed, self._clock = seed, clock
        self.reset()

    def reset(self) -> None:
        self._handles: dict[str, UploadHandle] = {}
        self._stored: dict[str, StoredFile] = {}
        self._size = self._count = 0

    def list_endpoints(self) -> dict[str, Endpoint]:
        found = (
            Endpoint(
                "file.createFileUploadHandle",
                "candidates:write",
                f"fileUploadContext:{CONTEXTS}! filename:text! contentType:text! contentLength:int!",
                self.create_handle,
            ),
            Endpoint("file.info", "candidates:read", "fileHandle:text!", self.show_link),
            Endpoint(
                "candidate.uploadFile",
                "candidates:write",
                "candidateId:uuid! fileHandle:text!",
                lambda call: self.add_file(call, "fileHandle", "CandidateFiles"),
                is_write=True,
                takes_form=True,
                file_part=("file", "fileHandle"),
            ),
            Endpoint(
                "candidate.uploadResume",
                "candidates:write",
                "candidateId:uuid! resumeHandle:text!",
                lambda call: self.add_file(call, "resumeHandle", "CandidateResume"),
                is_write=True,
                takes_form=True,
                file_part=("resume", "resumeHandle"),
            ),
        )
        return {endpoint.name: endpoint for endpoint in found}

    # Uploading

    def create_handle(self, call: Call) -> Answer:
        """Where to post the file, and what to post before it."""
        body = call.body
        if not 0 < body["contentLength"] <= MOST_BYTES:
            raise refuse_input(f"contentLength must be from 1 to {MOST_BYTES}", "contentLength")
        if not body["filename"].strip():
            raise refuse_input("filename must not be empty", "filename")
        self._count += 1
        number, expires = UPLOADED + self._count, self._now() + LIFE_SECONDS
        handle = call.site.show.make_handle("FileUpload", make_id("uploads", number), call.caller.key["id"])
        signature = self._sign(f"{handle} {expires}")
        while len(self._handles) >= MOST_HANDLES:
            del self._handles[next(iter(self._handles))]
        name, kind = body["filename"].strip(), body["contentType"]
        self._handles[handle] = UploadHandle(
            number, body["fileUploadContext"], name, kind, body["contentLength"], expires, signature
        )
        fields = {
            "key": make_id("uploads", number),
            "Content-Type": kind,
            "policy": f"expires={expires}",
            "signature": signature,
        }
        return Answer({"handle": handle, "url": f"{call.base_url}{STORAGE}{quote(handle)}", "fields": fields})

    def receive(self, request: Request) -> EmulatorResponse:
        """The form that was posted to the address of an upload: all fields first, then the file."""
        handle = unquote(request.path.removeprefix(STORAGE))
        upload, route = self._handles.get(handle), STORAGE + "{handle}"
        if request.method != "POST":
            return EmulatorResponse(405, route=route)
        if upload is None or upload.expires < self._now():
            return _refuse(403, "AccessDenied", route)
        try:
            parts = read_form(request.headers.get("content-type", ""), request.body)
        except ValueError:
            return _refuse(400, "MalformedPOSTRequest", route)
        # What comes after the file is not looked at.
        place = next((place for place, part in enumerate(parts) if part.name == "file"), None)
        if place is None:
            return _refuse(400, "InvalidArgument", route)
        texts = {part.name: part.content for part in parts[:place]}
        kind = upload.content_type.encode()
        if texts.get("signature") != upload.signature.encode() or texts.get("Content-Type") != kind:
            return _refuse(403, "AccessDenied", route)
        content = parts[place].content
        if len(content) != upload.length:
            return _refuse(400, "EntityTooLarge" if len(content) > upload.length else "EntityTooSmall", route)
        if self._size + len(content) > MOST_STORED:
            return _refuse(503, "SlowDown", route)
        self._store(make_id("files", upload.number), StoredFile(upload.name, upload.content_type, content))
        return EmulatorResponse(204, route=route)

    def _store(self, id_: str, file: StoredFile) -> None:
        self._size += len(file.content) - len(self._stored[id_].content if id_ in self._stored else b"")
        self._stored[id_] = file

    def take(self, call: Call, given: object, context: str) -> Row:
        """The file that a part's name or a handle names, once. Raises Refused where there is none."""
        part = next((part for part in call.parts if part.name == given and part.filename is not None), None)
        if part is not None:
            return self._store_part(part)
        upload = self._handles.get(given) if isinstance(given, str) else None
        if upload is None or upload.context != context:
            raise Refused("file_handle_not_found", f"no handle of an upload for {context}")
        id_ = make_id("files", upload.number)
        if id_ not in self._stored:
            raise refuse_input("nothing was uploaded under this handle", "fileHandle")
        del self._handles[str(given)]
        return {"id": id_, "name": upload.name}

    def _store_part(self, part: FormPart) -> Row:
        if len(part.content) > MOST_BYTES or self._size + len(part.content) > MOST_STORED:
            raise refuse_input("this file is too large", part.name)
        self._count += 1
        id_, name = make_id("files", UPLOADED + self._count), part.filename or "file"
        self._store(id_, StoredFile(name, part.content_type, part.content))
        return {"id": id_, "name": name}

    def add_file(self, call: Call, member: str, context: str) -> Answer:
        """To a candidate; a resume becomes the resume."""
        row = call.get_named("candidates", "candidateId")
        file = self.take(call, call.body[member], context)
        fields: Row = {"files": [*list_objects(row, "files"), file]}
        if context == "CandidateResume":
            fields["resumeFileId"] = file["id"]
        return call.answer("candidates", call.rows.change("candidates", row["id"], fields))

    # Reading

    def show_link(self, call: Call) -> Answer:
        """Raises Refused for a handle that was not handed out here."""
        text = call.body["fileHandle"]
        inner = read_handle(text)
        kind, file, owner = (inner or {}).get("type"), (inner or {}).get("fileId"), (inner or {}).get("ownerId")
        found = read_id(file)
        if found is None or found[0] != "files" or call.site.show.make_handle(str(kind), file, owner) != text:
            raise Refused("file_not_found", "File not found")
        expires = self._now() + LIFE_SECONDS
        signature = self._sign(f"{file} {expires}")
        return Answer({"url": f"{call.base_url}{CONTENT}{file}?expires={expires}&signature={signature}"})

    def read(self, request: Request) -> EmulatorResponse:
        """What a link leads to: no key is needed."""
        route, file = CONTENT + "{id}", request.path.removeprefix(CONTENT)
        query = dict(request.query)
        expires = query.get("expires", "")
        if query.get("signature") != self._sign(f"{file} {expires}") or not expires.isdecimal():
            return _refuse(403, "AccessDenied", route)
        if int(expires) < self._now():
            return _refuse(403, "ExpiredToken", route)
        stored = self._stored.get(file)
        if stored is not None:
            safe = stored.content_type if stored.content_type.isascii() and stored.content_type.isprintable() else ""
            return EmulatorResponse(200, stored.content, safe or "application/octet-stream", route=route)
        text = f"%PDF-1.4\n% file {file}, made up\n%%EOF\n"
        return EmulatorResponse(200, text.encode(), "application/pdf", route=route)

    def _now(self) -> int:
        return to_micros(self._clock.now()) // 1_000_000

    def _sign(self, text: str) -> str:
        return hashlib.blake2b(f"{self._seed} {text}".encode(), digest_size=16).hexdigest()


def _refuse(status: int, code: str, route: str) -> EmulatorResponse:
    return EmulatorResponse(status, f"<Error><Code>{code}</Code></Error>".encode(), "application/xml", route=route)
