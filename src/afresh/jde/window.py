"""The condition that selects the rows changed since an instant, on the stored numbers so that an index can serve it."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from afresh.core.select import AllOf, AnyOf, Compare, IsNull, Predicate
from afresh.core.zones import local_floor
from afresh.jde.dates import FIRST_YEAR, to_julian, to_time
from afresh.jde.layout import StampReading

_FIRST_DAY = date(FIRST_YEAR, 1, 1)


def window(stamp: StampReading, minimum: datetime, zone: ZoneInfo) -> Predicate:
    """Rows stamped at or after the instant, and all that have no stamp (null, or 0).

    A time that is null or 0 may never have been set,
    so the whole first day of such rows is taken. A stamp that is no date counts by its number.
    """
    floor = local_floor(minimum, zone)
    day, second = to_julian(max(floor.date(), _FIRST_DAY)), to_time(floor.time())
    stamped = (stamp.date,)
    none = (Compare(stamped, "<=", 0), IsNull(stamped))
    if stamp.time is None or second == 0:
        return AnyOf((Compare(stamped, ">=", day), *none))
    time = (stamp.time,)
    late = AnyOf((Compare(time, ">=", second), Compare(time, "=", 0), IsNull(time)))
    return AnyOf((Compare(stamped, ">", day), AllOf((Compare(stamped, "=", day), late)), *none))
