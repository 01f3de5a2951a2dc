"""The routes of an application, wherever they were included."""

from collections.abc import Iterable, Iterator
from typing import Any


def walked(routes: Iterable[Any]) -> Iterator[Any]:
    """All routes, those of routers that were included among them; none that has no path and no methods."""
    for route in routes:
        inner = getattr(route, "original_router", route)
        if hasattr(inner, "routes"):
            yield from walked(inner.routes)
        else:
            yield route
