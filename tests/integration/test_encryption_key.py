"""The key that is made where the operator gives none."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from unihire.kit.seal import Sealer
from unihire.platform.sealing import KEY_FILE, open_sealer
from unihire.settings import Settings
from unihire.store import Pool


async def test_key_is_made_with_the_home_it_is_in_where_the_database_is_elsewhere(tmp_path: Path, pool: Pool) -> None:
    settings = Settings(home=tmp_path / "new" / "home", encryption_keys=None)
    sealer = await open_sealer(settings, pool)
    made = settings.home / KEY_FILE
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    sealed = sealer.seal(b"secret", b"place")
    assert Sealer([made.read_text().strip()]).open(sealed, b"place") == b"secret"


async def test_key_is_on_the_disk_with_its_name_before_anything_is_sealed_under_it(
    tmp_path: Path, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = list[int]()

    def note_and_sync(descriptor: int, sync: Callable[[int], None] = os.fsync) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note_and_sync)
    await open_sealer(Settings(home=tmp_path, encryption_keys=None), pool)
    assert synced == [path.stat().st_ino for path in (tmp_path / KEY_FILE, tmp_path)]
