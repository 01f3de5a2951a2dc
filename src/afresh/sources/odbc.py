"""Databases behind ODBC: any that has a driver, with profiles for those that are known."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core.errors import LoginRefused, QueryFailed, SourceRefused
from afresh.core.kinds import SourceContext, SourceKind
from afresh.core.model import SourceInstant
from afresh.core.ports import (
    Account,
    Cancellation,
    Catalogue,
    Clock,
    Reading,
    SourceColumn,
    SourceTraits,
    TableInfo,
    TableSummary,
)
from afresh.core.select import Output, Query, Select, Statement, TableName, Value
from afresh.sources.arrow_read import positions
from afresh.sources.fit import Fitting
from afresh.sources.never import NEVER
from afresh.sources.odbc_catalogue import SMALL, Teller
from afresh.sources.odbc_decode import Decoding
from afresh.sources.odbc_driver import Driver, Room
from afresh.sources.odbc_errors import Fault, translated
from afresh.sources.odbc_options import (
    Db2Options,
    MysqlOptions,
    OdbcOptions,
    SessionOptions,
    SybaseOptions,
    connection_string,
    profile_of,
)
from afresh.sources.odbc_pages import coalesced, in_pages
from afresh.sources.odbc_parts import cut
from afresh.sources.odbc_profile import Profile
from afresh.sources.odbc_session import Session
from afresh.sources.odbc_socket import Link
from afresh.sources.odbc_steps import Limits, Pages, Steps, page_rows, windowed
from afresh.sources.odbc_sybase import padded, raw
from afresh.sources.render import quote, render
from afresh.sources.values import convert

_UNKNOWN_KIND = (
    "Nothing is known of this kind of database but the standard's INFORMATION_SCHEMA: name its kind with `profile`, "
    "or name the tables in the configuration."
)


class OdbcSource:
    """A database that is only read, over ODBC. Nothing is held open between reads."""

    def __init__(
        self,
        *,
        name: str,
        kind: str,
        options: SessionOptions,
        profile: Profile,
        time_zone: ZoneInfo,
        clock: Clock,
        show_values: bool = False,
        driver: Callable[..., Driver] = Driver,
    ) -> None:
        self._name = name
        self._options = options
        self._password = options.password.get_secret_value() if options.password is not None else None
        self._profile = profile
        self._clock = clock
        self._driver = driver
        self._show_values = show_values
        self._sees_transactions = True
        self._string = connection_string(options, profile)
        self._dialect = profile.dialect(time_zone)
        self.traits = SourceTraits(
            kind=kind,
            dialect=self._dialect.name,
            time_zone=time_zone,
            snapshot_reads=profile.snapshot_reads,
            own_clock=bool(profile.lists.clock),
            read_only_sessions=profile.read_only_sessions,
        )
        self._teller = Teller(profile=profile, dialect=self._dialect)
        limits = Limits(text=options.max_text_size, memory=options.batch_memory)
        self._steps = Steps(profile=profile, dialect=self._dialect, limits=limits)
        strip = options.trailing_blanks == "strip" or (options.trailing_blanks is None and profile.name == "sybase")
        self._decoding = Decoding(
            instants=profile.instants,
            charset=options.decode_as,
            raw=raw,
            padded=(padded if profile.name == "sybase" else lambda declared: True) if strip else None,
        )

    @property
    def catalogue(self) -> Catalogue:
        """What the database tells of itself."""
        return self

    def statement(self, select: Select | Query) -> Statement:
        """The SQL that `read` would send; it may send it in parts."""
        return render(select, self._dialect)

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Streams the rows, from one state where the database can; rows with large values come after the others."""
        reading.check()
        with self._session(reading) as session:
            if isinstance(select, Query):
                yield from self._read_query(session, select, reading, batch_rows)
            else:
                yield from self._read_table(session, select, reading, batch_rows)

    @contextmanager
    def parts(self, select: Select, count: int) -> Iterator[Sequence[Select]]:
        """Ranges of the key, each of a state of its own, where rows lie in its order; elsewhere the whole."""
        found: Sequence[Select] = (select,)
        if count > 1 and self._profile.pages:
            with self._session(NEVER) as session:
                found = cut(session, self._teller, select, count)
        yield tuple(replace(part, partitions=1, partition_by=None) for part in found)

    def describe(self, table: TableName) -> TableInfo | None:
        """The table as the catalogue has it; without a catalogue, as the driver describes it, and without a key."""
        with self._session(NEVER) as session:
            return self._teller.table(session, table)

    def describe_query(self, query: Query) -> tuple[SourceColumn, ...]:
        """The result columns, as the driver describes them where the database has no name for their types."""
        with self._session(NEVER) as session:
            return self._teller.query(session, query)

    def tables(self, schema: str | None = None) -> Sequence[TableSummary]:
        """The tables and views."""
        try:
            with self._session(NEVER) as session:
                return self._teller.tables(session, schema)
        except QueryFailed as error:
            if self._profile.lists.columns is not None:
                raise
            raise QueryFailed(error.message, hint=_UNKNOWN_KIND) from error

    def account(self) -> Account:
        """Who we are there."""
        with self._session(NEVER) as session:
            return self._teller.account(session, self._options.user or "")

    def clock(self) -> SourceInstant | None:
        """The database's clock, and its oldest open transaction if that may be seen; else our own clock."""
        lists = self._profile.lists
        if not lists.clock:
            return SourceInstant(now=self._clock.now())
        with self._session(NEVER) as session:
            now = self._teller.instant(session, lists.clock)
        if now is None:
            return None
        return SourceInstant(now=now, oldest_open=self._oldest(lists.oldest) if lists.oldest else None)

    def close(self) -> None:
        """Nothing is held open."""

    # ------------------------------------------------------------------------------------------------- reading

    def _read_table(
        self, session: Session, select: Select, reading: Reading, batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        select = self._as_declared(session, select)
        key = self._teller.key(session, select.table) if self._profile.pages else None
        fitting = self._fitting(
            select, select.outputs, reading, lambda table: key if key is not None else self._key(table)
        )
        rows_done = 0
        for step, room in self._steps.of(session, select, batch_rows):
            for batch in self._fetched(session, step, room, key or ()):
                reading.check()
                columns = self._decoding.columns(batch, step.outputs, reading)
                found = fitting.batch(columns, rows_done)
                rows_done += batch.num_rows
                if found.num_rows:
                    yield found

    def _fetched(self, session: Session, select: Select, room: Room, key: Sequence[str]) -> Iterator[pa.RecordBatch]:
        paged = self._pages(session, select, key)
        if paged is None:
            yield from coalesced(self._result(session, render(select, self._dialect).sql, room), room.rows)
            return
        places, width = paged.places(select), list(range(len(select.outputs)))

        def page(last: pa.RecordBatch | None, most: int) -> str:
            return paged.sql(select, None if last is None else self._key_of(last, paged.key, places), most)

        for batch in coalesced(in_pages(session, room, page_rows(room), page), room.rows):
            yield batch.select(width)

    def _result(self, session: Session, sql: str, room: Room) -> Iterator[pa.RecordBatch]:
        """A result as it comes, or through a cursor where the driver would hold all of it."""
        cursor = self._profile.cursor
        if cursor is None:
            yield from session.batches(sql, room)
            return
        session.execute(f"{cursor.declare} {sql}")
        yield from in_pages(session, room, page_rows(room), lambda last, most: cursor.fetch.format(most))
        session.execute(cursor.close)

    def _pages(self, session: Session, select: Select, key: Sequence[str]) -> Pages | None:
        if not key or windowed(select.where):
            return None
        known = {column.name: column for column in self._teller.columns(session, select.table)}
        columns = [known[name] for name in key]
        if not all(self._profile.ordered(column.declared) for column in columns):
            return None
        outputs = tuple(Output(c.name, f"key {c.name}", c.type, declared=c.declared) for c in columns)
        return Pages(key=outputs, dialect=self._dialect)

    def _key_of(self, batch: pa.RecordBatch, key: Sequence[Output], places: Sequence[int]) -> tuple[Value, ...]:
        last, zone = batch.slice(batch.num_rows - 1), self.traits.time_zone
        arrays = [convert(last.column(at), output.type, zone) for at, output in zip(places, key, strict=True)]
        return tuple(array[0].as_py() for array in arrays)

    def _read_query(
        self, session: Session, query: Query, reading: Reading, batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        results = self._teller.results(session, query)
        outputs = query.outputs or tuple(Output(name, column.name, column.type) for name, column in results)
        names = [name for name, _ in results]
        places = positions(query, outputs, names)
        outputs = tuple(replace(o, declared=results[at][1].declared) for o, at in zip(outputs, places, strict=True))
        fitting = self._fitting(query, outputs, reading, self._key)
        wide = sum(pa.types.is_string(output.type) or pa.types.is_binary(output.type) for output in outputs)
        room = self._steps.room(min(batch_rows, 65_000), self._options.max_text_size, wide)
        batches = self._result(session, self._query_sql(query, outputs, [names[at] for at in places]), room)
        rows_done = 0
        for batch in coalesced(batches, room.rows):
            reading.check()
            if not self._profile.wraps:
                batch = batch.select(list(places))
            found = fitting.batch(self._decoding.columns(batch, outputs, reading), rows_done)
            rows_done += batch.num_rows
            if found.num_rows:
                yield found

    def _query_sql(self, query: Query, outputs: Sequence[Output], names: Sequence[str]) -> str:
        """Where a query may stand in FROM, its columns are selected under the casts that make them exact."""
        sql = render(query, self._dialect).sql
        if not self._profile.wraps:
            return sql
        quoted = [quote(name, self._dialect) for name in names]
        columns = (self._dialect.expression(o, f"q.{name}") for o, name in zip(outputs, quoted, strict=True))
        return f"SELECT {', '.join(columns)} FROM (\n{sql}\n) AS q"

    def _as_declared(self, session: Session, select: Select) -> Select:
        """The outputs with the types that their columns are declared as now; QueryFailed for one that is not there."""
        if self._profile.lists.columns is None:
            return select
        known = {column.name: column.declared for column in self._teller.columns(session, select.table)}
        if not known:
            raise QueryFailed(f"source {self._name}: there is no table {select.table}, or it may not be seen")
        for output in select.outputs:
            if output.column not in known:
                raise QueryFailed(
                    f"source {self._name}: {select.table} has no column {output.column!r}, or it may not be read",
                    hint=f"There are: {', '.join(known)}.",
                )
        return replace(select, outputs=tuple(replace(o, declared=known[o.column]) for o in select.outputs))

    def _fitting(
        self,
        select: Select | Query,
        outputs: Sequence[Output],
        reading: Reading,
        key: Callable[[TableName], Sequence[str]],
    ) -> Fitting:
        return Fitting(
            source=self._name,
            select=select,
            outputs=outputs,
            zone=self.traits.time_zone,
            reading=reading,
            key=key,
            show_values=self._show_values,
        )

    def _key(self, table: TableName) -> Sequence[str]:
        """Asked in a session of its own: the one that reads is busy with rows."""
        with self._session(NEVER) as session:
            return self._teller.key(session, table)

    def _oldest(self, sql: str) -> datetime | None:
        if not self._sees_transactions:
            return None
        try:
            with self._session(NEVER) as session:
                return self._teller.instant(session, sql)
        except LoginRefused:
            raise
        except SourceRefused:
            self._sees_transactions = False
        except QueryFailed:
            pass
        return None

    # ------------------------------------------------------------------------------------------------ sessions

    @contextmanager
    def _session(self, cancel: Cancellation) -> Iterator[Session]:
        """A session in its transaction, closed on every way out; errors of the driver are translated."""
        try:
            session = self._connected(cancel)
            try:
                self._begun(session)
                yield session
            finally:
                session.close()
        except Fault as fault:
            cancel.check()
            place = f"source {self._name}"
            raise translated(fault, place, self._profile.words, self._password) from fault

    def _connected(self, cancel: Cancellation) -> Session:
        options = self._options
        driver = self._driver(
            self._string,
            login_timeout=options.login_timeout,
            autocommit=self._profile.autocommit,
            temporal=self._profile.temporal,
        )
        link = Link(options.port if options.host else None)
        session = Session(driver, name=self._name, link=link, silence=options.silence_timeout, cancel=cancel)
        session.connect(options.login_timeout + timedelta(seconds=1))
        return session

    def _begun(self, session: Session) -> None:
        profile, limit = self._profile, self._options.statement_timeout
        for statement in profile.opening:
            session.execute(statement)
        if limit is not None and profile.limit is not None:
            session.execute(profile.limit(max(1, limit // timedelta(milliseconds=1))))
        if profile.session and profile.kill is not None:
            kill = profile.kill(str(session.rows(profile.session, SMALL)[0][0]))
            session.kill = lambda: self._kill(kill)
        for statement in profile.begin:
            session.execute(statement)

    def _kill(self, sql: str) -> None:
        """Ends a statement of ours from a session beside it."""
        session = self._connected(NEVER)
        try:
            if sql.startswith("SELECT"):
                session.rows(sql, SMALL)
            else:
                session.execute(sql)
        finally:
            session.close()


def build(kind: str, context: SourceContext) -> OdbcSource:
    """The source of a kind that the context describes."""
    options: SessionOptions = context.options
    return OdbcSource(
        name=context.name,
        kind=kind,
        options=options,
        profile=profile_of(options),
        time_zone=ZoneInfo(context.config.time_zone),
        clock=context.clock,
        show_values=context.config.show_values,
    )


ODBC = SourceKind(options=OdbcOptions, build=lambda context: build("odbc", context))
MYSQL = SourceKind(options=MysqlOptions, build=lambda context: build("mysql", context))
DB2 = SourceKind(options=Db2Options, build=lambda context: build("db2", context))
SYBASE = SourceKind(options=SybaseOptions, build=lambda context: build("sybase", context))
