"""The conformance kit for sources: what every source must do, as a test class to subclass. Needs the extra `test`.

    class TestMySource(MyRig, SourceKit):
        ...

The abstract methods of `SourceRig` are what a source's own test class tells the kit: how the source is made, how
another program writes to the database, which types it has, what it saw. What the database cannot do stands in
`gaps`, what has no meaning for it in `outside`, each with the reason; nothing is skipped without a word.
"""

from afresh.testing.source_kit_faults import FaultKit
from afresh.testing.source_kit_memory import MemoryKit
from afresh.testing.source_kit_odd import OddKit
from afresh.testing.source_kit_reads import NameKit, ReadKit, SpyKit
from afresh.testing.source_kit_stops import CancelKit, ChangeKit, PartKit
from afresh.testing.source_kit_types import PolicyKit, TypeKit
from afresh.testing.source_kit_windows import CatalogueKit, QueryKit, WindowKit


class SourceKit(
    ReadKit,
    TypeKit,
    PolicyKit,
    OddKit,
    WindowKit,
    QueryKit,
    CatalogueKit,
    NameKit,
    SpyKit,
    CancelKit,
    ChangeKit,
    PartKit,
    FaultKit,
    MemoryKit,
):
    """All of the kit."""
