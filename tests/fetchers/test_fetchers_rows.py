"""Users' own fetchers: classes, generator functions and whole fetchers, made to keep the contract."""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Context, Decimal
from pathlib import Path
from typing import Annotated, Any, TypedDict
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.fetchers.fetched import context_of, database, mine, rows, source_of

from afresh.core.errors import Cancelled, ConfigurationError, FetcherError, SourceUnavailable
from afresh.core.kinds import FetcherContext
from afresh.core.model import SourceInstant
from afresh.core.ports import Cancellation, Explanation, Fetcher, SourceSystem
from afresh.core.schema import Column, TableSchema
from afresh.fetchers.rows import PYTHON, PythonOptions
from afresh.testing.cancellation import ManualCancellation

reading = datetime.fromisoformat
NOON = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)


@dataclass
class Order:
    """Every type a field can have."""

    number: int = field(metadata={"key": True})
    changed: datetime | None = field(default=None, metadata={"last_update": True})
    price: Annotated[Decimal, "decimal(7,2)"] = Decimal(0)
    name: Annotated[str, "text(5)"] | None = None
    due: date | None = None
    at: time | None = None
    wall: Annotated[datetime | None, "datetime"] = None
    small: Annotated[int, "int16"] = 0
    weight: float | None = None
    open: bool = True
    scan: bytes | None = None


FULL = Order(
    number=1,
    changed=datetime(2024, 5, 1, 12, tzinfo=timezone(timedelta(hours=2))),
    price=Decimal("12345.60"),
    name="Zoë 😀",
    due=date.min,
    at=time.max,
    wall=reading("9999-12-31 23:59:59.999999"),
    small=-(2**15),
    weight=3,
    open=False,
    scan=b"\0",
)


def yields(*items: object, row: type = Order) -> Callable[[], Iterator[Any]]:
    """A generator function that yields these things, and says it yields rows of that class."""

    def fetch() -> Iterator[Any]:
        yield from items

    fetch.__annotations__["return"] = Iterator[row]  # type: ignore[valid-type]  # the class is an argument here
    return fetch


def test_a_dataclass_describes_the_columns() -> None:
    """Types come from the annotations, null from `| None`, key and last-update column from the metadata."""
    schema = mine(yields()).schema()
    assert [(column.name, column.type_name, column.nullable) for column in schema.columns] == [
        ("number", "int64", False),
        ("changed", "timestamp", True),
        ("price", "decimal(7,2)", False),
        ("name", "text(5)", True),
        ("due", "date", True),
        ("at", "time", True),
        ("wall", "datetime", True),
        ("small", "int16", False),
        ("weight", "float", True),
        ("open", "bool", False),
        ("scan", "bytes", True),
    ]
    assert (schema.key, schema.last_update) == (("number",), "changed")


def test_every_way_to_yield_rows() -> None:
    """Instances, dicts, lists of them and record batches may be mixed; the order stays, batches are cut to size."""
    as_dict = {**{name: getattr(FULL, name) for name in Order.__dataclass_fields__}, "number": 4}
    plain = Order(number=2)
    fetcher = mine(yields(FULL, plain, [Order(number=3), as_dict], (Order(number=5),)), batch_rows=2)
    found = rows(fetcher)
    assert [row["number"] for row in found] == [1, 2, 3, 4, 5]
    assert found[0] == {
        **{name: getattr(FULL, name) for name in Order.__dataclass_fields__},
        "changed": datetime(2024, 5, 1, 10, tzinfo=UTC),
    }
    assert found[1] == {name: getattr(plain, name) for name in Order.__dataclass_fields__}
    batches = list(fetcher.fetch(None, ManualCancellation()))
    assert [batch.num_rows for batch in batches] == [2, 2, 1]
    again = mine(yields(Order(number=0), batches[0], pa.Table.from_batches(batches[1:])), batch_rows=2)
    assert [row["number"] for row in rows(again)] == [0, 1, 2, 3, 4, 5]


class Typed(Fetcher[Order]):
    """Derives from the port, and says no more than its rows."""

    def fetch(self, minimum_dt: datetime | None, cancel: Cancellation) -> Iterator[Any]:
        """The instant as a row."""
        yield Order(number=1 if minimum_dt is None else 2, changed=minimum_dt)


