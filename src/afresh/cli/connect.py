"""What `check --connect` asks sources: the login and its rights, the clock, and a few rows of each table."""

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute

from afresh.core import guesses, phrases
from afresh.core.account import JsonValue
from afresh.core.errors import AfreshError, BadValue, LoginRefused
from afresh.core.model import Misfit
from afresh.core.options import DataSourceConfig
from afresh.core.ports import Account, SourceSystem
from afresh.core.schema import DATETIME, TIMESTAMP, TableSchema
from afresh.core.select import TableName
from afresh.engine.cancellation import CancelToken
from afresh.engine.reading import SyncReading
from afresh.engine.service import Service
from afresh.engine.sync import Table

SAMPLE_ROWS = 10_000
"""So many rows of a table are looked at; what is true of them need not be true of all."""

pc: Any = pyarrow.compute


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLook:
    """What a source says of itself and of our account. `asks` are for its administrator; `error` is set where the
    account could not log in, and then nothing else is known."""

    name: str
    kind: str
    account: Account | None = None
    read_only_session: bool = False
    skew: timedelta | None = None
    latency: timedelta | None = None
    warnings: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    error: AfreshError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLook:
    """What the first rows of a table show. `faults` are what a sync would fail or be wrong by."""

    rows: int = 0
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    error: AfreshError | None = None


def look_at_source(name: str, service: Service) -> SourceLook:
    """Logs in once, and asks who we are there and what the time is."""
    source, config = service.sources[name], service.options.source_systems[name]
    began = service.workplace.clock.now()
    try:
        account = source.catalogue.account()
        latency = service.workplace.clock.now() - began
        told = source.clock()
    except AfreshError as error:
        return SourceLook(name=name, kind=config.kind, error=error)
    skew = told.now - service.workplace.clock.now() if told is not None and source.traits.own_clock else None
    return SourceLook(
        name=name,
        kind=config.kind,
        account=account,
        read_only_session=source.traits.read_only_sessions,
        skew=skew,
        latency=latency,
        warnings=tuple(_warnings(source, account, skew, config.clock_skew_limit)),
        asks=tuple(_asks(account)),
    )


def _warnings(source: SourceSystem, account: Account, skew: timedelta | None, limit: timedelta) -> Iterator[str]:
    traits = source.traits
    if account.may_write:
        guarded = "its sessions are read-only" if traits.read_only_sessions else "nothing but our own SELECTs keeps it"
        yield f"the account {account.user} may write: {', '.join(account.may_write)}; {guarded}"
    elif account.may_write is None and not traits.read_only_sessions:
        yield f"it cannot be told whether the account {account.user} may write"
    if not traits.snapshot_reads:
        yield "a read sees no single state of it: a row that is changed meanwhile may come twice or not at all"
    if skew is not None and abs(skew) > limit:
        yield f"{phrases.skew(skew)}; windows follow the source's clock, so nothing is missed"


def _asks(account: Account) -> Iterator[str]:
    if account.may_write:
        yield f"Revoke from {account.user} what lets it write: {', '.join(account.may_write)}."
    yield from account.advice


def look_at_table(name: str, table: Table, service: Service) -> TableLook:
    """Reads the first rows as a Mass would, and breaks off."""
    misfits: list[Misfit] = []
    try:
        schema = table.fetcher.schema()
        sample = _sample(table, schema, misfits)
    except BadValue as error:
        return TableLook(faults=(error.message,))
    except AfreshError as error:
        return TableLook(error=error)
    source = service.sources.get(table.config.source_system)
    faults = _key_faults(name, schema, sample)
    warnings = [
        *_stamp_warnings(schema, sample, source, service.workplace.clock.now()),
        *(f"{misfit.column}: {misfit.rows} of the first rows do not fit: {misfit.reason}" for misfit in misfits),
        *_type_warnings(table.config, source),
    ]
    return TableLook(rows=sample.num_rows, faults=tuple(faults), warnings=tuple(warnings))


