"""How long to wait after failures."""

from datetime import timedelta


def delay(failures: int, *, base: timedelta, cap: timedelta) -> timedelta:
    """Doubles from `base` with each failure after the first, but is never longer than `cap`."""
    if failures < 1:
        return timedelta(0)
    factor = 2 ** min(failures - 1, 32)
    return base * factor if factor < cap / base else cap
