"""The configuration that `init` and `demo` write: all tables of the sample source, in either form, commented."""

from dataclasses import dataclass
from datetime import timedelta

from afresh.cli.forms import FormName
from afresh.config.durations import time_span, written
from afresh.jde.catalogue import tables
from afresh.jde.names import NAMES

SOURCE_FILE = "source.db"
CACHE_FILE = "cache.db"
TIME_ZONE = "America/Chicago"
QUANTITY_DECIMALS = 4
"""The implied decimals of quantities in the sample source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often things are done; `mass_words` says the Mass interval in a sentence."""

    check: timedelta
    mass: timedelta
    daily: timedelta
    hourly: timedelta
    mass_words: str


ORDINARY = Pace(
    check=timedelta(seconds=60),
    mass=timedelta(days=7),
    daily=timedelta(days=1),
    hourly=timedelta(hours=1),
    mass_words="once a week",
)
"""What a company would begin with."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """One table: what a remark says of it, its name in the cache, its fetcher."""

    remark: tuple[str, ...]
    name: str
    fetcher: str
    system: str = "JDE"


_TABLES = (
    _Kept(("F4801, work orders.",), "WorkOrder", "JdeWorkOrderFetcher"),
    _Kept(("F3112, routing steps of work orders.",), "WorkOrderRouting", "JdeWorkOrderRoutingFetcher"),
    _Kept(("F3111, parts lists of work orders.",), "WorkOrderPart", "JdeWorkOrderPartFetcher"),
    _Kept(("F31122, hours worked on work orders.",), "WorkOrderTime", "JdeWorkOrderTimeFetcher"),
    _Kept(("F4101, items.",), "Item", "JdeItemFetcher"),
    _Kept(("F4102, items in each branch.",), "ItemBranch", "JdeItemBranchFetcher"),
    _Kept(("F4104, other numbers of items.",), "ItemCrossReference", "JdeItemCrossReferenceFetcher"),
    _Kept(("F41021, stock by location and lot.",), "ItemLocation", "JdeItemLocationFetcher"),
    _Kept(
        (
            "F4111, item ledger. It has no change stamp: the windows bring new rows, changed and",
            "deleted ones come with the next Mass.",
        ),
        "LotUsage",
        "JdeLotUsageFetcher",
    ),
    _Kept(("F4108, lots.",), "Lot", "JdeLotFetcher"),
    _Kept(("F3002, bills of material.",), "BillOfMaterial", "JdeBillOfMaterialFetcher"),
    _Kept(("F0101, customers, suppliers, employees.",), "AddressBook", "JdeAddressBookFetcher"),
    _Kept(("F0006, business units.",), "BusinessUnit", "JdeBusinessUnitFetcher"),
    _Kept(("F0005, code lists.",), "UserDefinedCode", "JdeUserDefinedCodeFetcher"),
    _Kept(("F4311, purchase order lines.",), "PurchaseOrderLine", "JdePurchaseOrderLineFetcher"),
    _Kept(("F4211, sales order lines.",), "SalesOrderLine", "JdeSalesOrderLineFetcher"),
    _Kept(("Of the other system.",), "MisData", "CmsMisDataFetcher", "CMS"),
)

_TOML_HEAD = """\
# What Afresh keeps fresh, and how: all 17 tables of the sample source.{other}
# Try it with `afresh check`; each setting is explained in docs/reference/options.md.

[data_sync]
check_interval = "{check}" # time between two looks at the schedules
max_degree_of_parallelism = 4
batch_size = 1_000_000 # rows that are merged together
bulk_copy_batch_size = 10_000 # rows that are read and copied together
lookback_multiplier = 3.0 # a window reaches back three intervals before the last anchor
purge_retention_days = 90
shutdown_timeout = "30s"

# The destination. Other programs may read it at any time.
[data_sync.cache]
url = "sqlite:///{cache}"
lock_timeout = "2m"

# The databases that are read, and only read. In the sample both are the same file.
# A password need not stand here: {{ env = "NAME" }}, {{ file = "path" }} and \
{{ command = ["program", "argument"] }} fetch it.
[data_sync.source_systems.JDE]
kind = "sqlite"
path = "{source}"
time_zone = "{zone}" # zone of the wall clock readings in this source
max_sessions = 4

