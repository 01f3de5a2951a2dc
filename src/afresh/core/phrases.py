"""Instants, durations and counts as people read them."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from afresh.core.model import MergeCounts

NOTHING = "-"


def skew(duration: timedelta) -> str:
    """A source's clock beside ours."""
    if abs(duration) < timedelta(seconds=1):
        return "the source's clock shows what ours does"
    return f"the source's clock goes {span(abs(duration))} {'ahead of' if duration > timedelta(0) else 'behind'} ours"


def instant(at: datetime | None) -> str:
    """An instant in UTC, to the second."""
    return NOTHING if at is None else f"{at:%Y-%m-%d %H:%M:%S}Z"


def iso(at: datetime | None) -> str | None:
    """An instant as JSON has it: ISO 8601, UTC, microseconds."""
    return None if at is None else at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def span(duration: timedelta | None) -> str:
    """A duration in its two largest units; what is under a minute to a tenth of a second."""
    if duration is None:
        return NOTHING
    seconds = abs(duration.total_seconds())
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86_400)
    if hours < 1:
        return f"{minutes} min {int(seconds) % 60:02d} s"
    if days < 1:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{days} d {hours % 24:02d} h"


def latency(duration: timedelta | None) -> str:
    """A duration that is short as a rule; what is under a second in thousandths."""
    if duration is None or abs(duration) >= timedelta(seconds=1):
        return span(duration)
    return f"{duration.total_seconds() * 1000:.{0 if abs(duration) >= timedelta(milliseconds=10) else 1}f} ms"


def relative(at: datetime | None, now: datetime) -> str:
    """An instant as seen from now."""
    if at is None:
        return NOTHING
    return "now" if at <= now else f"in {span(at - now)}"


def changes(counts: MergeCounts) -> str:
    """What merging changed in the table."""
    return _listed({"inserted": counts.inserted, "updated": counts.updated, "deleted": counts.deleted}) or "nothing"


def outcome(counts: MergeCounts) -> str:
    """What became of the rows that were read."""
    told = {
        "inserted": counts.inserted,
        "updated": counts.updated,
        "unchanged": counts.unchanged,
        "deleted": counts.deleted,
        "duplicate": counts.duplicates,
    }
    return _listed(told) or "nothing changed"


def _listed(told: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in told.items() if count)
