"""One connection of the wire front: login, then request after request, with attention from the side."""

import queue
import re
import socket
import struct
import threading
from collections.abc import Callable, Sequence

from tests.tds_front import tokens
from tests.tds_front.octets import Reader, short_text
from tests.tds_front.rpc import Call, read_calls
from tests.tds_front.server import Engine, Front, Login, Parameter, Result, ServerError
from tests.tds_front.types import COLLATION, INTN, Type

BATCH, RPC, ATTENTION, BULK, TRANSACTION, LOGIN, PRELOGIN = 1, 3, 6, 7, 14, 16, 18
_ANSWER, _LAST, _RESET = 4, 1, 8 | 16
_RESET_FIRST = -1
_INT = Type(code=INTN, length=4)
_FLUSH = 32 * 1024
_INSERT_BULK = re.compile(r"\s*INSERT\s+BULK\s+(.*?)\s*\((.*?)\)\s*(?:WITH\s*\((.*)\)\s*)?$", re.IGNORECASE | re.DOTALL)
_BULK_COLUMN = re.compile(r"\s*(\[(?:[^\]]|\]\])*\]|\w+)\s+\w+")
_BEGIN, _COMMIT, _ROLLBACK = 5, 7, 8
_TRANSACTIONS = {_BEGIN: ("BEGIN", 8), _COMMIT: ("COMMIT", 9), _ROLLBACK: ("ROLLBACK", 10)}
_NOT_ENCRYPTED = 2


