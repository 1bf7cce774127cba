"""What the embedded server is started with."""

from pathlib import Path

import pytest

from unihire.store.embedded.cluster import list_options


@pytest.mark.parametrize(
    ("gigabytes", "shared", "cache", "maintenance"),
    [(0.125, "32MB", "64MB", "32MB"), (1, "128MB", "512MB", "64MB"), (64, "256MB", "32768MB", "128MB")],
)
def test_memory_is_a_part_of_the_machines_within_bounds(
    monkeypatch: pytest.MonkeyPatch, gigabytes: float, shared: str, cache: str, maintenance: str
) -> None:
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": int(gigabytes * 2**30) // 4096}
    monkeypatch.setattr("os.sysconf", sizes.__getitem__)
    given = set(list_options(Path("/nowhere")))
    assert given >= {
        f"shared_buffers={shared}",
        f"effective_cache_size={cache}",
        f"maintenance_work_mem={maintenance}",
    }
