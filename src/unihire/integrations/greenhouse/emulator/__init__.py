"""The vendor's API served locally, written from what is known of it and from nothing beside it."""

from unihire.integrations.greenhouse.emulator.app import EMULATOR

__all__ = ["EMULATOR"]
