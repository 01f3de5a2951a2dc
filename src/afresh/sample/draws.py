"""Random numbers that are a pure function of seed, name and index, so that any row can be made alone."""

import hashlib
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_HALF = np.uint64(32)


class Draws:
    """Draws of one seed. The same name and index always give the same number."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    @cached_property
    def _salts(self) -> dict[str, np.uint64]:
        return {}

    def below(self, name: str, index: Ints, limit: int | Ints) -> Ints:
        """For each index a number from 0 to limit - 1, evenly spread; limits are 1 to 2**32."""
        word = index.astype(np.uint64) * _STEP + self._salt(name)
        word = (word ^ (word >> np.uint64(30))) * _FIRST
        word = (word ^ (word >> np.uint64(27))) * _SECOND
        word = word ^ (word >> np.uint64(31))
        return ((word >> _HALF) * np.asarray(limit, dtype=np.uint64) >> _HALF).astype(np.int64)

    def chance(self, name: str, index: Ints, percent: int) -> npt.NDArray[np.bool_]:
        """For each index true with that probability."""
        return self.below(name, index, 100) < percent

    def _salt(self, name: str) -> np.uint64:
        if name not in self._salts:
            digest = hashlib.blake2b(f"{self._seed}/{name}".encode(), digest_size=8).digest()
            self._salts[name] = np.uint64(int.from_bytes(digest, "little"))
        return self._salts[name]
