"""What records are made by: the version of a mapping, and that of all that makes records of rows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from hashlib import blake2b
from importlib import resources
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from types import CodeType, FunctionType

from unihire.errors import ConfigError
from unihire.integration.declare import Stream
from unihire.integration.registry import get_integration

MAKERS = (
    "integration/declare.py",
    "kit/ids.py",
    "kit/nesting.py",
    "kit/text.py",
    "outbound/decoding.py",
    "outbound/paging.py",
    "store/feed/rendered.py",
    "store/feed/saving.py",
    "store/joins.py",
    "store/record_keys.py",
    "store/volatile.py",
    "sync/checking.py",
    "sync/encoding.py",
    "sync/joining.py",
    "sync/pages.py",
    "sync/rendering.py",
    "sync/unchanged.py",
)
"""Our own modules by which a row that maps whole becomes what is stored of it."""


@cache
def find_mapping_version(slug: str) -> str:
    """Stands for how an integration maps: it differs when what a mapping reads does, and for nothing else.

    That is the connector, which declares the mappings, the mapping itself, and the vocabulary; packages with all that
    is in them.
    """
    return digest_mapping(resources.files(f"unihire.integrations.{slug}"), resources.files("unihire.model"))


def digest_mapping(folder: Traversable, vocabulary: Traversable) -> str:
    """Of a vendor's folder and the vocabulary's: names and contents of the modules that map. 16 hexadecimal digits."""
    roots = (folder / "connector.py", folder / "mapping.py", folder / "mapping", vocabulary)
    return _digest((root, "") for root in roots)


def digest_makers(package: Traversable) -> str:
    """Of our own modules that take part in making records, in this package. 16 hexadecimal digits."""
    return _digest((package / path, path.removesuffix(path.rpartition("/")[2])) for path in MAKERS)


@cache
def _find_makers_version() -> str:
    return digest_makers(resources.files("unihire"))


def find_making_version(slug: str, stream: Stream, others: Sequence[str]) -> bytes:
    """Stands for all by which rows of a stream become what is stored of them, but the rows: 16 bytes.

    It is the same in every process of a version. Beside the mapping's version and our own `others` are in it. A stream
    that is not declared so in its integration's folder is known by what it declares.
    """
    digest = blake2b("\0".join((_find_makers_version(), slug, stream.name, *others, "")).encode(), digest_size=16)
    if _is_of_folder(slug, stream):
        digest.update(find_mapping_version(slug).encode())
    else:
        for part in _describe(stream):
            digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.digest()


def _is_of_folder(slug: str, stream: Stream) -> bool:
    try:
        is_declared = get_integration(slug).get_stream(stream.name) is stream
        return is_declared and find_spec(f"unihire.integrations.{slug}") is not None
    except (ConfigError, KeyError):
        return False


def _describe(value: object) -> Iterator[str]:
    """A declaration as texts. Functions are identified by name and code, values by how they print."""
    if is_dataclass(value) and not isinstance(value, type):
        yield type(value).__qualname__
        for field in fields(value):
            yield field.name
            yield from _describe(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield str(name)
            yield from _describe(each)
    elif isinstance(value, set | frozenset):
        yield from sorted(map(repr, value))
    elif isinstance(value, list | tuple):
        yield str(len(value))
        for each in value:
            yield from _describe(each)
    elif isinstance(value, type):
        yield f"{value.__module__}.{value.__qualname__}"
    elif isinstance(value, re.Pattern):
        yield repr((value.pattern, value.flags))
    elif isinstance(value, FunctionType):
        yield f"{value.__module__}.{value.__qualname__}"
        yield from _describe_code(value.__code__)
        yield from _describe([cell.cell_contents for cell in value.__closure__ or ()])
    else:
        yield repr(value)


def _describe_code(code: CodeType) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr(code.co_names)
    for constant in code.co_consts:
        yield from _describe_code(constant) if isinstance(constant, CodeType) else _describe(constant)


def _digest(roots: Iterator[tuple[Traversable, str]]) -> str:
    digest = blake2b(digest_size=8)
    for root, within in roots:
        for name, content in _read_modules(root, within):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _read_modules(root: Traversable, within: str = "") -> Iterator[tuple[str, bytes]]:
    """The module there, or all of the package there with their paths, by name; nothing where nothing is."""
    name = f"{within}{root.name}"
    if root.is_dir():
        for inner in sorted(root.iterdir(), key=lambda inner: inner.name):
            yield from _read_modules(inner, f"{name}/")
    elif root.name.endswith(".py") and root.is_file():
        yield name, root.read_bytes()
