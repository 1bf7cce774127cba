"""The vendor's API served locally, written from the vendor's documents and from nothing beside it."""

from unihire.integrations.workable.emulator.app import EMULATOR

__all__ = ["EMULATOR"]
