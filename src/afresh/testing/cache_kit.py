"""The conformance kit: what every cache must do, as a test class to subclass. Needs the extra `test`.

    class TestMyCache(CacheKit):
        database_error = mydriver.Error
        def make_cache(self, directory): ...

The abstract methods of `CacheRig` are what a cache's own test class tells the kit.
"""

from afresh.testing.kit_merge import MergeKit, TableKit
from afresh.testing.kit_values import NameKit, ValueKit


class CacheKit(TableKit, MergeKit, ValueKit, NameKit):
    """All of the kit."""
