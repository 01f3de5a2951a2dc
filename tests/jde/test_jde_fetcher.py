"""What the `jde` fetcher reads, by what is known and what is configured."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError
from tests.jde.jde_rows import FakeSource, fetched, fetcher_of, info_of, options, rows_of, source_of, stored

from afresh.core.errors import Cancelled, ConfigurationError
from afresh.core.ports import Fetcher, SourceColumn, TableInfo
from afresh.core.schema import TIMESTAMP
from afresh.core.select import AllOf, Raw, TableName
from afresh.fetchers.jde import JDE
from afresh.jde.catalogue import tables
from afresh.testing.cancellation import ManualCancellation

WORK_ORDER = stored(
    "F4801",
    WADOCO=400017,
    WADCTO="WO",
    WADL01="Gehäuse für Pumpe 日本".ljust(30),
    WAMCU="         M30",
    WAUORG=125000,
    WAHRSO=1050,
    WALNID=1000,
    WASTRT=124060,
    WADRQJ=0,
    WAUPMJ=126015,
    WATDAY=83000,
    WAPBTM=5,
)


def test_a_work_order_as_it_is_meant() -> None:
    """Dates, times, decimals, padding and the instant of the last change come out as plain values."""
    (row,) = fetched(source_of("F4801", WORK_ORDER), quantity_decimals=4)
    expected = {
        "WADOCO": 400017,
        "WADCTO": "WO",
        "WADL01": "Gehäuse für Pumpe 日本",
        "WAMCU": "M30",
        "WAUORG": Decimal("12.5000"),
        "WAHRSO": Decimal("10.50"),
        "WALNID": Decimal("1.000"),
        "WASTRT": date(2024, 2, 29),
        "WADRQJ": None,
        "WALOTN": None,
        "WAUPMJ": date(2026, 1, 15),
        "WATDAY": time(8, 30),
        "WAPBTM": time(0, 0, 5),
        "LastUpdateDT": datetime(2026, 1, 15, 14, 30, tzinfo=UTC),
    }
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize("table", sorted(tables()))
def test_every_known_table_can_be_read(table: str) -> None:
    """Its documented columns, key and stamp come out in the promised schema, from a row of blanks and zeros."""
    fetcher: Fetcher[pa.RecordBatch] = fetcher_of(source_of(table, stored(table)), quantity_decimals=4)
    schema = fetcher.schema()
    known = tables()[table]
    assert schema.key == known.key
    assert schema.last_update == "LastUpdateDT"
    assert set(schema.names) == {c.name for c in known.columns if c.documented} | {"LastUpdateDT"}
    (batch,) = fetcher.fetch(None, ManualCancellation())
    assert batch.schema.equals(schema.arrow())
    batch.validate(full=True)
    assert batch.to_pylist()[0]["LastUpdateDT"] is None


@pytest.mark.parametrize(("decimals", "expected"), [(0, 125000), (2, Decimal("1250.00")), (4, Decimal("12.5000"))])
def test_quantities_have_the_decimals_of_the_site(decimals: int, expected: Any) -> None:
    """The same stored quantity means what the site's data dictionary says."""
    (row,) = fetched(source_of("F4801", WORK_ORDER), quantity_decimals=decimals)
    assert row["WAUORG"] == expected


def test_single_columns_may_have_other_decimals() -> None:
    """`decimals` goes before what is known, by column or by alias."""
    (row,) = fetched(source_of("F4801", WORK_ORDER), quantity_decimals=4, decimals={"UORG": 2, "WAHRSO": 0, "AN8": 1})
    assert (row["WAUORG"], row["WAHRSO"], row["WAAN8"]) == (Decimal("1250.00"), 1050, Decimal("0.0"))


def test_decimals_of_a_text_are_refused() -> None:
    """Only a number has decimals."""
    with pytest.raises(ConfigurationError, match="`decimals` names WADL01, which is no number but of the kind text"):
        fetched(source_of("F4801"), decimals={"DL01": 2})


