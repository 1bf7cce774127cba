"""Faults on request: what goes wrong, how often, and on which paths; the same each time for the same seed."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from unihire.errors import ConfigError
from unihire.sandbox.spoiling import SPOILERS
from unihire.sandbox.spoiling.reply import OutgoingResponse, Strike

ANYTHING = "anything"
PAGING: Mapping[str, str] = {
    "self-next": "the last page's next link points at the page itself",
    "empty-page": "the last page has a next link, which leads to a page without rows",
    "hollow-page": "a page without rows, whose next link leads to the rows",
    "repeat-rows": "the next link leads back by half a page, so rows come twice",
    "repeat-row": "the last row of a page comes twice in it",
    "skip-row": "a list page leaves a row out, though it is there",
    "stranger-next": "the next link leads to another host",
}
"""Faults that emulators make themselves, while they make a page: each asks whether it strikes."""

OWN: Mapping[str, str] = {
    "429": "the vendor's answer to a spent rate budget",
    "500": "the vendor's answer to a failure of its own",
    "401": "the vendor's answer to a bad token, though it is good",
    "403": "the vendor's answer where a permission is missing, though it is there",
    "404": "the vendor's answer where there is nothing, though there is",
    "odd-retry-after": "429 with an odd Retry-After: a year, negative, 400 digits, the year 9999, past",
    "redirect": "a 302 that leads to a login page",
    "slow": "the answer comes after `seconds`",
    "expired-token": "every token handed out stops working, beginning with this request",
    **PAGING,
    "update-row": "before a list page is answered, one row of the stream changes",
    "delete-row": "before a list page is answered, one row of the stream disappears",
    ANYTHING: "one of the spoilers, by luck",
}
"""Faults that the host or the emulator makes while it answers."""

FAULTS: dict[str, str] = {**OWN, **{word: spoiler.help for word, spoiler in SPOILERS.items()}}
"""All of them: the spoilers make them of a good answer."""

MOST_MEGABYTES = 5000
SETTINGS = ("probability", "next", "path", "seconds", "megabytes", "member")


@dataclass(frozen=True)
class FaultRule:
    """One fault: with a probability, or for the next n requests it can strike; without either, always."""

    word: str
    probability: float | None = None
    next: int | None = None
    path: str | None = None
    """Only paths that match, `*` standing for anything."""
    seconds: float = 1.0
    """How late a slow answer comes, or how long it takes."""
    megabytes: float | None = None
    """How large what is too large is; each spoiler has its own default."""
    member: str | None = None
    """Only members of rows whose name matches."""

    def __post_init__(self) -> None:
        if self.word not in FAULTS:
            raise ConfigError(f"unknown fault {self.word!r}: choose from {', '.join(FAULTS)}")
        if self.probability is not None and self.next is not None:
            raise ConfigError(f"fault {self.word}: give a probability or the next n requests, not both")
        if self.probability is not None and not (_is_number(self.probability) and 0 <= self.probability <= 1):
            raise ConfigError(f"fault {self.word}: probability must be a number from 0 to 1")
        if self.next is not None and (type(self.next) is not int or self.next < 0):
            raise ConfigError(f"fault {self.word}: next must be a whole number, 0 or more")
        if self.path is not None and not isinstance(self.path, str):
            raise ConfigError(f"fault {self.word}: path must be text such as /v2/*")
        if not (_is_number(self.seconds) and 0 <= self.seconds <= 3600):
            raise ConfigError(f"fault {self.word}: seconds must be a number from 0 to 3600")
        if self.megabytes is not None and not (_is_number(self.megabytes) and 0 < self.megabytes <= MOST_MEGABYTES):
            raise ConfigError(f"fault {self.word}: megabytes must be a number above 0, {MOST_MEGABYTES} at most")
        if self.member is not None and not isinstance(self.member, str):
            raise ConfigError(f"fault {self.word}: member must be text such as *_at")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_fault(text: str) -> FaultRule:
    """A rule from the command line: `429`, `slow,probability=0.1,seconds=2`, `500,next=3,path=/v2/*`.

    Raises ConfigError that says what is wrong.
    """
    word, *settings = text.split(",")
    values: dict[str, Any] = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not sign or name not in SETTINGS:
            raise ConfigError(f"fault {text!r}: after the word come {'=, '.join(SETTINGS)}=")
        try:
            values[name] = value if name in ("path", "member") else int(value) if name == "next" else float(value)
        except ValueError:
            raise ConfigError(f"fault {text!r}: {name} must be a number") from None
    return FaultRule(word, **values)


def read_fault_fields(fields: Any) -> FaultRule:
    """A rule from JSON: `{"word": "429", "next": 3}`. Raises ConfigError that says what is wrong."""
    if isinstance(fields, str):
        return read_fault(fields)
    if not isinstance(fields, Mapping) or not isinstance(fields.get("word"), str):
        raise ConfigError('a fault is an object such as {"word": "429", "next": 3}')
    unknown = set(fields) - {"word", *SETTINGS}
    if unknown:
        raise ConfigError(f"fault {fields['word']}: unknown field {', '.join(sorted(unknown))}")
    return FaultRule(**fields)


class FaultPlan:
    """The rules in force. Each has its own generator from the seed, so adding one does not change the others."""

    def __init__(self, seed: int, rules: Iterable[FaultRule] = ()) -> None:
        self._seed = seed
        self._initial = tuple(rules)
        self.reset()

    def reset(self) -> None:
        self.set(self._initial)

    def set(self, rules: Iterable[FaultRule]) -> None:
        self._rules = list(rules)
        seeds = [f"{self._seed} {place} {rule.word}" for place, rule in enumerate(self._rules)]
        self._rng = [random.Random(seed) for seed in seeds]  # noqa: S311 - to be repeated, not to be secret
        self.fired: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._rules)

    def list(self) -> list[dict[str, Any]]:
        """The rules as JSON objects, `next` counted down."""
        return [{name: value for name, value in asdict(rule).items() if value is not None} for rule in self._rules]

    def find(self, word: str, path: str) -> FaultRule | None:
        """The rule of this word that strikes this request, if one does. Asking uses up one of "the next n"."""
        found = self._find(word, path)
        return None if found is None else self._rules[found]

    def _find(self, word: str, path: str) -> int | None:
        for place, rule in enumerate(self._rules):
            if rule.word != word or (rule.path is not None and not fnmatchcase(path, rule.path)):
                continue
            if rule.next is not None:
                if rule.next == 0:
                    continue
                self._rules[place] = replace(rule, next=rule.next - 1)
            elif rule.probability is not None and self._rng[place].random() >= rule.probability:
                continue
            self.fired[word] = self.fired.get(word, 0) + 1
            return place
        return None

    def fires(self, word: str, path: str) -> bool:
        return bool(self._rules) and self.find(word, path) is not None

    def strike(self, word: str, path: str, megabytes: float = 0) -> Strike | None:
        """What a spoiler needs, if a rule of this fault applies to this request."""
        place = self._find(word, path)
        if place is None:
            return None
        rule = self._rules[place]
        size = megabytes if rule.megabytes is None else rule.megabytes
        return Strike(rule.seconds, size, rule.member, self._rng[place])

    def has(self, word: str) -> bool:
        return any(rule.word == word for rule in self._rules)

    @property
    def spoils(self) -> bool:
        """Whether any rule is a spoiler's."""
        return any(rule.word in SPOILERS or rule.word == ANYTHING for rule in self._rules)

    def spoil(self, reply: OutgoingResponse) -> Iterable[str]:
        """Let every spoiler strike that is to, in their order; returns the words of those that did."""
        path, struck = reply.request.path, []
        chosen, chance = self._choose(reply)
        for word, spoiler in SPOILERS.items():
            if not ((word == chosen or self.has(word)) and spoiler.can(reply)):
                continue
            strike = chance if word == chosen else self.strike(word, path, spoiler.megabytes)
            if strike is not None:
                struck.append(word)
                spoiler.spoil(reply, strike)
        return struck

    def _choose(self, reply: OutgoingResponse) -> tuple[str | None, Strike | None]:
        """Which spoiler is "anything" this time."""
        possible = [word for word, spoiler in SPOILERS.items() if spoiler.can(reply)] if self.has(ANYTHING) else []
        chance = self.strike(ANYTHING, reply.request.path) if possible else None
        if chance is None:
            return None, None
        word = chance.rng.choice(possible)
        return word, chance._replace(megabytes=chance.megabytes or SPOILERS[word].megabytes)