class Talk:
    """Reads messages on its own thread, and answers them on another, so that a statement can be broken off."""

    def __init__(self, front: Front, connection: socket.socket) -> None:
        self._front = front
        self._socket = connection
        self._size = 4096
        self._out = bytearray()
        self._requests: queue.Queue[tuple[int, bytes] | None] = queue.Queue()
        self._engine: Engine | None = None
        self._broken_off = threading.Event()
        self._prepared: dict[int, str] = {}
        self._bulk: tuple[str, list[str]] | None = None

    def run(self) -> None:
        """Until the client goes."""
        answering = threading.Thread(target=self._answer_all, name="tds-answers", daemon=True)
        answering.start()
        try:
            while (found := self._receive()) is not None:
                if found[0] == ATTENTION:
                    self._broken_off.set()
                    if self._engine is not None:
                        self._engine.interrupt()
                self._requests.put(found)
        finally:
            if self._engine is not None:
                self._engine.interrupt()
            self._requests.put(None)
            answering.join(30)
            if self._engine is not None:
                self._engine.close()

    def _receive(self) -> tuple[int, bytes] | None:
        parts: list[bytes] = []
        while True:
            head = self._exactly(8)
            if head is None:
                return None
            kind, status, length = struct.unpack(">BBH", head[:4])
            body = self._exactly(length - 8)
            if body is None:
                return None
            if status & _RESET and not parts:
                self._requests.put((_RESET_FIRST, b""))
            parts.append(body)
            if status & _LAST:
                return kind, b"".join(parts)

    def _exactly(self, count: int) -> bytes | None:
        found = bytearray()
        while len(found) < count:
            try:
                more = self._socket.recv(count - len(found))
            except OSError:
                return None
            if not more:
                return None
            found += more
        return bytes(found)

    def _answer_all(self) -> None:
        answers: dict[int, Callable[[bytes], None]] = {
            PRELOGIN: self._prelogin,
            LOGIN: self._login,
            BATCH: self._batch,
            RPC: self._calls,
            BULK: self._load,
            TRANSACTION: self._transaction,
        }
        while (found := self._requests.get()) is not None:
            kind, body = found
            try:
                if kind == _RESET_FIRST:
                    self._reset()
                    continue
                if kind == ATTENTION:
                    self._broken_off.clear()
                    self._write(tokens.done(status=tokens.ATTENTION))
                else:
                    answers[kind](body)
                self._send(last=True)
            except OSError:
                return
            except Exception as error:
                self._front.faults.append(error)
                self._socket.shutdown(socket.SHUT_RDWR)
                raise

    def _write(self, piece: bytes) -> None:
        self._out += piece
        if len(self._out) > _FLUSH:
            self._send(last=False)

    def _send(self, *, last: bool) -> None:
        room, place, out = self._size - 8, 0, bytes(self._out)
        while len(out) - place > room or (last and place < len(out)):
            piece = out[place : place + room]
            place += len(piece)
            ends = last and place == len(out)
            self._socket.sendall(struct.pack(">BBHHBB", _ANSWER, int(ends), len(piece) + 8, 0, 1, 0) + piece)
        self._out = bytearray(out[place:])

    def _prelogin(self, _body: bytes) -> None:
        version = bytes([self._front.version, 0, 0x10, 0, 0, 0])
        options = [(0, version), (1, bytes([_NOT_ENCRYPTED])), (2, b"\0"), (4, b"\0")]
        place = 5 * len(options) + 1
        head, data = b"", b""
        for token, value in options:
            head += struct.pack(">BHH", token, place + len(data), len(value))
            data += value
        self._write(head + b"\xff" + data)

    def _login(self, body: bytes) -> None:
        login = _read_login(body)
        self._front.logins.append(login)
        try:
            self._engine = self._front.engine(login)
        except ServerError as error:
            self._failed(error)
            self._write(tokens.done(status=tokens.FAILED))
            return
        self._size = min(login.packet_size or 4096, self._front.packet_size)
        self._write(tokens.changed(1, short_text(login.database), short_text("master")))
        self._write(tokens.changed(7, bytes([5]) + COLLATION, b"\0"))
        self._write(tokens.changed(2, short_text("us_english"), short_text("")))
        self._write(tokens.login_ack("Microsoft SQL Server", self._front.version))
        self._write(tokens.changed(4, short_text(str(self._size)), short_text("4096")))
        self._write(tokens.done())

    def _reset(self) -> None:
        if self._engine is not None:
            self._engine.reset()
            self._prepared.clear()

    def _batch(self, body: bytes) -> None:
        reader = Reader(body)
        reader.headers()
        sql = reader.take(reader.left).decode("utf-16-le")
        self._front.said.append(("batch", sql, ()))
        if match := _INSERT_BULK.match(sql):
            self._bulk = match[1], [_BULK_COLUMN.match(part)[1] for part in _parts(match[2])]  # type: ignore[index]
            self._write(tokens.done())
            return
        self._results(sql, (), kind=tokens.DONE)
        self._write(tokens.done(status=self._status()))

    def _calls(self, body: bytes) -> None:
        calls = list(read_calls(body))
        for place, call in enumerate(calls):
            more = 0 if place == len(calls) - 1 else tokens.MORE
            self._front.said.append((call.name, call.sql(self._prepared), call.bound))
            failed = self._call(call)
            self._write(tokens.return_status(failed))
            if call.returns is not None:
                self._write(tokens.return_value(0, call.returns, _INT, call.handle))
            self._write(tokens.done(kind=tokens.DONE_PROC, status=more | self._status()))

    def _call(self, call: Call) -> int:
        sql = call.sql(self._prepared)
        if call.prepares:
            call.handle = len(self._prepared) + 1
            self._prepared[call.handle] = sql
        return self._results(sql, call.bound, kind=tokens.DONE_IN_PROC) if call.executes else 0

    def _results(self, sql: str, bound: Sequence[Parameter], *, kind: int) -> int:
        """Writes the results; the number of the error that ended them."""
        assert self._engine is not None
        try:
            for result in self._engine.execute(sql, bound):
                self._result(result, kind)
                if self._broken_off.is_set():
                    break
        except ServerError as error:
            if not self._broken_off.is_set():
                self._failed(error)
                self._write(tokens.done(kind=kind, status=tokens.FAILED | tokens.MORE))
            return error.number
        return 0

    def _result(self, result: Result, kind: int) -> None:
        count = result.changed
        if result.columns is not None:
            self._write(tokens.columns(result.columns))
            count = 0
            for values in result.rows:
                self._write(tokens.row(result.columns, values))
                count += 1
                if self._broken_off.is_set():
                    break
        select = result.columns is not None
        self._write(tokens.done(kind=kind, status=tokens.MORE | self._status(), rows=count, select=select))

    def _load(self, body: bytes) -> None:
        assert self._engine is not None
        assert self._bulk is not None
        (table, names), self._bulk = self._bulk, None
        try:
            count = self._engine.load(table, names, tokens.loaded(Reader(body)))
        except ServerError as error:
            self._failed(error)
            self._write(tokens.done(status=tokens.FAILED))
        else:
            self._write(tokens.done(rows=count))

    def _transaction(self, body: bytes) -> None:
        assert self._engine is not None
        reader = Reader(body)
        reader.headers()
        word, change = _TRANSACTIONS[reader.number("H")]
        self._front.said.append(("transaction", word, ()))
        self._engine.transact(word)
        number = bytes([8]) + struct.pack("<Q", 1)
        before, after = (b"\0", number) if word == "BEGIN" else (number, b"\0")
        self._write(tokens.changed(change, after, before))
        self._write(tokens.done(status=self._status()))

    def _failed(self, error: ServerError) -> None:
        self._write(tokens.message(tokens.ERROR, error.number, error.severity, error.state, str(error)))

    def _status(self) -> int:
        return tokens.IN_TRANSACTION if self._engine is not None and self._engine.in_transaction else 0


def _read_login(body: bytes) -> Login:
    (packet_size,) = struct.unpack_from("<I", body, 8)

    def text(place: int) -> bytes:
        start, length = struct.unpack_from("<HH", body, 36 + 4 * place)
        return body[start : start + 2 * length]

    def plain(place: int) -> str:
        return text(place).decode("utf-16-le")

    hidden = bytes(((byte ^ 0xA5) << 4 & 0xF0) | ((byte ^ 0xA5) >> 4) for byte in text(2))
    return Login(
        user=plain(1),
        password=hidden.decode("utf-16-le"),
        database=plain(8),
        application=plain(3),
        packet_size=packet_size,
    )


def _parts(body: str) -> list[str]:
    """The parts between commas outside of brackets."""
    found, depth = [""], 0
    for token in re.findall(r"\[(?:[^\]]|\]\])*\]|.", body, re.DOTALL):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token == "," and depth == 0:
            found.append("")
        else:
            found[-1] += token
    return found
