"""What an OpenAPI document says of several operations alike, said once among its components."""

import json
from collections import Counter
from collections.abc import Iterator

from unihire.dialects.common.describing import Json


def share_parts(document: Json) -> Json:
    """The document with each response, parameter and header that occurs twice by reference.

    Names are those of the parts, numbered where several differ: `Query_cursor`, `Response_401`, `Response_401_2`.
    """
    shared = _Shared(document["paths"])
    paths = {
        path: {method: shared.shorten(operation) for method, operation in item.items()}
        for path, item in document["paths"].items()
    }
    return {**document, "paths": paths, "components": {**document["components"], **shared.components}}


class _Shared:
    """The parts of a document by their text."""

    def __init__(self, paths: Json) -> None:
        self._counts = Counter(_write(part) for part in _list_parts(paths))
        self._names: dict[str, str] = {}
        self._used = Counter[str]()
        self.components: dict[str, Json] = {"parameters": {}, "headers": {}, "responses": {}}

    def shorten(self, operation: Json) -> Json:
        """The operation, with references in place of what others have as well."""
        short = dict(operation)
        if "parameters" in operation:
            short["parameters"] = [
                self._refer("parameters", f"{one['in'].capitalize()}_{one['name']}", one, one)
                for one in operation["parameters"]
            ]
        short["responses"] = {
            status: self._refer("responses", f"Response_{status}", one, self._shorten_headers(one))
            for status, one in operation["responses"].items()
        }
        return short

    def _shorten_headers(self, response: Json) -> Json:
        if "headers" not in response:
            return response
        headers = {
            name: self._refer("headers", f"Header_{name}", one, one) for name, one in response["headers"].items()
        }
        return {**response, "headers": headers}

    def _refer(self, kind: str, name: str, part: Json, short: Json) -> Json:
        text = _write(part)
        if self._counts[text] < 2:
            return short
        if text not in self._names:
            self._used[name] += 1
            nth = self._used[name]
            self._names[text] = name if nth == 1 else f"{name}_{nth}"
            self.components[kind][self._names[text]] = short
        return {"$ref": f"#/components/{kind}/{self._names[text]}"}


def _list_parts(paths: Json) -> Iterator[Json]:
    """Every place of a part. The headers of a response that is said once are there once."""
    seen = set[str]()
    for item in paths.values():
        for operation in item.values():
            yield from operation.get("parameters", ())
            for response in operation["responses"].values():
                yield response
                text = _write(response)
                if text not in seen:
                    yield from response.get("headers", {}).values()
                seen.add(text)


def _write(part: Json) -> str:
    return json.dumps(part, sort_keys=True)
