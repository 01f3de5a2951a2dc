"""`afresh status` where a service runs: it is asked, and answers as the command would."""

import os
import re
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.cli_rig import Place, ended, steady, wait_until

from afresh.cli import meeting
from afresh.cli.answering import answering
from afresh.cli.app import app
from afresh.engine.service import Service

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no such sockets"),
]


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of the user's own, with a short path: that of a socket has a hundred bytes."""
    with tempfile.TemporaryDirectory(prefix="met-") as directory:
        monkeypatch.setenv("XDG_RUNTIME_DIR", directory)
        yield Path(directory)


@contextmanager
def _running(place: Place) -> Iterator[Service]:
    with place.at_work() as service, answering(service, place.configuration, meeting.mark(place.configuration)):
        yield service


@pytest.mark.parametrize("options", [(), ("--all",), ("--json",)])
def test_a_service_answers_as_the_command_does(place: Place, options: tuple[str, ...]) -> None:
    """The same text and the same exit code, whoever looks."""
    place.afresh("sync", "Part")
    with _running(place):
        answer = meeting.answer(["status", *options, "-c", str(place.configuration)])
        alone = place.afresh("status", *options)
    assert answer is not None
    assert (answer.exit, _timeless(answer.text)) == (alone.code, _timeless(alone.out))


def _timeless(text: str) -> str:
    return re.sub(r"[\d.]+", "#", steady(text))


def test_a_service_tells_what_is_so_now(place: Place) -> None:
    """What happened a moment before the question is in the answer."""
    with _running(place):
        before = meeting.answer(["status"])
        place.afresh("sync", "Part")
        after = meeting.answer(["status"])
    assert before is not None
    assert after is not None
    assert re.search(r"^Part +ERP +. Never loaded", before.text, re.MULTILINE)
    assert re.search(r"^Part +ERP +. Fresh", after.text, re.MULTILINE)


def test_a_terminal_is_written_to_as_it_wants(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its colours and its width, or without colours where it wants none."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm-256color")
    with _running(place):
        coloured = meeting.answer(["status"])
        monkeypatch.setenv("NO_COLOR", "1")
        plain = meeting.answer(["status"])
    assert coloured is not None
    assert plain is not None
    assert "\x1b[3" in coloured.text
    assert "\x1b[3" not in plain.text
    table = re.sub(r"\x1b\[[\d;]*m", "", plain.text).split("Degraded")[0].split("\n\n")[0]
    assert max(len(line) for line in table.splitlines()) <= 60


@pytest.mark.parametrize(
    "arguments", [(), ("why", "Part"), ("status", "--watch"), ("status", "--hlep"), ("status", "-c"), ("status", "x")]
)
def test_other_commands_are_not_for_a_service(place: Place, arguments: tuple[str, ...]) -> None:
    """What is no status, or a wrong one, is the command's own business."""
    with _running(place):
        assert meeting.answer(arguments) is None


def test_every_option_of_the_command_is_known(place: Place) -> None:
    """A service answers with all options of `afresh status` but `--watch`."""
    import typer

    command = typer.main.get_command(app).commands["status"]  # type: ignore[attr-defined]  # it is a group
    options = {name for parameter in command.params for name in parameter.opts} - {"--watch", "-w", "--help"}
    with _running(place):
        for name in options:
            value = [str(place.configuration)] if name in ("--config", "-c") else []
            assert meeting.answer(["status", name, *value]) is not None, name


def test_a_changed_configuration_is_not_answered_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was edited, or an environment that sets something else, is read by the command itself."""
    with _running(place):
        assert meeting.answer(["status"]) is not None
        monkeypatch.setenv("AFRESH__MAX_DEGREE_OF_PARALLELISM", "2")
        assert meeting.answer(["status"]) is None
        monkeypatch.delenv("AFRESH__MAX_DEGREE_OF_PARALLELISM")
        place.configuration.write_text(place.configuration.read_text() + "\n# edited\n")
        assert meeting.answer(["status"]) is None


def test_nobody_is_believed_in_a_place_that_others_can_enter(place: Place, runtime: Path) -> None:
    """Neither where others may write nor where there is a link is anybody asked, and no service waits there."""
    directory = runtime / f"afresh-{os.getuid()}"
    directory.mkdir(mode=0o700)
    directory.chmod(0o777)
    with _running(place):
        assert list(directory.iterdir()) == []
        assert meeting.answer(["status"]) is None
    directory.rmdir()
    (runtime / "elsewhere").mkdir(mode=0o700)
    directory.symlink_to(runtime / "elsewhere")
    with _running(place):
        assert meeting.answer(["status"]) is None


def test_the_first_of_two_services_answers(place: Place) -> None:
    """The second leaves the first where it is, also when it ends."""
    with _running(place):
        with _running(place):
            assert meeting.answer(["status"]) is not None
        assert meeting.answer(["status"]) is not None
    assert meeting.answer(["status"]) is None


@pytest.mark.parametrize("question", [b"\n", b"[]\n", b"{}\n", b'{"mark": 1}\n', b"\xff\xfe\n", b""])
def test_a_question_that_is_none_gets_no_answer(place: Place, question: bytes) -> None:
    """And the next who asks does."""
    at = meeting.place(place.configuration, make=True)
    with _running(place), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(at))
        connection.sendall(question)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
        assert meeting.answer(["status"]) is not None


def test_a_service_that_hangs_is_not_waited_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gets no answer in time, or half of one, looks for himself."""
    monkeypatch.setattr(meeting, "SECONDS", 0.2)
    at = meeting.place(place.configuration, make=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as hanging:
        hanging.bind(str(at))
        hanging.listen()
        assert meeting.answer(["status"]) is None


def test_a_process_is_asked_by_a_process(place: Place) -> None:
    """`afresh run` answers `afresh status`; when it was killed the command finds out by itself, and the next service
    takes its place."""
    at = meeting.place(place.configuration, make=True)
    assert at is not None
    with place.process("run") as process:
        wait_until(at.exists, "the service can be met", process)
        wait_until(lambda: (meeting.answer(["status"]) or _NOT_YET).exit == 0, "every table is healthy", process)
        with place.process("status") as asking:
            told = ended(asking)
    assert at.exists()
    assert told.code == 0
    assert told.out.startswith("Table ")
    assert told.err == ""
    with place.process("status") as asking:
        assert "service" in ended(asking).out
    with place.process("run") as process:
        wait_until(lambda: meeting.answer(["status"]) is not None, "the next service can be met", process)
        process.send_signal(signal.SIGTERM)
        assert ended(process).code == 0
    assert not at.exists()


_NOT_YET = meeting.Answer(exit=-1, text="")
