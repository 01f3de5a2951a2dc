"""The conformance kit: what every cache must do, as a test class to subclass. Needs the extra `test`.

    class TestMyCache(CacheKit):
        database_error = mydriver.Error
        def make_cache(self, directory): ...

The abstract methods of `CacheRig` are what a cache's own test class tells the kit.
"""

from afresh.testing.kit_actions import ActionKit
from afresh.testing.kit_crash import CrashKit
from afresh.testing.kit_log import LeaseKit, LogKit
from afresh.testing.kit_merge import MergeKit, TableKit
from afresh.testing.kit_readers import ReaderKit
from afresh.testing.kit_reload import ReloadKit
from afresh.testing.kit_values import NameKit, ValueKit


class CacheKit(TableKit, MergeKit, ReloadKit, ValueKit, NameKit, LogKit, LeaseKit, ActionKit, ReaderKit, CrashKit):
    """All of the kit."""
