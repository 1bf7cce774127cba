"""What is asked of a vendor as one text, which a stream's position stores: `GET` or `POST`, without the origin.

A path with its query (`/jobs?page=2`) is a GET; with a space and the JSON of a body behind it, it is a POST that reads
(`/job.list {"cursor":"x"}`). An encoded path has no space.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

_NAMED = re.compile(r"\{([A-Za-z_]+(?:\.(?:[A-Za-z_]+|\d+))*)\}")


def write_asked(path: str, params: Mapping[str, Any] | None = None, *, body: Mapping[str, Any] | None = None) -> str:
    """The text for a path, the parameters of its query, and the body of a POST. One that is a list is repeated."""
    asked = path + (f"?{urlencode(params, doseq=True)}" if params else "")
    return asked if body is None else f"{asked} {msgspec.json.encode(body).decode()}"


def split_asked(asked: str) -> tuple[str, bytes | None]:
    """Path with query, and the body of a POST; None for a GET."""
    path, separator, body = asked.partition(" ")
    return path, body.encode() if separator else None


def name_asked(asked: str) -> str:
    """The path alone: a query and a body can contain personal data, and no error or log shows them."""
    return asked.partition(" ")[0].partition("?")[0]


def fill_path(path: str, find: Callable[[str], str]) -> str:
    """A path in which each name in braces is replaced by what `find` has for it, percent-encoded."""
    return _NAMED.sub(lambda match: quote(find(match[1]), safe=""), path)


def place_params(path: str, params: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """A path whose names in braces are filled with parameters, and the others. KeyError for one that is missing."""
    placed = set[str]()

    def fill(name: str) -> str:
        placed.add(name)
        return str(params[name])

    filled = fill_path(path, fill)
    return filled, {name: value for name, value in params.items() if name not in placed}


def fill_texts(value: Any, find: Callable[[str], str]) -> Any:
    """A JSON value in whose texts, at any depth, names in braces are replaced as in `fill_path`, but as they are."""
    match value:
        case str():
            return _NAMED.sub(lambda match: find(match[1]), value)
        case Mapping():
            return {name: fill_texts(each, find) for name, each in value.items()}
        case list() | tuple():
            return [fill_texts(each, find) for each in value]
        case _:
            return value


def set_param(asked: str, name: str, value: Any) -> str:
    """The same with another value for a parameter: a member of a POST's body, or one of a GET's query."""
    path, body = split_asked(asked)
    if body is not None:
        return write_asked(path, body={**msgspec.json.decode(body), name: value})
    path, _, query = path.partition("?")
    found = parse_qsl(query, keep_blank_values=True)
    if name in dict(found):
        found = [(one, str(value) if one == name else text) for one, text in found]
    else:
        found.append((name, str(value)))
    return f"{path}?{urlencode(found)}"


def drop_params(asked: str, names: Collection[str]) -> str:
    """The same without these parameters of its query; as it is where it has none of them."""
    path, mark, body = asked.partition(" ")
    path, _, query = path.partition("?")
    found = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in found if name not in names]
    if len(kept) == len(found):
        return asked
    return path + (f"?{urlencode(kept)}" if kept else "") + mark + body


def find_param(asked: str, name: str) -> Any:
    """A parameter's value, as `set_param` sets it; None where it is not there. Of a query it is text."""
    path, body = split_asked(asked)
    if body is not None:
        return msgspec.json.decode(body).get(name)
    return dict(parse_qsl(path.partition("?")[2], keep_blank_values=True)).get(name)