def test_types_and_lengths_of_the_schema() -> None:
    """Text has its length, ids are integers, decimals have 18 digits, and the folds of the zone are known."""
    schema = fetcher_of(source_of("F4801"), quantity_decimals=4).schema()
    types = {column.name: column.type_name for column in schema.columns}
    assert (types["WADOCO"], types["WADL01"], types["WAUORG"]) == ("int64", "text(30)", "decimal(18,4)")
    assert (types["WASTRT"], types["WATDAY"], types["LastUpdateDT"]) == ("date", "time", "timestamp")
    autumn = (datetime(2026, 11, 1, 6, tzinfo=UTC), datetime(2026, 11, 1, 7, tzinfo=UTC))
    assert autumn in schema.folds
    assert not schema.column("WADOCO").nullable


def test_all_columns_of_the_source() -> None:
    """`all` reads what the source has, with what is known of each."""
    schema = fetcher_of(source_of("F4801"), columns="all").schema()
    assert len(schema.columns) == len(tables()["F4801"].columns) + 1


def test_a_list_of_columns_has_the_key_too() -> None:
    """Listed columns come in that order behind the key; the stamp is read, but shows only as LastUpdateDT."""
    source = source_of("F4801", WORK_ORDER)
    (row,) = fetched(source, columns=["WADL01", "STRT"])
    assert list(row) == ["WADOCO", "WADL01", "WASTRT", "LastUpdateDT"]
    assert [output.column for output in source.selects[0].outputs] == [
        "WADOCO",
        "WADL01",
        "WASTRT",
        "WAUPMJ",
        "WATDAY",
    ]


def test_names_by_alias_and_by_wish() -> None:
    """Columns may go by their alias, and single ones by any name; key and stamp follow."""
    fetcher = fetcher_of(
        source_of("F4801", WORK_ORDER),
        columns=["DL01"],
        names="alias",
        rename={"WADOCO": "OrderNumber", "LastUpdateDT": "ChangedAt"},
    )
    assert fetcher.schema().names == ("OrderNumber", "DL01", "ChangedAt")
    assert (fetcher.schema().key, fetcher.schema().last_update) == (("OrderNumber",), "ChangedAt")


def test_a_date_in_the_key_stays_a_number() -> None:
    """F4104 has its expired date in the key, where there may be no null but often the date 0."""
    row = stored("F4104", IVITM=60001, IVXRT="VN", IVEXDJ=0, IVEFTJ=126001)
    fetcher = fetcher_of(source_of("F4104", row))
    (found,) = rows_of(fetcher.fetch(None, ManualCancellation()))
    assert (found["IVEXDJ"], found["IVEFTJ"]) == (0, date(2026, 1, 1))
    assert "Part of the key, and so kept as the stored number: IVEXDJ." in fetcher.explain(None).notes


def test_a_batch_is_as_large_as_asked() -> None:
    """Rows come in batches of the configured size, each in the promised schema."""
    rows = [stored("F4801", WADOCO=number) for number in range(25)]
    batches = list(fetcher_of(source_of("F4801", *rows), batch_rows=10).fetch(None, ManualCancellation()))
    assert [batch.num_rows for batch in batches] == [10, 10, 5]


def test_a_cancelled_fetch_stops() -> None:
    """A request to stop is seen between batches."""
    rows = [stored("F4801", WADOCO=number) for number in range(25)]
    cancel = ManualCancellation()
    batches = fetcher_of(source_of("F4801", *rows), batch_rows=10).fetch(None, cancel)
    next(batches)
    cancel.request()
    with pytest.raises(Cancelled):
        next(batches)


