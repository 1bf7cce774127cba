"""The key that is made where the operator gives none."""

import stat
from pathlib import Path

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
