"""The operator's keys: read, made once where there is none, and never replaced while something is sealed."""

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from unihire.errors import ConfigError
from unihire.kit.files import read_text
from unihire.kit.phrases import count_of
from unihire.kit.seal import Sealer, new_key
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.accounts.sealed import count_marks
from unihire.store.embedded.cluster import make_home

KEY_FILE = "encryption.key"
_KEY_FILE_BYTES = 10_000


def find_key_file(settings: Settings) -> Path | None:
    """Where the key is that we made, or would make; None where the operator has the keys."""
    return None if settings.encryption_keys is not None else settings.home / KEY_FILE


def find_sealer(settings: Settings) -> Sealer | None:
    """The sealer under the operator's keys, None where there is no key yet. Raises ConfigError for a bad one."""
    path = find_key_file(settings)
    if path is None:
        assert settings.encryption_keys is not None
        return Sealer([key for key in settings.encryption_keys.get_secret_value().split(",") if key.strip()])
    if not os.path.lexists(path):
        return None
    try:
        return Sealer([read_text(path, limit=_KEY_FILE_BYTES).strip()])
    except ConfigError as error:
        raise ConfigError(f"the key file {path} is of no use: {error}; put its copy back") from None


def get_sealer(settings: Settings) -> Sealer:
    """As `find_sealer`, with ConfigError where there is no key."""
    sealer = find_sealer(settings)
    if sealer is None:
        raise ConfigError(f"there is no encryption key in {find_key_file(settings)}")
    return sealer


async def open_sealer(settings: Settings, pool: Pool) -> Sealer:
    """The sealer under the operator's keys; where there is none and nothing is sealed, under one made now (0600).

    Raises ConfigError where something is sealed and no key of ours opens any: it is lost, or of another database.
    """
    sealer = await asyncio.to_thread(find_sealer, settings)
    check_marks(settings, sealer, await count_marks(pool, "credentials"), await count_marks(pool, "webhook"))
    return sealer if sealer is not None else await asyncio.to_thread(_make_sealer, settings)


def check_marks(
    settings: Settings, sealer: Sealer | None, credentials: Mapping[bytes, int], secrets: Mapping[bytes, int]
) -> None:
    """Raises ConfigError where connectors have credentials, or webhooks secrets, and the sealer opens none of them."""
    path = find_key_file(settings)
    marks = {*credentials, *secrets}
    of_whom = f"the credentials of {count_of(sum(credentials.values()), 'connector')}"
    if secrets:
        of_whom += f" and {count_of(sum(secrets.values()), 'secret')} of webhooks"
    if marks and sealer is None:
        raise ConfigError(
            f"the key file {path} is gone, and {of_whom} are sealed under it: "
            "put its copy back or set UNIHIRE_ENCRYPTION_KEYS; without it they do not open"
        )
    if marks and sealer is not None and not marks & sealer.marks:
        raise ConfigError(
            f"{of_whom} are sealed under another key than that of "
            f"{path or 'UNIHIRE_ENCRYPTION_KEYS'}: put the key back they were sealed under"
        )


def make_credentials_context(connector: UUID) -> bytes:
    """What binds sealed credentials to their connector."""
    return connector.bytes


def make_grant_context(connector: UUID) -> bytes:
    """What binds a sealed grant to its connector."""
    return connector.bytes + b" grant"


def make_hook_context(connector: UUID) -> bytes:
    """What binds the sealed secrets of a hook to their connector."""
    return connector.bytes + b" hook"


def make_secret_context(endpoint: UUID) -> bytes:
    """What binds a sealed secret to its webhook endpoint."""
    return endpoint.bytes + b" webhook"


def make_pending_context(session: UUID) -> bytes:
    """What binds sealed credentials that nobody has confirmed to their link session."""
    return session.bytes + b" pending"


def make_partner_context(id: UUID) -> bytes:
    """What binds sealed credentials of a partner to what is said of their integration."""
    return id.bytes + b" partner"


def _make_sealer(settings: Settings) -> Sealer:
    """A key in a file of its own, on the disk before anything is sealed under it."""
    path = settings.home / KEY_FILE
    make_home(path.parent)
    made = path.with_name(f".{path.name}.{os.getpid()}.{id(path)}")
    try:
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(new_key() + "\n")
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):  # another process was first: its key counts
            path.hardlink_to(made)
        _sync_folder(path.parent)
    except OSError as error:
        raise ConfigError(f"cannot make the encryption key {path}: {error.strerror or error}") from None
    finally:
        made.unlink(missing_ok=True)
    return get_sealer(settings)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