def test_a_condition_of_the_user_is_added() -> None:
    """`where` goes along with the window, and stands alone in a Mass."""
    source = source_of("F4801")
    fetcher = fetcher_of(source, where="WADCTO = 'WO'")
    list(fetcher.fetch(None, ManualCancellation()))
    list(fetcher.fetch(datetime(2026, 1, 1, tzinfo=UTC), ManualCancellation()))
    mass, window = (select.where for select in source.selects)
    assert mass == Raw("WADCTO = 'WO'")
    assert isinstance(window, AllOf)
    assert window.parts[0] == mass
    assert fetcher.explain(None).expected_rows is None


def test_the_owner_of_the_table_is_passed_on() -> None:
    """`schema_name` goes before the table's name, in describing and in reading."""
    source = source_of("F0005", stored("F0005"))
    fetched(source, schema_name="PRODCTL")
    assert source.selects[0].table == TableName("F0005", "PRODCTL")


def test_the_source_is_asked_once() -> None:
    """The schema is stable: the table is described once, until it is forgotten."""
    source = source_of("F4801", WORK_ORDER)
    fetcher = fetcher_of(source)
    assert fetcher.schema() is fetcher.schema()
    list(fetcher.fetch(None, ManualCancellation()))
    assert source.described == 1
    fetcher.forget()
    fetcher.schema()
    assert source.described == 2


# ------------------------------------------------------------------------------------------------- explanations


def test_a_window_says_what_it_cannot_bring() -> None:
    """Deleted rows need a Mass with prepurge; columns left out and decimals of quantities are told."""
    explanation = fetcher_of(source_of("F4801"), quantity_decimals=4).explain(None)
    assert explanation.statement is not None
    assert explanation.expected_rows == 12_345
    assert explanation.notes == (
        "Rows deleted in the source leave the cache with the next Mass that has prepurge_data.",
        "56 of the 128 columns are read (option `columns`).",
        "Quantities are read with 4 decimals (option `quantity_decimals`).",
    )


def test_a_creation_stamp_is_told_once() -> None:
    """F4111 says, in one note, that rewritten and deleted rows come with the next Mass."""
    notes = fetcher_of(source_of("F4111")).explain(datetime(2026, 1, 1, tzinfo=UTC)).notes
    assert [note for note in notes if "Mass" in note] == [
        "F4111 has a creation stamp only: rows that were rewritten or deleted in the source come with the next Mass."
    ]


def test_a_window_expects_no_number_of_rows() -> None:
    """The rows of a window are not known before it is read."""
    assert fetcher_of(source_of("F4801")).explain(datetime(2026, 1, 1, tzinfo=UTC)).expected_rows is None


def test_bad_dates_as_null_are_told() -> None:
    """The policy and where the values stay is a note, and a column of the schema."""
    fetcher = fetcher_of(source_of("F4801"), bad_dates="null")
    assert "Invalid dates and times are read as null; the column BadDates keeps them." in fetcher.explain(None).notes
    assert fetcher.schema().column("BadDates").nullable


# -------------------------------------------------------------------------------------------------- other tables

LEDGER = TableInfo(
    columns=(
        SourceColumn(name="SLDOCO", type=pa.int64()),
        SourceColumn(name="SLLNID", type=pa.decimal128(38, 0)),
        SourceColumn(name="SLMCU", type=pa.string(), length=12),
        SourceColumn(name="SLDSC1", type=pa.string(), length=30),
        SourceColumn(name="SLTRDJ", type=pa.int64()),
        SourceColumn(name="SLUPMJ", type=pa.int64()),
        SourceColumn(name="SLTDAY", type=pa.int64()),
        SourceColumn(name="SLFR$RP", type=pa.int64()),
        SourceColumn(name="SLUTIME", type=TIMESTAMP),
    ),
    key=("SLDOCO", "SLLNID"),
)
LINE = {
    "SLDOCO": 7,
    "SLLNID": 1500,
    "SLMCU": "          30",
    "SLDSC1": "Dichtung".ljust(30),
    "SLTRDJ": 126001,
    "SLUPMJ": 126015,
    "SLTDAY": 83000,
    "SLFR$RP": 3,
    "SLUTIME": datetime(2026, 1, 15, 14, 30, tzinfo=UTC),
}


