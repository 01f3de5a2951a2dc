"""What many viewers are shown alike is made once: pages of one judgement, and pieces of them while a table stands as it
did. However many look, the service has the work of a few."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

_MOST_PAGES = 200


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: bool = False
    value: Any = None


class Pages:
    """Values of one owner, a judgement; with the next owner they are made anew. May be asked by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: object = None
        self._slots: dict[Hashable, _Slot] = {}

    def get(self, owner: object, key: Hashable, make: Callable[[], T]) -> T:
        """The value of that key; who comes while it is being made waits for it. An error of `make` is not kept."""
        with self._lock:
            if self._owner is not owner:
                self._owner, self._slots = owner, {}
            slot = self._slots.get(key)
            if slot is None:
                slot = _Slot()
                if len(self._slots) < _MOST_PAGES:
                    self._slots[key] = slot
        with slot.lock:
            if not slot.made:
                slot.value = make()
                slot.made = True
            found: T = slot.value
            return found

    def made(self, owner: object, key: Hashable) -> Any:
        """The value of that key if it is made already, else None; waits for no one that makes it."""
        with self._lock:
            slot = self._slots.get(key) if self._owner is owner else None
        return slot.value if slot is not None and slot.made else None


class Pieces:
    """Values by key, each as long as its stamp is the same; those not asked for longest go first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Hashable, Any]] = OrderedDict()

    def get(self, key: Hashable, stamp: Hashable, make: Callable[[], T]) -> T:
        """The value of that key and stamp."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == stamp:
                self._kept.move_to_end(key)
                same: T = kept[1]
                return same
        made = make()
        with self._lock:
            self._kept[key] = (stamp, made)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made
