"""Addresses of ours, as they are seen from outside."""

from unihire.errors import ConfigError
from unihire.settings import Settings

CONSENT_PATH = "/consent"
"""Where a partner's customer comes back to, unless the operator names another address."""


def build_public_url(settings: Settings, path: str) -> str:
    """A path of the API as outsiders reach it. Raises ConfigError where the operator has not said how they do."""
    if settings.public_url is None:
        raise ConfigError("nobody knows the address that others reach this installation at: set UNIHIRE_PUBLIC_URL")
    return settings.public_url + path
