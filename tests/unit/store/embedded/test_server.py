"""The embedded PostgreSQL where it cannot run."""

import subprocess
import sys

WITHOUT_UNIX = """
import sys
sys.modules["fcntl"] = sys.modules["pwd"] = None  # importing them fails, as on Windows
from pathlib import Path
from unihire.errors import ConfigError
from unihire.store.embedded.server import EmbeddedServer
try:
    EmbeddedServer(Path("never-made"))
except ConfigError as error:
    print(error)
"""


def test_system_without_file_locks_is_told_to_name_a_server() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_UNIX], capture_output=True, text=True, check=True)
    assert "set UNIHIRE_DATABASE_URL" in done.stdout
