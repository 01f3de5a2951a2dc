"""Which rows of the log are asked for by when they started and by the row after which to go on, as conditions.

`{start}` and `{id}` in a condition stand for the columns, `?` for its values in order.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from afresh.core.model import DataUpdate

Condition = tuple[str, tuple[datetime | int, ...]]


def conditions(
    history: Callable[..., Sequence[DataUpdate]],
    *,
    since: datetime | None,
    until: datetime | None,
    before: int | None,
) -> list[Condition]:
    """What holds of the rows, as `UpdateLog.history` says it; that method tells when the row `before` started.

    Each column has at most one bound on either side that an index can begin with: given two, a database may begin with
    the one that lies farther away.
    """
    if since is None and until is None:
        return [] if before is None else [("{id} < ?", (before,))]
    found: list[Condition] = [] if since is None else [("{start} >= ?", (since,))]
    if before is not None:
        nearest = history(before=before + 1, limit=1)
        if not nearest:
            return [("1 = 0", ())]
        start = nearest[0].start_dt
        if until is None or start < until:
            return [*found, ("{start} <= ?", (start,)), ("({start} < ? OR {id} < ?)", (start, before))]
    return found if until is None else [*found, ("{start} < ?", (until,))]
