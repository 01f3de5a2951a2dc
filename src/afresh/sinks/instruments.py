"""The instruments of the meter `DataSync`: their names, units, attributes and meanings, as data."""

from dataclasses import dataclass
from enum import StrEnum

METER = "DataSync"
"""The name of the meter, and of the tracer."""

DURATION_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)
"""Upper bounds in seconds: from an empty window to a Mass that takes the night."""

RECORD_BUCKETS = (0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
"""Upper bounds in rows."""

_TASK = ("table", "update_type", "source_system")


class InstrumentKind(StrEnum):
    """What a number means when it is read twice."""

    COUNTER = "counter"
    UP_DOWN = "up-down counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One instrument; `prometheus` is the name that Prometheus knows it by."""

    name: str
    kind: InstrumentKind
    unit: str
    meaning: str
    attributes: tuple[str, ...] = _TASK
    buckets: tuple[float, ...] = ()

    @property
    def prometheus(self) -> str:
        """Underscores for dots, the unit of a time in words, and `_total` after a counter."""
        name = self.name.replace(".", "_")
        if self.unit == "s" and not name.endswith("_seconds"):
            name += "_seconds"
        return f"{name}_total" if self.kind is InstrumentKind.COUNTER else name


STARTED = Instrument(
    name="sync.operations.started",
    kind=InstrumentKind.COUNTER,
    unit="{operation}",
    meaning="Syncs that began; as many as completed, failed and are in flight together.",
)
COMPLETED = Instrument(
    name="sync.operations.completed",
    kind=InstrumentKind.COUNTER,
    unit="{operation}",
    meaning="Syncs that succeeded.",
)
FAILED = Instrument(
    name="sync.operations.failed",
    kind=InstrumentKind.COUNTER,
    unit="{operation}",
    meaning="Syncs that did not succeed: by their outcome (failed or cancelled) and their cause.",
    attributes=(*_TASK, "outcome", "cause"),
)
IN_FLIGHT = Instrument(
    name="sync.operations.in_flight",
    kind=InstrumentKind.UP_DOWN,
    unit="{operation}",
    meaning="Syncs that run now in this service.",
)
DURATION = Instrument(
    name="sync.duration.seconds",
    kind=InstrumentKind.HISTOGRAM,
    unit="s",
    meaning="How long a sync took, by its outcome.",
    attributes=(*_TASK, "outcome"),
    buckets=DURATION_BUCKETS,
)
RECORDS = Instrument(
    name="sync.records.processed",
    kind=InstrumentKind.HISTOGRAM,
    unit="{record}",
    meaning="Rows that a sync read, if it succeeded.",
    buckets=RECORD_BUCKETS,
)
LAST_SUCCESS = Instrument(
    name="sync.last_success.timestamp",
    kind=InstrumentKind.GAUGE,
    unit="s",
    meaning="When the last sync of that type that succeeded had begun, in seconds since 1970.",
)
DATA_AS_OF = Instrument(
    name="sync.data_as_of.timestamp",
    kind=InstrumentKind.GAUGE,
    unit="s",
    meaning="The instant of the source that the last committed update proves, in seconds since 1970; absent if none.",
    attributes=("table", "source_system"),
)
LIMIT = Instrument(
    name="sync.age_limit.seconds",
    kind=InstrumentKind.GAUGE,
    unit="s",
    meaning="The age that the tightest schedule of the table allows.",
    attributes=("table", "source_system"),
)
STATE = Instrument(
    name="sync.state",
    kind=InstrumentKind.GAUGE,
    unit="",
    meaning="1 for the state of the table and its cause; no value for the other states. The words are those of the "
    "pages and of `afresh status`.",
    attributes=("table", "source_system", "state", "cause"),
)
BREAKER = Instrument(
    name="sync.breaker.state",
    kind=InstrumentKind.GAUGE,
    unit="",
    meaning="1 for how the breaker of the source stands: closed, open, half open, stopped; no value for the others.",
    attributes=("source_system", "state"),
)
LATENCY = Instrument(
    name="sync.source.latency",
    kind=InstrumentKind.GAUGE,
    unit="s",
    meaning="How long it took to connect to the source and be told its clock, when a sync last asked; absent for a "
    "source whose clock is ours.",
    attributes=("source_system",),
)

INSTRUMENTS = (
    STARTED,
    COMPLETED,
    FAILED,
    IN_FLIGHT,
    DURATION,
    RECORDS,
    LAST_SUCCESS,
    DATA_AS_OF,
    LIMIT,
    STATE,
    BREAKER,
    LATENCY,
)
"""All of them."""
