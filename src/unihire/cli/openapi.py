"""`unihire openapi`: what this installation serves."""

import json
import sys

from unihire.app import describe_api
from unihire.cli.console.terminal import examples

EPILOG = examples("unihire openapi > openapi.json")


def openapi() -> None:
    """Print the OpenAPI document of the API."""
    sys.stdout.write(json.dumps(describe_api(), indent=2, ensure_ascii=False) + "\n")
