"""The filters by time of Harvest v1, as v3 takes them and as tests of a row."""

from dataclasses import dataclass
from datetime import UTC, datetime

from unihire.integrations.greenhouse.filters import write_bounds


@dataclass(frozen=True, slots=True)
class Window:
    """Moments from `after` on and before `before`: v1's `created_after` is inclusive, its `created_before` is not.

    Some of v1's are; `includes_before` says so. A moment without an offset is read as UTC.
    """

    after: datetime | None = None
    before: datetime | None = None
    includes_before: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it lets every moment through."""
        return self.after is None and self.before is None

    def ends_before(self, other: "Window") -> bool:
        """Whether its last moment is an earlier one."""
        if self.before is None or other.before is None:
            return self.before is not None
        mine, others = _to_utc(self.before), _to_utc(other.before)
        return mine < others or (mine == others and not self.includes_before)

    def write(self) -> str:
        """The value of v3's filter: `gte|2026-01-31T00:00:00Z|lt|2026-02-01T00:00:00Z`, or one half of it."""
        after = None if self.after is None else _to_utc(self.after)
        before = None if self.before is None else _to_utc(self.before)
        return write_bounds(gte=after, lte=before) if self.includes_before else write_bounds(gte=after, lt=before)

    def contains(self, moment: datetime | None) -> bool:
        """Whether a timestamp of a row is inside; where there is none, it does only if the window is open."""
        if moment is None:
            return self.is_open
        if self.after is not None and moment < _to_utc(self.after):
            return False
        if self.before is None:
            return True
        return moment <= _to_utc(self.before) if self.includes_before else moment < _to_utc(self.before)


def write_filters(**windows: Window) -> dict[str, str]:
    """The filters of v3 for the windows that are not open, by the member of the row: `created_at`, `updated_at`."""
    return {member: window.write() for member, window in windows.items() if not window.is_open}


def choose_window(created: Window, updated: Window) -> dict[str, str]:
    """The one of two windows that v3 is asked for, as it refuses both at once: its rows include all that match both.

    Nothing is updated before it was created, so the bounds of one narrow the other. What is updated after a moment
    is asked for by that, since most rows were created long before; otherwise by creation.
    """
    if created.is_open or updated.is_open:
        return write_filters(created_at=created, updated_at=updated)
    if updated.after is not None:
        since = _latest(updated.after, created.after)
        return {"updated_at": Window(since, updated.before, updated.includes_before).write()}
    end = updated if updated.ends_before(created) else created
    return {"created_at": Window(created.after, end.before, end.includes_before).write()}


def _latest(first: datetime, second: datetime | None) -> datetime:
    return first if second is None else max(first, second, key=_to_utc)


def _to_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # before the year 1 or after 9999 in UTC
        return datetime.min.replace(tzinfo=UTC) if moment.year == 1 else datetime.max.replace(tzinfo=UTC)