def test_rows_told_by_the_base_class() -> None:
    """T of `Fetcher[T]` is the row class; what the protocol only declares does not count as written."""
    fetcher = mine(Typed)
    assert fetcher.schema().key == ("number",)
    assert [row["number"] for row in rows(fetcher)] == [1]
    assert rows(fetcher, NOON)[0]["changed"] == NOON
    assert fetcher.explain(None) == Explanation(notes=("Rows come from my_fetchers:Mine.",))
    assert fetcher.clock() is None


class ByAttribute:
    """Says its rows, key and stamp by attributes."""

    row_type = Order
    key = ("number", "small")
    last_update = "wall"

    def fetch(self, cancel: Cancellation) -> Generator[Any, None, None]:
        """One row."""
        yield FULL


def test_rows_told_by_attributes() -> None:
    """`row_type`, `key` and `last_update` of the class; options go before them."""
    assert (mine(ByAttribute).schema().key, mine(ByAttribute).schema().last_update) == (("number", "small"), "wall")
    told = mine(ByAttribute, key=("small",), last_update="changed").schema()
    assert (told.key, told.last_update) == (("small",), "changed")
    assert [row["number"] for row in rows(mine(ByAttribute()))] == [1]


class Person(TypedDict):
    """A row that is a dict."""

    number: int
    name: str | None


def paged() -> Iterator[list[Person]]:
    """Pages of dicts."""
    yield [{"number": 1, "name": None}, {"number": 2, "name": "x"}]


def test_typed_dicts_and_pages() -> None:
    """The row class is found inside of the return type, and may be a TypedDict."""
    fetcher = mine(paged, key=("number",))
    assert fetcher.schema().names == ("number", "name")
    assert rows(fetcher) == [{"number": 1, "name": None}, {"number": 2, "name": "x"}]


def bare() -> Iterable[Any]:
    """Nothing tells the columns of these."""
    return [{"a": 1, "b": None}]


def test_columns_can_be_told_by_options() -> None:
    """Where no class describes the rows, the options do."""
    fetcher = mine(bare, columns={"a": "int32", "b": "text(3)"}, key=("a",))
    assert [column.type_name for column in fetcher.schema().columns] == ["int32", "text(3)"]
    assert rows(fetcher) == [{"a": 1, "b": None}]


class Whole:
    """A full fetcher."""

    def schema(self) -> TableSchema:
        """One column."""
        return TableSchema(columns=(Column(name="A", type=pa.int64()),), key=("A",))

    def fetch(self, minimum_dt: datetime | None, cancel: Cancellation) -> Iterator[pa.RecordBatch]:
        """One batch."""
        yield pa.RecordBatch.from_pydict({"A": pa.array([1, 2, 3], pa.int32())})

    def explain(self, minimum_dt: datetime | None) -> Explanation:
        """A note."""
        return Explanation(notes=("mine",))

    def misses(self) -> str | None:
        """What windows do not bring."""
        return "What is done by night comes with the next Mass."

    def now(self) -> datetime:
        """A clock."""
        return NOON


def test_a_whole_fetcher_is_taken_as_it_is() -> None:
    """Its schema, explanation and clock are its own; its batches are checked and cut."""
    fetcher = mine(Whole, batch_rows=2)
    assert rows(fetcher) == [{"A": 1}, {"A": 2}, {"A": 3}]
    assert fetcher.explain(None).notes == ("mine",)
    assert fetcher.misses() == "What is done by night comes with the next Mass."
    assert fetcher.clock() == SourceInstant(now=NOON)


class Built:
    """Takes what it is given."""

    row_type = Order

    def __init__(self, context: FetcherContext, source: SourceSystem, first: int, *, step: int = 1) -> None:
        self.numbers = (first, first + step, context.batch_rows)
        self.source = source

    def fetch(self) -> Iterator[Order]:
        """The numbers."""
        for number in self.numbers:
            yield Order(number=number)


def test_arguments_of_a_class(tmp_path: Path) -> None:
    """The constructor gets what it names of ours, and the user's arguments; its clock is the source's."""
    source = source_of(database(tmp_path / "a.db"))
    fetcher = mine(Built, source=source, arguments={"first": 5, "step": 2})
    assert [row["number"] for row in rows(fetcher)] == [5, 7, 1000]
    assert fetcher.clock() == source.clock()


