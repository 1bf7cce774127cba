"""Bodies drawn from a JSON Schema as somebody fills in a form who knows nothing else, and the same spoiled."""

import copy
import random
from typing import Any

Json = dict[str, Any]

LETTERS = "abcdefghijklmnopqrstuvwxyzäöüßéçñ łŁøØçİıΩ漢字😀-'.,;:!?\"\\/()&%<>"


class FormFiller:
    """Fills in forms; what the schema does not require is filled in half of the time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def fill(self, schema: Json) -> Json:
        """A body that fits the schema."""
        body = self._fill_object(schema)
        for _ in range(3):  # what one rule asks for, another may have a word on
            for rule in schema.get("allOf", ()):
                self._keep(rule, schema, body)
        return body

    def _keep(self, rule: Json, schema: Json, body: Json) -> None:
        """Change the body so that it keeps a rule."""
        if "anyOf" in rule:
            if not any(_fits(one, body) for one in rule["anyOf"]):
                name = self.random.choice(rule["anyOf"])["required"][0]
                body[name] = self._draw_sent(schema["properties"][name])
            return
        if "if" not in rule:
            for name, part in rule["properties"].items():
                if isinstance(body.get(name), list):
                    del body[name][part["maxItems"] :]
            return
        if not _fits(rule["if"], body):
            return
        for name, part in rule["then"]["properties"].items():
            if "const" in part:
                body[name] = part["const"]
            elif "enum" in part:
                fitting = [one for one in part["enum"] if one is not None]
                if body.get(name) is not None and body[name] not in fitting:
                    body[name] = self.random.choice(fitting or [None])
            elif body.get(name) is None:
                body[name] = self._draw_sent(schema["properties"][name])

    def _draw_sent(self, schema: Json) -> Any:
        """A value that is not null."""
        while (value := self.draw(schema)) is None:
            pass
        return value

    def _fill_object(self, schema: Json) -> Json:
        required = set(schema.get("required", ()))
        return {
            name: self.draw(part)
            for name, part in schema.get("properties", {}).items()
            if name in required or self.random.random() < 0.5
        }

    def draw(self, schema: Json) -> Any:
        choices = [option["const"] for option in schema.get("oneOf", ()) if "const" in option]
        if "oneOf" in schema:
            return self.random.choice(choices or [None])
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        if "x-relation" in schema and "examples" in schema:
            return self.random.choice(schema["examples"])
        if "anyOf" in schema and "type" not in schema:
            return self.draw(self.random.choice(schema["anyOf"]))
        kinds = schema.get("type", "object")
        kind = kinds if isinstance(kinds, str) else self.random.choice(kinds)
        return self._draw_kind(kind, schema)

    def _draw_kind(self, kind: str, schema: Json) -> Any:
        match kind:
            case "null":
                return None
            case "boolean":
                return self.random.random() < 0.5
            case "integer":
                least, most = schema.get("minimum", -100), schema.get("maximum", 100)
                return self.random.randint(max(least, -100), min(most, 100))
            case "number":
                return round(self.random.uniform(0, 100), 2)
            case "array":
                count = self.random.randint(schema.get("minItems", 0), 3)
                return [self.draw(schema["items"]) for _ in range(count)]
            case "object":
                return self._fill_object(schema)
            case _:
                return self._draw_text(schema)

    def _draw_text(self, schema: Json) -> str:
        number = self.random.randint(1, 10**9)
        formats = {schema.get("format"), *(one.get("format") for one in schema.get("anyOf", ()))}
        if "date" in formats:
            return f"20{self.random.randint(27, 30)}-{self.random.randint(1, 12):02}-{self.random.randint(1, 28):02}"
        if "date-time" in formats:
            return f"2027-0{self.random.randint(1, 9)}-1{self.random.randint(0, 9)}T0{self.random.randint(0, 9)}:00:00Z"
        if "email" in formats:
            return f"person.{number}@example.com"
        if "uri" in formats or str(schema.get("pattern", "")).startswith("^https?"):
            return f"https://www.example.com/{number}"
        if schema.get("contentEncoding") == "base64":
            return "JVBERi0xLjQ="
        if schema.get("examples") and self.random.random() < 0.5:
            return str(self.random.choice(schema["examples"]))
        text = "".join(self.random.choice(LETTERS) for _ in range(self.random.randint(1, 30))).strip()
        return text or "x"


def _fits(rule: Json, body: Json) -> bool:
    """Whether the body is what a rule is about: members that have a value, or that value."""
    return all(
        body.get(name) == part["const"] if "const" in part else body.get(name) is not None
        for name, part in rule["properties"].items()
    )


def spoil(schema: Json, body: Json, at: random.Random) -> tuple[Json, str]:
    """The body with one thing that no schema lets pass, and the member that is wrong."""
    spoiled = copy.deepcopy(body)
    properties, required = schema["properties"], list(schema.get("required", ()))
    never_null = [name for name, part in properties.items() if not _takes_null(part)]
    ways = ["extra", "kind", *(["missing"] if required else ()), *(["null"] if never_null else ())]
    match at.choice(ways):
        case "extra":
            spoiled["no_such_member"] = at.choice([1, "x", None, {}])
            return spoiled, "no_such_member"
        case "missing":
            name = at.choice(required)
            spoiled.pop(name, None)
            return spoiled, name
        case "null":
            name = at.choice(never_null)
            spoiled[name] = None
            return spoiled, name
    name = at.choice([one for one in properties if one != "custom_fields"])
    spoiled[name] = at.choice(_list_wrong(properties[name]))
    return spoiled, name


def _takes_null(schema: Json) -> bool:
    branches = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    if "enum" in schema:
        return None in schema["enum"]
    if branches and "type" not in schema:
        return any(_takes_null(one) for one in branches)
    return "const" not in schema and "null" in schema.get("type", "null")


def _list_wrong(schema: Json) -> list[Any]:
    """Values that do not fit."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    wrong: list[Any] = [[{"x": [1]}], {"no": {"such": 1}}]
    if "boolean" in kinds:
        return [*wrong, "yes", 1]
    if "array" in kinds:
        return [*wrong, "x", [7], [""]]
    return [*wrong, "", True] if "integer" in kinds else [*wrong, "", 7.5]
