"""The kit for sources: what networks and servers do, through a proxy of our own."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from afresh.core.errors import Cancelled, LoginRefused, SourceUnavailable
from afresh.core.ports import SourceSystem
from afresh.core.select import Compare, Select
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.proxy import Proxy, proxied
from afresh.testing.source_kit_reads import ID, TEXT
from afresh.testing.source_kit_rig import SourceBench, SourceRig
from afresh.testing.source_kit_stops import PROMPT

ROWS = 50_000
MOST_ATTEMPTS = 2
"""Logins that a wrong password may cost: more of them lock accounts."""


NOTHING = Compare(("Id",), "<", 0)
"""A condition that no row of a series meets."""


class FaultKit(SourceRig):
    """A connection that is cut, stalled, slow or refused ends in the right error, in time, with no session left."""

    @pytest.mark.parametrize("where", ["1 kB", "50 %", "99 %"])
    def test_a_dropped_connection(self, bench: SourceBench, where: str) -> None:
        """A connection that is cut in mid-stream is a transient error, never a short read; then the source works."""
        what = bench.fill(ROWS)
        with through(bench) as (proxy, source):
            login, whole = self._measured(bench, proxy, source, what)
            stream = whole - login
            proxy.cut_after(login + {"1 kB": 1_000, "50 %": stream // 2, "99 %": stream * 99 // 100}[where])
            with pytest.raises(SourceUnavailable) as raised:
                bench.batches(what, source)
            assert raised.value.transient
            proxy.heal()
            assert len(bench.rows(what, source)) == ROWS

    def test_a_silent_hang(self, bench: SourceBench) -> None:
        """A connection on which nothing comes any more is given up after the time that the source's options say."""
        what = bench.fill(ROWS)
        with through(bench, timeout=timedelta(seconds=2)) as (proxy, source):
            login, whole = self._measured(bench, proxy, source, what)
            proxy.stall_after(login + (whole - login) // 2)
            began = time.monotonic()
            with pytest.raises(SourceUnavailable):
                bench.rows(what, source)
            assert time.monotonic() - began < 10
            proxy.heal()
            assert len(bench.rows(what, source)) == ROWS

    def test_a_hang_is_cancelled(self, bench: SourceBench) -> None:
        """A request to stop ends a read within a second though the connection is silent."""
        what, cancel = bench.fill(ROWS), ManualCancellation()
        with through(bench) as (proxy, source):
            login, whole = self._measured(bench, proxy, source, what)
            proxy.stall_after(login + (whole - login) // 2)
            read = source.read(what, cancel, 100)
            next(read)
            timer = threading.Timer(0.5, cancel.request)
            timer.start()
            began = time.monotonic()
            with pytest.raises(Cancelled):
                list(read)
            assert time.monotonic() - began < 0.5 + PROMPT
            timer.join()
            proxy.heal()

    def test_a_slow_source(self, bench: SourceBench) -> None:
        """A connection that is slow but alive delivers everything, though it takes longer than the timeout."""
        what = bench.fill(5_000)
        with through(bench, timeout=timedelta(seconds=2)) as (proxy, source):
            login, whole = self._measured(bench, proxy, source, what)
            proxy.slow((whole - login) / 3)
            assert len(bench.rows(what, source)) == 5_000

    def test_a_wrong_password(self, bench: SourceBench) -> None:
        """A login that is refused is said so, is not transient, and is not tried again and again."""
        what = bench.create([ID, TEXT], [(1, "a")])
        with through(bench, wrong_password=True) as (proxy, source):
            with pytest.raises(LoginRefused) as raised:
                bench.rows(what, source)
            assert not raised.value.transient
            assert 1 <= proxy.connections <= MOST_ATTEMPTS

    def test_no_server(self, bench: SourceBench) -> None:
        """Where nobody listens is a transient error."""
        what = bench.create([ID, TEXT], [(1, "a")])
        with through(bench) as (proxy, source):
            proxy.close()
            with pytest.raises(SourceUnavailable):
                bench.rows(what, source)
            with pytest.raises(SourceUnavailable):
                source.catalogue.describe(what.table)

    def test_a_server_that_says_nothing(self, bench: SourceBench) -> None:
        """A server that takes the connection and then is silent is given up after the timeout."""
        what = bench.create([ID, TEXT], [(1, "a")])
        with through(bench, timeout=timedelta(seconds=2)) as (proxy, source):
            proxy.stall_after(0)
            began = time.monotonic()
            with pytest.raises(SourceUnavailable):
                bench.rows(what, source)
            assert time.monotonic() - began < 10
            proxy.heal()

    def _measured(self, bench: SourceBench, proxy: Proxy, source: SourceSystem, what: Select) -> tuple[int, int]:
        """Bytes from the server before the first row of a read, and in all of it."""
        none = Select(what.table, what.outputs, NOTHING)
        bench.rows(none, source)
        before = proxy.received
        bench.rows(none, source)
        login = proxy.received - before
        bench.rows(what, source)
        return login, proxy.received - before - login


@contextmanager
def through(bench: SourceBench, **wishes: object) -> Iterator[tuple[Proxy, SourceSystem]]:
    """A source that reaches its server through a proxy; it is closed before the proxy is."""
    with proxied(bench.rig.target(bench.directory)) as proxy:
        source = bench.source(through=proxy, **wishes)
        try:
            yield proxy, source
        finally:
            source.close()