def counted(minimum_dt: datetime | None, *, upto: int) -> Iterator[Order]:
    """Numbers."""
    for number in range(upto):
        yield Order(number=number)


def test_arguments_of_a_function() -> None:
    """A generator function takes arguments too."""
    assert [row["number"] for row in rows(mine(counted, arguments={"upto": 3}))] == [0, 1, 2]


def test_the_kind_finds_the_fetcher_by_its_name() -> None:
    """`module:Class` of the configuration is loaded and made whole."""
    context = context_of(PythonOptions())
    named = FetcherContext(
        config=type(context.config)(table_name="T", source_system="", fetcher="tests.fetchers.mine:Orders"),
        argument="",
        options=PythonOptions(),
        source=None,
        batch_rows=10,
        clock=context.clock,
    )
    assert rows(PYTHON.build(named)) == [{"number": 1}]
    assert not PYTHON.needs_source


# -------------------------------------------------------------------------------------------- mistakes of the class


@dataclass
class NoDigits:
    """A decimal without digits."""

    number: int
    price: Decimal


@dataclass
class Strange:
    """A list as a field."""

    number: int
    tags: list[str]


@dataclass
class Contradiction:
    """A text that calls itself a number."""

    number: Annotated[str, "int64"]


@dataclass
class TwoStamps:
    """Two last-update fields."""

    a: datetime = field(metadata={"key": True, "last_update": True})
    b: datetime = field(metadata={"last_update": True})


class NoFetch:
    """Nothing to call."""


def greedy(minimum_dt: datetime | None, page: int) -> Iterator[Order]:
    """Wants what nobody gives."""
    yield Order(number=page)


class GreedyFetch:
    """Wants it in `fetch`."""

    row_type = Order

    def fetch(self, since: datetime) -> Iterator[Order]:
        """Another name for the instant."""
        yield Order(number=1, changed=since)


class FailsAtOnce:
    """Cannot be made."""

    def __init__(self) -> None:
        raise KeyError("nothing")

    def fetch(self) -> Iterator[Order]:
        """Never."""
        yield FULL


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        (yields(row=NoDigits), {}, "NoDigits.price: a Decimal needs its digits"),
        (yields(row=Strange), {}, "Strange.tags: list[str] cannot be a column"),
        (yields(row=Contradiction), {}, "Contradiction.number: str values cannot be int64"),
        (yields(row=TwoStamps), {}, "more than one last-update field: a, b"),
        (paged, {}, "a table needs a key"),
        (paged, {"key": ("nr",)}, "'nr' is used as key or last-update column"),
        (bare, {}, "nothing says which columns the rows have"),
        (bare, {"columns": {"a": "integer"}}, "'integer' is not a type"),
        (NoFetch, {}, "the class is no fetcher: it has no `fetch`"),
        (5, {}, "a int is no fetcher"),
        (greedy, {}, "the argument 'page' is missing"),
        (greedy, {"arguments": {"page": 1, "pag": 2}}, "there is no argument 'pag'"),
        (Built, {"arguments": {"first": 1}}, "it needs a source system"),
        (GreedyFetch, {}, "`fetch` has a parameter 'since'"),
    ],
)
def test_mistakes_of_the_configuration(target: object, options: dict[str, Any], message: str) -> None:
    """What cannot be a fetcher is told before anything runs."""
    with pytest.raises(ConfigurationError) as raised:
        mine(target, **options).schema()
    assert message in raised.value.message


