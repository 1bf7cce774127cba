"""What a connector asks of hooks and of the inbox: cases of `testbed.planned`."""

from collections.abc import Iterator
from functools import partial

from testbed.asking import ASKED, HOUR, NOW, Asker, Case
from testbed.crowd import BIG
from unihire.store.accounts import sealed
from unihire.store.events import hooks, inbox


def list_hooks(of: Asker) -> Iterator[Case]:
    c, people, key = of.number, of.name("people"), b"hook" + of.number.to_bytes(4)
    yield Case("hooks.FIND_HOOK", hooks.FIND_HOOK, (b"none",))
    yield Case("hooks.GET_HOOK", hooks.GET_HOOK, (c,))
    yield Case("hooks.INSERT_HOOK", hooks.INSERT_HOOK, (c, b""), written=1)
    yield Case("hooks.INSERT_TOKEN", hooks.INSERT_TOKEN, (key, c), written=1)
    yield Case("hooks.LOCK_HOOK", hooks.LOCK_HOOK, (c,), written=1)
    yield Case("hooks.SHORTEN_TOKENS", hooks.SHORTEN_TOKENS, (c, HOUR), written=1)
    yield Case("hooks.DROP_ENDED_TOKENS", hooks.DROP_ENDED_TOKENS, (c,), written=1)
    yield Case("hooks.SET_SECRETS", hooks.SET_SECRETS, (c, b""), written=1)
    yield Case("hooks.SET_SUBSCRIPTIONS", hooks.SET_SUBSCRIPTIONS, (c, ["1"]), written=1)
    yield Case("hooks.DELETE_TOKENS", hooks.DELETE_TOKENS, (c,), written=1)
    yield Case("hooks.DELETE_HOOK", hooks.DELETE_HOOK, (c,), written=1)
    yield Case("sealed.REPLACE_SEALED_HOOK", sealed.REPLACE_SEALED_HOOK, (c, b"old", b"new"), written=1)
    fifty = partial(Case, looks=ASKED, written=ASKED)
    claim = ["00000000-0000-0000-0000-000000000001"]
    names = [people] * ASKED, [""] * ASKED, of.row_ids
    yield fifty("inbox.INSERT_DELIVERIES", inbox.INSERT_DELIVERIES, (c, [id.encode() for id in of.row_ids]))
    yield Case("inbox.WAKE_INBOX", inbox.WAKE_INBOX, (c,), written=1)
    yield fifty("inbox.UPSERT_TOUCHES", inbox.UPSERT_TOUCHES, (c, *names, [True] * ASKED, [True] * ASKED))
    yield Case("inbox.HOLD_INBOXES", inbox.HOLD_INBOXES, ([c], claim, HOUR), written=1)
    yield Case("inbox.RELEASE_INBOXES", inbox.RELEASE_INBOXES, ([c], claim), written=1)
    yield Case("inbox.LIST_TOUCHES", inbox.LIST_TOUCHES, (c, ASKED, HOUR), walked=ASKED)
    yield Case("inbox.LOCK_INBOX", inbox.LOCK_INBOX, (c,), written=1)
    versions = (c, *names, [1] * ASKED)
    yield fifty("inbox.DELETE_TOUCHES", inbox.DELETE_TOUCHES, versions, looks=2 * ASKED)
    yield fifty("inbox.DEFER_TOUCHES", inbox.DEFER_TOUCHES, (*versions, HOUR, 1), looks=2 * ASKED)
    yield Case("inbox.FIND_NEXT_TOUCH", inbox.FIND_NEXT_TOUCH, (c,))
    yield Case("inbox.SETTLE_INBOX", inbox.SETTLE_INBOX, (c, claim[0], HOUR, NOW, 0), written=1)
    old = (c, HOUR, ASKED)
    yield Case("inbox.DELETE_OLD_DELIVERIES", inbox.DELETE_OLD_DELIVERIES, old, ASKED, ASKED, ASKED)


def list_hooks_of_all(of: Asker) -> Iterator[Case]:
    """What is asked of all connectors at once."""
    every = of.connectors
    yield Case("sealed.LIST_OTHER_HOOKS", sealed.LIST_OTHER_HOOKS, (0, b"new!", 4, 200), every, every)
    yield Case("sealed.COUNT_HOOK_MARKS", sealed.COUNT_HOOK_MARKS, (4,), walked=every)
    yield Case("hooks.DROP_ALL_ENDED", hooks.DROP_ALL_ENDED, (99 * HOUR, 500), walked=every)
    yield Case("hooks.LIST_HOOKS", hooks.LIST_HOOKS, (), 3 * every, BIG * every)
    yield Case("inbox.CLAIM_INBOXES", inbox.CLAIM_INBOXES, (10, HOUR, 2 * HOUR), every, every, 10)
    yield Case("inbox.FIND_NEXT_DUE", inbox.FIND_NEXT_DUE, ())
    yield Case("inbox.LIST_WITH_OLD", inbox.LIST_WITH_OLD, (HOUR, 50), every, every)