def _sample(table: Table, schema: TableSchema, misfits: list[Misfit]) -> pa.Table:
    token = CancelToken()
    found: list[pa.RecordBatch] = []
    rows = 0
    with closing(_closable(table.fetcher.fetch(None, SyncReading(token, misfits.append)))) as batches:
        for batch in batches:
            found.append(batch.slice(0, SAMPLE_ROWS - rows))
            rows += found[-1].num_rows
            if rows >= SAMPLE_ROWS:
                break
    return pa.Table.from_batches(found, schema=schema.arrow())


def _closable(batches: Iterator[pa.RecordBatch]) -> Any:
    """The batches as a generator, whatever the fetcher made them of."""

    def each() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        finally:
            with suppress(AttributeError):
                batches.close()  # type: ignore[attr-defined]

    return each()


def _key_faults(name: str, schema: TableSchema, sample: pa.Table) -> Iterator[str]:
    if not sample.num_rows:
        return
    keys = sample.select(list(schema.key)).group_by(list(schema.key)).aggregate([([], "count_all")])
    repeated = sample.num_rows - keys.num_rows
    if repeated:
        yield (
            f"{name}: the key {', '.join(schema.key)} does not identify a row: {repeated:,} of the first "
            f"{sample.num_rows:,} rows repeat one, and of such rows only one is kept"
        )


def _stamp_warnings(schema: TableSchema, sample: pa.Table, source: SourceSystem | None, now: datetime) -> Iterator[str]:
    if schema.last_update is None:
        yield "it has no last-update column: every sync reads the whole table"
        return
    stamps = sample.column(schema.last_update)
    if stamps.null_count:
        share = stamps.null_count / len(stamps)
        yield f"{schema.last_update} is null in {share:.0%} of the first {len(stamps):,} rows: each window reads those"
    latest = pc.max(stamps).as_py() if len(stamps) else None
    if latest is None or source is None or schema.column(schema.last_update).type not in (TIMESTAMP, DATETIME):
        return
    zone = source.traits.time_zone
    instant = latest if latest.tzinfo is not None else latest.replace(tzinfo=zone)
    if instant > now + timedelta(minutes=30):
        yield f"{schema.last_update} lies in the future in some rows ({latest}): is the time zone {zone.key} right?"


def _type_warnings(config: DataSourceConfig, source: SourceSystem | None) -> Iterator[str]:
    """Of the columns that are read as the source declares them."""
    if source is None or config.fetcher != "table":
        return
    options = config.fetcher_options
    with suppress(AfreshError):
        described = source.catalogue.describe(
            TableName(str(options.get("table") or config.table_name), options.get("schema_name"))
        )
        chosen = options.get("columns")
        given = set(chosen) if chosen else None
        for column, reason in guesses.doubts(described.columns if described else ()):
            if given is None or (column in given and not isinstance(chosen, dict)):
                yield f"{column}: {reason}"


# ---------------------------------------------------------------------------------------------------- as shown


def lines(look: SourceLook) -> Iterator[str]:
    """A source as people read it."""
    if look.error is not None:
        kind = "the login was refused" if isinstance(look.error, LoginRefused) else "it could not be asked"
        yield f"{look.name} ({look.kind}): {kind}"
        return
    assert look.account is not None, "a source that answered has told who we are"
    session = "read-only sessions" if look.read_only_session else "sessions that could write"
    took = f", answered in {phrases.latency(look.latency)}" if look.latency is not None else ""
    yield f"{look.name} ({look.kind}): {look.account.version}, as {look.account.user}, {session}{took}"
    if look.skew is not None:
        yield f"  clock: {phrases.skew(look.skew)}"
    for warning in look.warnings:
        yield f"  warning: {warning}"
    for ask in look.asks:
        yield f"  ask the administrator: {ask}"


def as_json(look: SourceLook) -> JsonValue:
    """A source with the names that `--json` promises."""
    account = look.account
    return {
        "source_system": look.name,
        "kind": look.kind,
        "user": account.user if account else None,
        "version": account.version if account else None,
        "may_write": None if account is None or account.may_write is None else list(account.may_write),
        "read_only_session": look.read_only_session,
        "skew_seconds": None if look.skew is None else look.skew.total_seconds(),
        "latency_seconds": None if look.latency is None else look.latency.total_seconds(),
        "warnings": list(look.warnings),
        "asks": list(look.asks),
        "error": None if look.error is None else look.error.message,
    }
