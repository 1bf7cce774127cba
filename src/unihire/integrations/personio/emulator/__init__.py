"""The vendor's API served locally, written from its documents and from nothing beside it."""

from unihire.integrations.personio.emulator.app import EMULATOR

__all__ = ["EMULATOR"]
