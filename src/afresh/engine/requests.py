"""What people ask of a service while it runs, noticed within a second."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from afresh.core.actions import Action, ActionKind
from afresh.core.errors import AfreshError
from afresh.core.ports import Actions

_PERIOD_SECONDS = 1.0


class Requests:
    """Looks at the actions every second in a thread of its own. What was asked before it began is none of its concern:
    a sync that was wanted while no service ran is not made up for."""

    def __init__(
        self, actions: Actions, *, cancel: Callable[[str, str], object], heed: Callable[[], object] | None = None
    ) -> None:
        self._actions = actions
        self._cancel = cancel
        self._heed = heed
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen: int | None = None
        self._wanted: dict[str, Action] = {}

    @property
    def wanted(self) -> Mapping[str, Action]:
        """The syncs that were asked for and have not started, by table."""
        with self._lock:
            return dict(self._wanted)

    def forget(self, table_name: str) -> None:
        """The sync that was asked for has started, or never can."""
        with self._lock:
            self._wanted.pop(table_name, None)

    def start(self) -> None:
        """Begins to look; once begun, does nothing."""
        if self._thread is not None:
            return
        with suppress(AfreshError):
            self._begin()
        self._thread = threading.Thread(target=self._watch, name="afresh-requests", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; harmless if it was never started."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> None:
        """Looks once, and does what was asked since the last look."""
        if self._seen is None:
            self._begin()
        asked = self._actions.recent(after=self._seen or 0, limit=1_000)[::-1]
        for action in asked:
            self._take(action)
            self._seen = action.sequence
        if asked and self._heed is not None:
            self._heed()

    def _begin(self) -> None:
        self._seen = max((action.sequence for action in self._actions.recent(limit=1)), default=0)

    def _take(self, action: Action) -> None:
        if action.kind is ActionKind.CANCEL:
            why = f": {action.reason}" if action.reason else ""
            self._cancel(action.operation_id, f"cancelled by {action.who}{why}")
        elif action.kind is ActionKind.RUN:
            with self._lock:
                self._wanted[action.table_name] = action

    def _watch(self) -> None:
        while not self._stop.wait(_PERIOD_SECONDS):
            # A cache that cannot be asked now is asked again in a second; checks say that it is out of reach.
            with suppress(AfreshError):
                self.look()
