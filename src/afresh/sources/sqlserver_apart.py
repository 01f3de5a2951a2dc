"""Reads of large values of a SQL Server, each in a process of its own.

The driver holds Python's lock while it waits for a value of a `max` column. In the service's own process all of its
threads would stand still meanwhile, those that keep its timeouts too; here nobody waits but the read, and who ends it
ends the process. `python -m` this module is that process: it is told on its standard input what to read, and writes
batches, and how it ended, to its standard output.
"""

import os
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

import pyarrow as pa

from afresh.core.errors import AfreshError, QueryFailed, SourceSlow, SourceUnavailable
from afresh.core.ports import Cancellation
from afresh.drivers.mssql import connect_alone
from afresh.sources.never import NEVER
from afresh.sources.sqlserver_options import SqlServerOptions
from afresh.sources.sqlserver_session import Sessions

_HEAD = struct.Struct("<cQ")
_BATCH, _FAILED, _END = b"B", b"F", b"E"
_MOST_ROWS = 500
"""Of a batch: its values may be large, and all of them are in memory."""
_SPARE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be read: `name` is the source's, `rows` the size of a batch."""

    name: str
    options: SqlServerOptions
    sql: str
    rows: int

    @property
    def place(self) -> str:
        """How errors name the source."""
        return f"source {self.name}"

    @property
    def patience(self) -> float | None:
        """Seconds that a batch may take: those in which the driver itself should have given up, and a few more."""
        limit = self.options.query_timeout.total_seconds()
        return limit + self.options.connect_timeout.total_seconds() + _SPARE_SECONDS if limit else None


@contextmanager
def results(order: Order, cancel: Cancellation) -> Iterator[Iterator[pa.RecordBatch]]:
    """The batches of a result, an empty one first, from one transaction; its session ends with the context. A
    cancellation ends the process, and the server the session."""
    cancel.check()
    command = [sys.executable, "-m", "afresh.sources.sqlserver_apart"]
    try:
        # A session of its own: what interrupts the service from a terminal lets its reads end.
        process = subprocess.Popen(  # noqa: S603  # ourselves
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except OSError as error:
        raise QueryFailed(f"{order.place}: no process could be started to read large values: {error}") from error
    with process:
        try:
            with cancel.interrupts(process.kill):
                yield _batches(process, order, cancel)
        finally:
            process.kill()


def _batches(process: "subprocess.Popen[bytes]", order: Order, cancel: Cancellation) -> Iterator[pa.RecordBatch]:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError):  # it is gone: that is found out below
        process.stdin.write(pickle.dumps(order))
    with suppress(OSError):
        process.stdin.close()
    while True:
        kind, body = _frame(process.stdout, process, order.patience)
        cancel.check()
        if kind == _BATCH:
            yield pa.ipc.open_stream(body).read_next_batch()
        elif kind == _FAILED:
            error, message, hint = pickle.loads(body)  # noqa: S301  # our own process wrote it
            raise error(message, hint=hint)
        elif kind == _END:
            return
        elif kind == b"":
            raise SourceSlow(f"{order.place}: nothing came for {order.patience:g} seconds")
        else:
            raise SourceUnavailable(f"{order.place}: the process that read large values ended (code {process.wait()})")


def _frame(pipe: IO[bytes], process: "subprocess.Popen[bytes]", seconds: float | None) -> tuple[bytes, bytes]:
    """The next frame; of an unknown kind if the process is gone, of none if it was ended for its silence."""
    silent = threading.Event()

    def give_up() -> None:
        silent.set()
        process.kill()

    alarm = threading.Timer(seconds, give_up) if seconds is not None else None
    if alarm is not None:
        alarm.daemon = True
        alarm.start()
    try:
        head = pipe.read(_HEAD.size)
        kind, length = _HEAD.unpack(head) if len(head) == _HEAD.size else (b"?", 0)
        body = pipe.read(length)
    finally:
        if alarm is not None:
            alarm.cancel()
    if silent.is_set():
        return b"", b""
    return (kind, body) if len(body) == length else (b"?", b"")


def serve(order: Order, out: IO[bytes]) -> None:
    """Reads, and writes what came and how it ended."""

    def write(kind: bytes, body: bytes | pa.Buffer) -> None:
        out.write(_HEAD.pack(kind, len(body)))
        out.write(body)
        out.flush()

    try:
        with Sessions(order.name, order.options, connect_alone).open(NEVER) as session:
            for batch in session.batches(order.sql, min(order.rows, _MOST_ROWS)):
                sink = pa.BufferOutputStream()
                with pa.ipc.new_stream(sink, batch.schema) as stream:
                    stream.write_batch(batch)
                write(_BATCH, sink.getvalue())
    except AfreshError as error:
        write(_FAILED, pickle.dumps((type(error), error.message, error.hint)))
    else:
        write(_END, b"")


def _main() -> None:
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a driver prints is no frame
    order = pickle.load(sys.stdin.buffer)  # noqa: S301  # the process that started us wrote it
    try:
        serve(order, out)
    except BrokenPipeError:
        os._exit(1)  # nobody reads any more


if __name__ == "__main__":
    _main()
