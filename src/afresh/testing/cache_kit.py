"""The conformance kit: what every cache must do, as a test class to subclass. Needs the extra `test`.

    class TestMyCache(CacheKit):
        database_error = mydriver.Error
        def make_cache(self, directory): ...

The abstract methods of `CacheRig` are what a cache's own test class tells the kit.
"""

# ruff: noqa: E402 - the parts are imported once pytest knows that it has to explain their assertions

import sys

import pytest

_PARTS = ("actions", "capabilities", "crash", "lateness", "log", "merge", "readers", "reload", "values")
_NAMES = tuple(f"afresh.testing.kit_{part}" for part in _PARTS)
pytest.register_assert_rewrite(*(name for name in _NAMES if name not in sys.modules))

from afresh.testing.kit_actions import ActionKit
from afresh.testing.kit_capabilities import CapabilityKit
from afresh.testing.kit_crash import CrashKit
from afresh.testing.kit_lateness import LatenessKit
from afresh.testing.kit_log import LeaseKit, LogKit
from afresh.testing.kit_merge import MergeKit, TableKit
from afresh.testing.kit_readers import ReaderKit
from afresh.testing.kit_reload import ReloadKit
from afresh.testing.kit_values import NameKit, ValueKit


class AloneKit(
    CapabilityKit, TableKit, MergeKit, ReloadKit, LatenessKit, ValueKit, NameKit, LogKit, LeaseKit, ActionKit
):
    """What one process by itself can show; for a fake, which says nothing of others that read, write or die."""


class CacheKit(AloneKit, ReaderKit, CrashKit):
    """All of the kit."""
