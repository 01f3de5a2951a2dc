"""A cache that one process owns alone can be asked through that process, and by nobody else."""

import json
import os
import stat
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.rig import item, make_rig
from tests.web.test_server import served

from afresh.caches.remote import RemoteCache
from afresh.caches.rendezvous import Rendezvous
from afresh.core.actions import Action, ActionKind
from afresh.core.errors import CacheUnavailable
from afresh.core.model import Outcome, UpdateType
from afresh.core.options import WebConfig
from afresh.sinks.tee import tee
from afresh.testing.clock import START
from afresh.web.live import Live
from afresh.web.server import serve

CONFIG = """
[data_sync]
check_interval = "1s"

[data_sync.cache]
url = "duckdb:///cache.duckdb"

[[data_sync.data_sources]]
table_name = "Sample"
source_system = "None"
fetcher = "sample"
fetcher_options = { rows = 100 }
mass = { interval = "1d" }
"""


def test_the_log_goes_over(directory: Path) -> None:
    """Updates, failures, actions and leases arrive as they are, and what is asked for is recorded there."""
    rig = make_rig(directory, rows=[item(1)])
    object.__setattr__(rig.service.workplace, "emit", tee(rig.events.append))
    server = serve(rig.service, WebConfig(), Live(), {"command": "secret"})
    try:
        rig.service.recover()
        rig.sync(UpdateType.MASS)
        far = RemoteCache(Rendezvous(url=server.url, token="secret", process=os.getpid()))
        near = rig.cache
        assert list(far.log.last_updates()) == list(near.log.last_updates())
        assert far.log.failures() == {}
        assert list(far.log.history(outcome=Outcome.SUCCEEDED, limit=5)) == list(near.log.history(limit=5))
        later = START + timedelta(seconds=1)
        assert list(far.log.history(since=START, until=later)) == list(near.log.history())
        assert list(far.log.history(until=START)) == []
        assert list(far.leases.held("instance/")) == list(near.leases.held("instance/"))
        asked = far.actions.record(Action(at=START, who="me", kind=ActionKind.PAUSE, table_name="Item", reason="why"))
        assert list(far.actions.latest()) == list(near.actions.latest()) == [asked]
        with pytest.raises(CacheUnavailable, match="belongs to"):
            far.stage()
        with pytest.raises(CacheUnavailable, match="401"):
            RemoteCache(Rendezvous(url=server.url, token="wrong", process=1)).log.last_updates()
    finally:
        server.stop()
    with pytest.raises(CacheUnavailable, match="does not answer"):
        far.log.last_updates()


def test_nothing_else_goes_over(directory: Path) -> None:
    """Methods and arguments that are not in the table are refused, and numbers that no database takes."""
    with served(directory, WebConfig()) as (_rig, server):
        refused: tuple[tuple[str, object], ...] = (
            ("cache.close", {}),
            ("log.purge", {}),
            ("log.history", {"sql": "x"}),
            ("log.history", []),
            ("log.history", {"limit": 2**70}),
            ("log.history", {"since": "2026-01-01T00:00:00"}),
            ("actions.recent", {"after": -(2**70)}),
        )
        for name, body in refused:
            request = [sys.executable, "-c", _POST, f"{server.url}/owner/{name}", json.dumps(body)]
            assert subprocess.run(request, capture_output=True, text=True, check=False).stdout.strip() in ("404", "422")


_POST = """
import sys, urllib.request, urllib.error
request = urllib.request.Request(sys.argv[1], data=sys.argv[2].encode())
try:
    print(urllib.request.urlopen(request).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


def test_a_note_of_the_dead_is_none(tmp_path: Path) -> None:
    """Only a note of a process that lives, with an address of this machine, is followed; only its user can read it."""
    note = tmp_path / "cache.duckdb.owner"
    assert Rendezvous.read(note) is None
    mine = Rendezvous(url="http://127.0.0.1:1", token="t", process=os.getpid())
    mine.write(note)
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    assert Rendezvous.read(note) == mine
    Rendezvous(url="http://evil.example:1", token="t", process=os.getpid()).write(note)
    assert Rendezvous.read(note) is None
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    Rendezvous(url="http://127.0.0.1:1", token="t", process=int(ended.stdout)).write(note)
    assert Rendezvous.read(note) is None


@pytest.mark.timeout(240)  # several processes, on a machine that may be busy
def test_commands_find_the_service_that_owns_the_file(tmp_path: Path) -> None:
    """While `afresh run` has a DuckDB file, status, history, plan and pause work from other processes; those that the
    service does not answer by itself say how."""
    (tmp_path / "afresh.toml").write_text(CONFIG)

    def afresh(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*_AFRESH, *words], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
        )

    service = subprocess.Popen([*_AFRESH, "run"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        note, until = tmp_path / "cache.duckdb.owner", time.monotonic() + 60
        while Rendezvous.read(note) is None and time.monotonic() < until:
            time.sleep(0.1)
        while time.monotonic() < until:
            told = afresh("status", "--json")
            if '"Fresh"' in told.stdout:
                break
        assert '"Fresh"' in told.stdout, told
        history = afresh("history")
        assert "running service at http://127.0.0.1" in history.stderr
        assert "Mass" in history.stdout
        assert "Sample" in afresh("plan").stdout
        assert afresh("pause", "Sample", "--reason", "stocktaking").returncode == 0
        assert "stocktaking" in afresh("why", "Sample").stdout
    finally:
        service.terminate()
        service.communicate(timeout=60)
    assert not note.exists()
    assert afresh("history").returncode == 0


_AFRESH = [sys.executable, "-m", "afresh"]
