"""Whether a batch has some key twice, told from hashes of the keys: 8 bytes a row, and no search of what is staged."""

from collections.abc import Sequence
from typing import Any

import numpy as np


class KeyHashes:
    """The hashes of the keys seen so far, as Python makes them of what SQLite binds.

    Values that SQLite takes for the same have the same hash, so hashes that all differ are keys that all differ. The
    converse does not hold: whoever learns that some are alike has to look.
    """

    def __init__(self) -> None:
        self._seen: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []

    def add(self, key: Sequence[list[Any]]) -> None:
        """The keys of some rows, column by column."""
        each = key[0] if len(key) == 1 else zip(*key, strict=True)
        self._seen.append(np.fromiter(map(hash, each), np.int64, len(key[0])))

    def all_differ(self) -> bool:
        """Whether certainly no key was seen twice."""
        if not self._seen:
            return True
        ordered = np.sort(np.concatenate(self._seen))
        return not bool((ordered[1:] == ordered[:-1]).any())