def ledger(*rows: dict[str, Any], info: TableInfo = LEDGER) -> FakeSource:
    """A table that the catalogue does not know."""
    return FakeSource(table="F42199", rows=list(rows), info=info)


def test_any_other_table_by_configuration() -> None:
    """Key, stamp, dates, times and decimals are configured; types come from the source, names may hold `$`."""
    (row,) = fetched(
        ledger(LINE),
        last_update={"date": "SLUPMJ", "time": "TDAY"},
        dates=["SLTRDJ"],
        decimals={"LNID": 3},
    )
    assert row == {
        "SLDOCO": 7,
        "SLLNID": Decimal("1.500"),
        "SLMCU": "30",
        "SLDSC1": "Dichtung",
        "SLTRDJ": date(2026, 1, 1),
        "SLUPMJ": 126015,
        "SLTDAY": 83000,
        "SLFR$RP": 3,
        "SLUTIME": datetime(2026, 1, 15, 14, 30, tzinfo=UTC),
        "LastUpdateDT": datetime(2026, 1, 15, 14, 30, tzinfo=UTC),
    }


def test_a_stamp_in_the_key_is_stamp_and_number() -> None:
    """Ledgers that have the stamp in their key keep it as numbers there, and still have an instant."""
    (row,) = fetched(
        ledger(LINE),
        key=["DOCO", "LNID", "UPMJ", "TDAY"],
        last_update={"date": "UPMJ", "time": "TDAY"},
        dates=["UPMJ"],
        times=["TDAY"],
        columns=["DSC1"],
    )
    assert (row["SLUPMJ"], row["SLTDAY"]) == (126015, 83000)
    assert row["LastUpdateDT"] == datetime(2026, 1, 15, 14, 30, tzinfo=UTC)


def test_a_table_without_stamp_is_read_whole() -> None:
    """Without a stamp there is no window and no last-update column, and the plan says so."""
    fetcher = fetcher_of(ledger(LINE))
    assert (fetcher.schema().last_update, fetcher.schema().folds) == (None, ())
    assert len(rows_of(fetcher.fetch(datetime(2030, 1, 1, tzinfo=UTC), ManualCancellation()))) == 1
    assert fetcher.explain(None).notes == ("F42199 has no change stamp: every sync reads the whole table.",)


def test_a_stamp_may_be_a_date_alone() -> None:
    """A table that stamps no time is stamped at the start of the day."""
    (row,) = fetched(ledger(LINE), last_update={"date": "UPMJ", "kind": "creation"}, columns=["DSC1"])
    assert row["LastUpdateDT"] == datetime(2026, 1, 15, 6, tzinfo=UTC)


def test_text_may_be_justified_by_configuration() -> None:
    """A column that is right-justified at a site is named."""
    (row,) = fetched(ledger(LINE | {"SLDSC1": "     12 A  "}), right_justified=["DSC1"], columns=["DSC1"])
    assert row["SLDSC1"] == "12 A"


def test_a_key_must_be_known() -> None:
    """A table without primary key in the source needs one in the configuration."""
    with pytest.raises(ConfigurationError, match="the key of F42199 is not known") as raised:
        fetched(ledger(LINE, info=replace(LEDGER, key=())))
    assert "key = " in raised.value.hint


# -------------------------------------------------------------------------------------------------------- errors


def lacking(table: str, column: str, other: str | None = None) -> FakeSource:
    """A source of another release: the column is missing, or has another name."""
    info = info_of(table)
    names = [c if c.name != column else replace(c, name=other) if other else None for c in info.columns]
    return FakeSource(table=table, rows=[], info=replace(info, columns=tuple(c for c in names if c)))


