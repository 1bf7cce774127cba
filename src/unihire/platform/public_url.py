"""Addresses of ours, as they are seen from outside."""

from unihire.errors import ConfigError
from unihire.settings import Settings


def build_public_url(settings: Settings, path: str) -> str:
    """A path of the API as outsiders reach it. Raises ConfigError where the operator has not said how they do."""
    if settings.public_url is None:
        raise ConfigError("nobody knows the address that others reach this installation at: set UNIHIRE_PUBLIC_URL")
    return settings.public_url + path
