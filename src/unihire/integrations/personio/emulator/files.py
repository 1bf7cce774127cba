"""Files: uploads of v1, and the documents that v2 shows of them once an application has them."""

from collections.abc import Iterator
from uuid import NAMESPACE_URL, uuid5

from unihire.errors import ConfigError
from unihire.integration.emulate import Key, Row, Rows, Shape, Tools
from unihire.integrations.personio.emulator.changes import merge
from unihire.integrations.personio.emulator.documented_v1 import MIMETYPES
from unihire.integrations.personio.emulator.times import to_day, to_time_text

MOST_STORED_BYTES = 512 * 2**20
"""Of all uploads together: they are in memory."""


class NoRoom(Exception):
    """There are MOST_STORED_BYTES of files already."""


class PersonioFiles:
    """The streams `uploads` and `documents`, and the bytes of both."""

    def __init__(self, tools: Tools) -> None:
        self._seed = tools.seed
        self.uploads: Rows = tools.make_rows(
            None, {}, Shape(_revise_upload, _vary_upload, lambda row: str(row["uuid"]))
        )
        self.documents: Rows = tools.make_rows(
            None, {}, Shape(_revise_document, _vary_document, lambda row: str(row["owner"]["id"]))
        )
        self.reset()

    def reset(self) -> None:
        """Forget the bytes; the rows are put back by the sandbox."""
        self._contents: dict[int, bytes] = {}
        self._uploads_of: dict[int, int] = {}
        self._uuids = self._stored = 0

    def add_upload(self, name: str, content: bytes, extension: str) -> Row:
        """Raises NoRoom."""
        if self._stored + len(content) > MOST_STORED_BYTES:
            raise NoRoom
        self._uuids += 1
        number = self.uploads.create(
            {
                "uuid": str(uuid5(NAMESPACE_URL, f"upload {self._seed} {self._uuids}")),
                "size": len(content),
                "mimetype": MIMETYPES[extension],
                "original_filename": name,
                "extension": extension,
            }
        )
        self._contents[number] = content
        self._stored += len(content)
        row = self.uploads.find(number)
        assert row is not None
        return row

    def find_unused(self, uuid: str) -> int | None:
        """The upload's number, unless an application has it (that one alone may have it is a guess)."""
        for number in self.uploads.find_touched(uuid):
            row = self.uploads.find(number)
            if row is not None and "application_id" not in row:
                return number
        return None

    def add_document(self, upload: int, name: str, category: str, application: str) -> None:
        """Give the upload to the application, under this name."""
        row = self.uploads.change(upload, {"application_id": application})
        assert row is not None
        number = self.documents.create(
            {"name": name, "category": {"id": category}, "owner": {"id": application}, "size": row["size"]}
        )
        self._uploads_of[number] = upload

    def walk_documents(self, owner: str, category: str | None) -> Iterator[tuple[Key, Row]]:
        """An owner's documents, newest first."""
        numbers = self.documents.find_touched(owner)
        for key in sorted(((self.documents.find_updated_at(number) or 0, number) for number in numbers), reverse=True):
            row = self.documents.find(key[1])
            if row is not None and category in (None, _read_category(row)):
                yield key, row

    def open_document(self, number: int) -> tuple[str, bytes]:
        """Its type and its bytes: none of a document that came over the control plane."""
        upload = self._uploads_of.get(number, 0)
        row = self.uploads.find(upload)
        mimetype = row["mimetype"] if row is not None else None
        is_type = isinstance(mimetype, str) and mimetype.isascii() and mimetype.isprintable()
        return mimetype if is_type and mimetype else "application/octet-stream", self._contents.get(upload, b"")


def send_document(row: Row, _base_url: str) -> Row:
    """In the shape of a public client; `comment` is its only member that may be null."""
    return {"comment": None, **row}


def _read_category(row: Row) -> str | None:
    category = row.get("category")
    return str(category.get("id")) if isinstance(category, dict) else None


def _revise_upload(number: int, before: Row | None, fields: Row, now: int) -> Row:
    row = merge(number, before, fields, ("uuid", "original_filename", "mimetype", "extension"))
    if type(row.get("size")) is not int:
        raise ConfigError("size must be a whole number")
    return {**row, "created_at": to_time_text(now) + "Z" if before is None else before["created_at"]}


def _revise_document(number: int, before: Row | None, fields: Row, now: int) -> Row:
    row = merge(number, before, fields, ("name",))
    owner = row.get("owner")
    if not isinstance(owner, dict) or not isinstance(owner.get("id"), str):
        raise ConfigError('owner must be an object such as {"id": "495039"}')
    row.setdefault("date", to_day(now // 86400))
    row.setdefault("document_type", "UPLOADED")  # which words there are is not known [guess]
    return {**row, "created_at": to_time_text(now) + "Z" if before is None else before["created_at"]}


def _vary_upload(bits: int) -> Row:
    return {"original_filename": f"file {bits % 1000}.pdf"}


def _vary_document(bits: int) -> Row:
    return {"name": f"document {bits % 1000}.pdf"}