def test_a_column_renamed_between_releases_is_pointed_out() -> None:
    """A documented column that the source does not have stops it, with the nearest name there is."""
    with pytest.raises(ConfigurationError) as raised:
        fetcher_of(lacking("F4801", "WADL01", "WADL_01")).schema()
    assert raised.value.message == ("the source's table F4801 has no column WADL01, which other releases have")
    assert raised.value.hint.startswith("Nearest in the source: WADL_01. List the columns to read")


def test_columns_of_another_release_can_be_read() -> None:
    """A list of columns, or all, does not ask for documented ones that are not there."""
    source = lacking("F4801", "WADL01", "WADL@01")
    assert "WADL@01" in fetcher_of(source, columns="all").schema().names
    assert "WADL@01" in fetcher_of(source, columns=["WADL@01"]).schema().names


def test_the_source_may_spell_in_lower_case() -> None:
    """A replica with lower-case names is read under its own names, and known all the same."""
    info = info_of("F4801")
    lower = replace(info, columns=tuple(replace(c, name=c.name.lower()) for c in info.columns))
    row = {name.lower(): value for name, value in WORK_ORDER.items()}
    (found,) = fetched(FakeSource(table="F4801", rows=[row], info=lower), quantity_decimals=4)
    assert (found["wadoco"], found["waupmj"], found["wauorg"]) == (400017, date(2026, 1, 15), Decimal("12.5000"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"columns": ["WADOCX"]}, "has no column WADOCX, which `columns` names"),
        ({"rename": {"WADOCX": "X"}}, "has no column WADOCX, which `rename` names"),
        ({"decimals": {"WADOCX": 2}}, "has no column WADOCX, which `decimals` names"),
        ({"key": ["WADOCX"]}, "has no column WADOCX, which `key` names"),
        ({"dates": ["WADOCX"]}, "has no column WADOCX, which `dates` names"),
        ({"times": ["WADOCX"]}, "has no column WADOCX, which `times` names"),
        ({"right_justified": ["WADOCX"]}, "has no column WADOCX, which `right_justified` names"),
        ({"last_update": {"date": "WADOCX"}}, "has no column WADOCX, which `last_update` names"),
        ({"rename": {"WADL01": "WADOCO"}}, "two columns have the same name"),
    ],
)
def test_options_name_columns_that_are_there(settings: dict[str, Any], message: str) -> None:
    """An option that names a column the source does not have is a configuration error that says which."""
    with pytest.raises(ConfigurationError, match=message) as raised:
        fetcher_of(source_of("F4801"), **settings).schema()
    assert raised.value.hint


def test_a_table_that_is_not_there() -> None:
    """A wrong owner reads as no table; the error says which setting to look at."""
    source = FakeSource(table="F4801", rows=[], info=None)
    with pytest.raises(ConfigurationError, match=r"the source has no table PRODDTA\.F4801") as raised:
        fetcher_of(source, schema_name="PRODDTA").schema()
    assert "schema_name" in raised.value.hint


def test_the_fetcher_needs_a_table_and_a_source() -> None:
    """`jde` alone says how it is written."""
    fetcher = fetcher_of(source_of("F4801"))
    assert JDE.takes_argument
    assert JDE.needs_source
    with pytest.raises(ConfigurationError, match="needs a table"):
        fetcher_of(replace_table(source_of("F4801"), ""))
    assert fetcher.clock() is not None


def replace_table(source: FakeSource, table: str) -> FakeSource:
    """The source under another table name."""
    return replace(source, table=table)


@pytest.mark.parametrize(
    "settings",
    [
        {"quantity_decimals": 9},
        {"quantity_decimals": -1},
        {"decimals": {"UORG": 16}},
        {"columns": "some"},
        {"names": "short"},
        {"bad_dates": "skip"},
        {"last_update": {"time": "TDAY"}},
        {"schema_name": ""},
    ],
    ids=str,
)
def test_options_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    """Options have limits that the configuration reader enforces."""
    with pytest.raises(ValidationError):
        options(**settings)