# --------------------------------------------------------------------------------------------- mistakes of the rows


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"number": None}, "field 'number' is None, and may not be"),
        ({"open": None}, "field 'open' is None, and may not be"),
        ({"number": "1"}, "field 'number' is a str, where int64 needs a int"),
        ({"number": True}, "field 'number' is a bool, where int64 needs a int"),
        ({"number": 2**63}, "field 'number' is a int that int64 cannot hold exactly"),
        ({"small": 2**15}, "field 'small' is a int that int16 cannot hold exactly"),
        ({"price": 1.5}, "field 'price' is a float, where decimal(7,2) needs a Decimal"),
        ({"price": Decimal("1.255")}, "field 'price' is a Decimal that decimal(7,2) cannot hold exactly"),
        ({"price": Decimal(100_000)}, "field 'price' is a Decimal that decimal(7,2) cannot hold exactly"),
        ({"price": Decimal("9" * 45)}, "field 'price' is a Decimal that decimal(7,2) cannot hold exactly"),
        ({"price": Decimal("NaN")}, "field 'price' is a Decimal that decimal(7,2) cannot hold exactly"),
        ({"weight": 2**53 + 1}, "field 'weight' is a float that float cannot hold exactly"),
        ({"name": "secret"}, "field 'name' is longer than text(5) allows"),
        ({"name": "\udc80"}, "field 'name' is a str that text(5) cannot hold exactly"),
        ({"name": b"x"}, "field 'name' is a bytes, where text(5) needs a str"),
        ({"changed": reading("2024-05-01")}, "field 'changed' is a datetime without a time zone"),
        ({"changed": "2024-05-01"}, "field 'changed' is a str, where timestamp needs a datetime"),
        ({"wall": NOON}, "field 'wall' has a time zone, where datetime has none"),
        ({"at": time(1, tzinfo=UTC)}, "field 'at' has a time zone, where time has none"),
        ({"due": NOON}, "field 'due' is a datetime, where date needs a date"),
    ],
)
def test_values_that_do_not_fit(changes: dict[str, Any], message: str) -> None:
    """The row and the field are named, the value is not; the rows before it change nothing."""
    bad = Order(**{"number": 7, **changes})
    for batch_rows in (1000, 3):
        fetcher = mine(yields(*(Order(number=n) for n in range(4)), bad, Order(number=9)), batch_rows=batch_rows)
        with pytest.raises(FetcherError) as raised:
            rows(fetcher)
        assert raised.value.message.startswith(f"T: my_fetchers:Mine: row 5: {message}")


@dataclass
class Other:
    """Another class of rows."""

    number: int
    extra: str = ""


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"number": 1}, "row 2: lacks name"),
        ({"number": 1, "name": "x", "a": 1, "b": 2}, "row 2: has unknown fields a, b"),
        ({"number": 1, "nam": 1}, "row 2: lacks name and has unknown fields nam"),
        (Other(1), "row 2: lacks name and has unknown fields extra"),
        (5, "row 2: is a int, not a dataclass instance, dict or record batch"),
        (Other, "row 2: is a type, not a dataclass instance, dict or record batch"),
        (None, "row 2: is a NoneType, not a dataclass instance, dict or record batch"),
    ],
)
def test_rows_with_other_fields(item: object, message: str) -> None:
    """What is missing and what nobody declared is named."""
    fetcher = mine(yields({"number": 0, "name": None}, item, row=Person), key=("number",))
    with pytest.raises(FetcherError) as raised:
        rows(fetcher)
    assert raised.value.message == f"T: my_fetchers:Mine: {message}"


def batch_of(**arrays: Any) -> Callable[[], Iterator[Any]]:
    """A function that yields one batch of these columns."""
    return yields(pa.RecordBatch.from_pydict(arrays))


NANO = datetime(2024, 5, 1, tzinfo=UTC)

LOSSLESS: list[tuple[str, Any]] = [
    ("int64", pa.array([1, None], pa.int8())),
    ("int16", pa.array([1, None], pa.int64())),
    ("decimal(38,19)", pa.array([Decimal("1.5"), None], pa.decimal128(5, 1))),
    ("float", pa.array([1.5, None], pa.float32())),
    ("text", pa.array(["x", None], pa.large_string())),
    ("text", pa.array(["x", None], pa.string_view())),
    ("text", pa.array(["x", None]).dictionary_encode()),
    ("text", pa.nulls(2)),
    ("bytes", pa.array([b"x", None], pa.large_binary())),
    ("time", pa.array([time(1), None], pa.time32("s"))),
    ("timestamp", pa.array([NANO, None], pa.timestamp("ns", "America/Chicago"))),
    ("timestamp", pa.array([NANO, None], pa.timestamp("s", "UTC"))),
    ("datetime", pa.array([reading("2024-05-01"), None], pa.timestamp("ms"))),
]


@pytest.mark.parametrize(("wanted", "column"), LOSSLESS, ids=[f"{w}-{c.type}" for w, c in LOSSLESS])
def test_batches_of_related_types(wanted: str, column: Any) -> None:
    """A batch in a related type is cast, if every value stays what it is."""
    fetcher = mine(batch_of(V=column, K=pa.array([1, 2])), columns={"K": "int64", "V": wanted}, key=("K",))
    assert rows(fetcher) == [{"K": 1, "V": column[0].as_py()}, {"K": 2, "V": None}]


