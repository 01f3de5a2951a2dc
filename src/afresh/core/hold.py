"""Why a source is not read now, though something of it is due."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from afresh.core.cause import Cause
from afresh.core.model import UpdateType


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Syncs of these types of a source are not begun until an instant; None until a person does something.

    A `probe` lets one sync of the source begin, to see whether it is back.
    """

    source_system: str
    types: frozenset[UpdateType]
    until: datetime | None
    cause: Cause
    reason: str
    probe: bool = False


ALL = frozenset(UpdateType)
_NEVER = datetime.max.replace(tzinfo=UTC)


def longest(holds: Iterable[Hold], update_type: UpdateType) -> Hold | None:
    """Of those that keep a sync of the type from beginning, the one that holds longest."""
    found = [hold for hold in holds if update_type in hold.types and not hold.probe]
    return max(found, key=lambda hold: (hold.until is None, hold.until or _NEVER), default=None)