[data_sync.source_systems.CMS]
kind = "sqlite"
path = "{source}"
time_zone = "{zone}"
max_sessions = 2
"""

_TOML_TABLE = """
{remark}
[[data_sync.data_sources]]
table_name = "{name}"
source_system = "{system}"
fetcher = "{fetcher}"{options}
mass = {{ interval = "{mass}", prepurge_data = true, re_index_data = true }}
daily = {{ interval = "{daily}" }}
hourly = {{ interval = "{hourly}" }}
"""

_JSON_HEAD = """\
{{
  // What Afresh keeps fresh, and how: all 17 tables of the sample source.{other}
  // Comments and trailing commas are allowed, case does not count in names, and other sections are left alone.
  "Logging": {{
    "LogLevel": {{ "Default": "Information" }},
  }},
  "DataSync": {{
    "CheckInterval": "{check}", // time between two looks at the schedules
    "MaxDegreeOfParallelism": 4,
    "BatchSize": 1000000, // rows that are merged together
    "BulkCopyBatchSize": 10000, // rows that are read and copied together
    "LookbackMultiplier": 3.0, // a window reaches back three intervals before the last anchor
    "PurgeRetentionDays": 90,
    "ShutdownTimeout": "00:00:30",

    // The destination. Other programs may read it at any time.
    "Cache": {{
      "Url": "sqlite:///{cache}",
      "LockTimeout": "00:02:00",
    }},

    // The databases that are read, and only read. In the sample both are the same file.
    // A password need not stand here: {{ "Env": "NAME" }}, {{ "File": "path" }} and \
{{ "Command": ["program"] }} fetch it.
    "SourceSystems": {{
      "JDE": {{
        "Kind": "sqlite",
        "Path": "{source}",
        "TimeZone": "{zone}", // zone of the wall clock readings in this source
        "MaxSessions": 4,
      }},
      "CMS": {{
        "Kind": "sqlite",
        "Path": "{source}",
        "TimeZone": "{zone}",
        "MaxSessions": 2,
      }},
    }},

    "DataSources": [
"""

_JSON_TABLE = """\
{remark}
      {{
        "TableName": "{name}",
        "SourceSystem": "{system}",
        "FetcherTypeName": "{fetcher}",{options}
        "MassConfig": {{ "Interval": "{mass}", "PrepurgeData": true, "ReIndexData": true }},
        "DailyConfig": {{ "Interval": "{daily}" }},
        "HourlyConfig": {{ "Interval": "{hourly}" }},
      }},
"""

_TOML_QUANTITIES = """
fetcher_options = {{ quantity_decimals = {decimals} }} # implied decimals: a setting of the site"""

_JSON_QUANTITIES = """
        "FetcherOptions": {{ "QuantityDecimals": {decimals} }}, // implied decimals: a setting of the site"""

_JSON_TAIL = """\
    ],
  },
}
"""


def configuration(form: FormName, pace: Pace = ORDINARY, *, other: str = "") -> str:
    """The text of the file. Its paths are relative to its own directory; `other` names a file that says the same."""
    toml = form is FormName.TOML
    duration = written if toml else time_span
    values = {
        "check": f"{pace.check.total_seconds():g}s" if toml else duration(pace.check),
        "mass": duration(pace.mass),
        "daily": duration(pace.daily),
        "hourly": duration(pace.hourly),
        "cache": CACHE_FILE,
        "source": SOURCE_FILE,
        "zone": TIME_ZONE,
        "other": f" {other} says the same in the other form." if other else "",
    }
    mark, table = ("# ", _TOML_TABLE) if toml else ("      // ", _JSON_TABLE)
    options = (_TOML_QUANTITIES if toml else _JSON_QUANTITIES).format(decimals=QUANTITY_DECIMALS)
    tables = [
        table.format(
            remark="\n".join(mark + line for line in _remark(kept, pace)),
            name=kept.name,
            system=kept.system,
            fetcher=kept.fetcher,
            options=options if _has_quantities(kept) else "",
            **values,
        )
        for kept in _TABLES
    ]
    head = _TOML_HEAD if toml else _JSON_HEAD
    return head.format(**values) + "".join(tables) + ("" if toml else _JSON_TAIL)


def _remark(kept: _Kept, pace: Pace) -> tuple[str, ...]:
    if kept is not _TABLES[0]:
        return kept.remark
    return (*kept.remark, f"Mass, {pace.mass_words}, replaces the table; the windows in between bring what changed.")


def _has_quantities(kept: _Kept) -> bool:
    table = tables().get(NAMES.get(kept.fetcher, ""))
    return table is not None and any(column.quantity and column.documented for column in table.columns)
