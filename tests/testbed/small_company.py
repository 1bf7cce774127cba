"""Made-up companies smaller than a sandbox offers: most of what is tested of a company, a few people show as well."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from unihire.sandbox import runner
from unihire.sandbox.runner import RunningSandbox

SMALL = 24
"""Candidates; every list of a Greenhouse has rows still. To sync it takes half of what a hundred take."""


@contextmanager
def start_small(slug: str, **settings: Any) -> Iterator[RunningSandbox]:
    """`start_sandbox`, also of fewer candidates than anybody else may ask for."""
    with ExitStack() as stack:
        with patch.object(runner, "LEAST_SIZE", 1):
            sandbox = stack.enter_context(runner.start_sandbox(slug, **settings))
        yield sandbox
