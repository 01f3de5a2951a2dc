"""How long to wait after failures."""

from datetime import timedelta


def delay(failures: int, *, base: timedelta, cap: timedelta) -> timedelta:
    """Doubles from `base` with each failure after the first, but is never longer than `cap`."""
    if failures < 1:
        return timedelta(0)
    doublings = min(failures - 1, 32)
    return min(base * 2**doublings, cap) if base * 2**doublings > timedelta(0) else cap