LOSSY: list[tuple[str, Any]] = [
    ("int16", pa.array([2**15])),
    ("int64", pa.array([1.0])),
    ("int64", pa.array(["1"])),
    ("decimal(5,1)", pa.array([Decimal("1.25")])),
    ("decimal(20,19)", pa.array([Decimal("34028236692093846350")], pa.decimal128(38, 0))),
    ("decimal(5,1)", pa.array([1.5])),
    ("float", pa.array([1])),
    ("text", pa.array([b"x"])),
    ("text(2)", pa.array(["abc"])),
    ("date", pa.array([NANO])),
    ("timestamp", pa.array([1_000_000_001], pa.timestamp("ns", "UTC"))),
    ("timestamp", pa.array([reading("2024-05-01")])),
    ("datetime", pa.array([NANO])),
]


@pytest.mark.parametrize(("wanted", "column"), LOSSY, ids=[f"{w}-{c.type}" for w, c in LOSSY])
def test_batches_that_would_lose_something(wanted: str, column: Any) -> None:
    """A batch whose values would change is refused, and so is one of another kind of type."""
    fetcher = mine(batch_of(K=pa.array([1]), V=column), columns={"K": "int64", "V": wanted}, key=("K",))
    with pytest.raises(FetcherError) as raised:
        rows(fetcher)
    assert raised.value.message == (
        f"T: my_fetchers:Mine: column 'V' of a record batch is {column.type}, "
        f"and not all of its values can be {wanted} exactly"
    )


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"K": pa.array([1])}, "a record batch has the columns K; declared are K, V"),
        ({"K": pa.array([1]), "V": pa.array([1]), "W": pa.array([1])}, "has the columns K, V, W; declared are K, V"),
        ({"K": pa.array([1, None]), "V": pa.array([1, 2])}, "column 'K' of a record batch has nulls, and may not"),
    ],
)
def test_batches_that_break_the_schema(arrays: dict[str, Any], message: str) -> None:
    """Missing and unknown columns and nulls in the key are refused."""
    fetcher = mine(batch_of(**arrays), columns={"K": "int64", "V": "int64"}, key=("K",))
    with pytest.raises(FetcherError, match=r"^T: my_fetchers:Mine: ") as raised:
        rows(fetcher)
    assert message in raised.value.message


DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=3)


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), DECIMALS, st.decimals(allow_nan=False)), max_size=5), st.integers(1, 38))
@example([Decimal("517497169397386.8292478106301009820")], 29)
def test_decimals_arrive_or_are_refused(values: list[Decimal | None], precision: int) -> None:
    """No decimal arrives as another one, whatever its digits and exponent."""
    column = f"decimal({precision},{precision // 2})"
    items = [{"K": number, "V": value} for number, value in enumerate(values)]
    fetcher = mine(yields(*items), columns={"K": "int64", "V": column}, key=("K",))
    try:
        found = [row["V"] for row in rows(fetcher)]
    except FetcherError:
        limit = Decimal(10) ** (precision - precision // 2)
        unit = Decimal(1).scaleb(-(precision // 2))
        rest = Context(prec=60).remainder  # more digits than the quotient has
        assert any(
            value is not None and (not value.is_finite() or abs(value) >= limit or rest(value, unit))
            for value in values
        )
    else:
        assert found == values


# ------------------------------------------------------------------------------------------- what the user's code does


def fails() -> Iterator[Order]:
    """Breaks in the middle."""
    yield Order(number=1)
    raise ValueError("page 2 is gone")


def unavailable() -> Iterator[Order]:
    """Knows our errors."""
    raise SourceUnavailable("the service is down")
    yield


def nothing() -> Iterator[Order]:
    """Forgot to yield."""
    return None  # type: ignore[return-value]  # the mistake that is tested


def a_text() -> Iterator[Order]:
    """A text can be iterated, but holds no rows."""
    return "rows"  # type: ignore[return-value]  # the mistake that is tested


def test_errors_of_the_users_code() -> None:
    """An exception becomes a FetcherError with its cause; an error that is ours already passes."""
    with pytest.raises(
        FetcherError, match="T: my_fetchers:Mine: failed in `fetch`: ValueError: page 2 is gone"
    ) as raised:
        rows(mine(fails))
    assert isinstance(raised.value.__cause__, ValueError)
    with pytest.raises(SourceUnavailable, match="the service is down"):
        rows(mine(unavailable))
    with pytest.raises(FetcherError, match="`fetch` returned a NoneType, and must yield rows"):
        rows(mine(nothing))
    with pytest.raises(FetcherError, match="`fetch` returned a str, and must yield rows"):
        rows(mine(a_text))
    with pytest.raises(FetcherError, match="could not be made: KeyError: 'nothing'"):
        mine(FailsAtOnce)


class WrongEverywhere(Whole):
    """Returns other things than it should."""

    def schema(self) -> Any:
        """No schema."""
        return {"A": "int64"}

    def explain(self, minimum_dt: datetime | None) -> Any:
        """No explanation."""
        return "mine"

    def misses(self) -> Any:
        """No text."""
        return 3

    def now(self) -> datetime:
        """No instant."""
        return NOON.replace(tzinfo=None)


def test_wrong_answers_of_a_whole_fetcher() -> None:
    """A schema, an explanation or a clock of another type is a broken contract."""
    fetcher = mine(WrongEverywhere)
    with pytest.raises(FetcherError, match="`schema` returned a dict, not a TableSchema"):
        fetcher.schema()
    with pytest.raises(FetcherError, match="`explain` returned a str, not an Explanation"):
        fetcher.explain(None)
    with pytest.raises(FetcherError, match="`misses` returned a int, not a text"):
        fetcher.misses()
    with pytest.raises(FetcherError, match="`now` did not return a datetime with a time zone"):
        fetcher.clock()


class Grows:
    """A fetcher whose columns are asked of somebody."""

    def __init__(self) -> None:
        self.columns = ["A"]

    def schema(self) -> TableSchema:
        """A column more each time."""
        self.columns.append(f"B{len(self.columns)}")
        return TableSchema(columns=tuple(Column(name=name, type=pa.int64()) for name in self.columns), key=("A",))

    def fetch(self, minimum_dt: datetime | None) -> Iterator[dict[str, int]]:
        """A row."""
        yield dict.fromkeys(self.columns, 1)


class GrowsAndForgets(Grows):
    """One that remembers something itself."""

    def forget(self) -> None:
        """Starts again."""
        self.columns = ["A"]


def test_a_schema_of_the_users_is_asked_for_again_when_it_is_forgotten() -> None:
    """After the `forget` of theirs, if there is one; columns that a class or the options describe stay."""
    grows, forgets, fixed = mine(Grows), mine(GrowsAndForgets), mine(yields())
    for fetcher in (grows, forgets, fixed):
        first = fetcher.schema()
        assert fetcher.schema() is first
        fetcher.forget()
    assert grows.schema().names == ("A", "B1", "B2")
    assert rows(grows) == [{"A": 1, "B1": 1, "B2": 1}]
    assert forgets.schema().names == ("A", "B1")
    assert fixed.schema() is fixed.schema()


def test_cancellation_and_closing() -> None:
    """A request is obeyed before the next item, and the user's generator is closed on every way out."""
    closed: list[int] = []

    def endless() -> Iterator[Order]:
        try:
            while True:
                yield Order(number=1)
        finally:
            closed.append(1)

    cancel = ManualCancellation()
    batches = mine(endless, batch_rows=2).fetch(None, cancel)
    next(batches)
    cancel.request()
    with pytest.raises(Cancelled):
        next(batches)
    given_up = mine(endless, batch_rows=2).fetch(None, ManualCancellation())
    next(given_up)
    assert isinstance(given_up, Generator)
    given_up.close()
    assert closed == [1, 1]


def test_zones_of_instants_do_not_matter() -> None:
    """The same instant in another zone is the same row, in a repeated hour too."""
    chicago = ZoneInfo("America/Chicago")
    twice = [datetime(2024, 11, 3, 1, 30, fold=fold, tzinfo=chicago) for fold in (0, 1)]
    found = rows(mine(yields(*(Order(number=n, changed=at) for n, at in enumerate(twice)))))
    assert [row["changed"] for row in found] == [
        datetime(2024, 11, 3, 6, 30, tzinfo=UTC),
        datetime(2024, 11, 3, 7, 30, tzinfo=UTC),
    ]
