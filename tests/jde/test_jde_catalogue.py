"""The tables that are known."""

import pytest

from afresh.jde.catalogue import Kind, Stamp, StampKind, tables

KEYS = {
    "F0005": "DRSY DRRT DRKY",
    "F0006": "MCMCU",
    "F0101": "ABAN8",
    "F3002": "IXKIT IXMMCU IXTBM IXBQTY IXCPNB IXSBNT IXCOBY",
    "F3111": "WMUKID",
    "F3112": "WLDOCO WLOPSQ WLOPSC WLMCU",
    "F31122": "WTUKID",
    "F4101": "IMITM",
    "F4102": "IBMCU IBITM",
    "F41021": "LIITM LIMCU LILOCN LILOTN",
    "F4104": "IVITM IVXRT IVAN8 IVCITM IVEXDJ IVCIRV",
    "F4108": "IOLOTN IOITM IOMCU",
    "F4111": "ILUKID",
    "F4211": "SDDOCO SDDCTO SDKCOO SDLNID",
    "F4311": "PDDOCO PDDCTO PDKCOO PDSFXO PDLNID",
    "F4801": "WADOCO",
}


@pytest.mark.parametrize(("table", "key"), KEYS.items())
def test_every_known_table_has_its_primary_key(table: str, key: str) -> None:
    """The key columns stand in the order of the primary key."""
    assert tables()[table].key == tuple(key.split())


def test_no_other_table_is_known() -> None:
    """The catalogue holds these tables and no more, each with a title."""
    assert set(tables()) == set(KEYS)
    assert all(table.title for table in tables().values())


@pytest.mark.parametrize("table", sorted(KEYS))
def test_columns_are_whole(table: str) -> None:
    """Names are unique, an alias stands behind its prefix, and every text has a length."""
    columns = tables()[table].columns
    assert len({column.name for column in columns}) == len(columns) > 10
    assert all(column.name[2:] == column.alias for column in columns)
    assert all((column.length is not None) == (column.kind is Kind.TEXT) for column in columns)


@pytest.mark.parametrize("table", sorted(set(KEYS) - {"F4111", "F0005", "F0006", "F0101"}))
def test_manufacturing_and_distribution_stamp_with_tday(table: str) -> None:
    """These tables tell a change by UPMJ and TDAY."""
    prefix = tables()[table].columns[0].name[:2]
    assert tables()[table].stamp == Stamp(date=f"{prefix}UPMJ", time=f"{prefix}TDAY")


@pytest.mark.parametrize(("table", "prefix"), [("F0005", "DR"), ("F0006", "MC"), ("F0101", "AB")])
def test_foundation_tables_stamp_with_upmt(table: str, prefix: str) -> None:
    """The tables of systems 00 and 01 name their time column UPMT."""
    assert tables()[table].stamp == Stamp(date=f"{prefix}UPMJ", time=f"{prefix}UPMT")


def test_the_cardex_has_a_creation_stamp_only() -> None:
    """F4111 has no update stamp, and says so."""
    assert tables()["F4111"].stamp == Stamp(date="ILCRDJ", time="ILTDAY", kind=StampKind.CREATION)


@pytest.mark.parametrize("table", sorted(KEYS))
def test_stamp_columns_are_a_date_and_a_time(table: str) -> None:
    """What a stamp is made of is read as date and time."""
    known = tables()[table]
    assert known.stamp
    assert known.stamp.time
    assert known.column(known.stamp.date).kind is Kind.DATE
    assert known.column(known.stamp.time).kind is Kind.TIME


@pytest.mark.parametrize(
    ("table", "column", "scale"),
    [
        ("F4801", "WADOCO", 0),
        ("F4801", "WAUORG", 3),
        ("F4801", "WAHRSO", 2),
        ("F3112", "WLOPSQ", 2),
        ("F31122", "WTHRW", 2),
        ("F4111", "ILUNCS", 4),
        ("F4211", "SDLNID", 3),
        ("F41021", "LIPQOH", 3),
    ],
)
def test_decimals_are_known_but_those_of_quantities(table: str, column: str, scale: int) -> None:
    """A quantity has the decimals of the site (3 here), another number those of its item."""
    assert tables()[table].column(column).scale(3) == scale


def test_business_units_are_right_justified() -> None:
    """Business units and user defined codes are padded in front; other text of the same length is not."""
    assert tables()["F4801"].column("WAMCU").right_justified
    assert tables()["F3002"].column("IXCMCU").right_justified
    assert tables()["F0005"].column("DRKY").right_justified
    assert not tables()["F3002"].column("IXECO").right_justified
    assert not tables()["F4801"].column("WALITM").right_justified


def test_a_column_that_is_not_there_is_a_key_error() -> None:
    """Asking for a column that the table lacks says so."""
    with pytest.raises(KeyError, match="WAXXXX"):
        tables()["F4801"].column("WAXXXX")
