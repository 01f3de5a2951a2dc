"""The running service as it answers commands of the same user on the same machine."""

import io
import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from afresh.cli import meeting
from afresh.cli.outlook import notes
from afresh.cli.output import elsewhere
from afresh.cli.standing import Shape, exit_of
from afresh.engine.judging import Judging
from afresh.engine.service import Service

_TURN_SECONDS = 0.2
_LONGEST = 64 * 1024
"""So many bytes a question has at most."""


@contextmanager
def answering(service: Service, file: Path, mark: str) -> Iterator[None]:
    """While the context is open, the service of that configuration file answers those who come with the same mark.

    Where there is no place to meet, or another service with that configuration is there already, it does not; commands
    then look for themselves.
    """
    at = meeting.place(file, make=True)
    if at is None or not _free(at):
        yield
        return
    try:
        server = _server(service, at, mark)
    except OSError:  # the path is longer than a socket's may be, say
        yield
        return
    threading.Thread(target=server.serve_forever, args=(_TURN_SECONDS,), name="afresh-answering", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        with suppress(OSError):
            at.unlink()


def told(service: Service, judging: Judging, question: dict[str, Any]) -> tuple[int, bytes]:
    """The exit code and the text of `afresh status` for one who asks."""
    config = question["config"]
    shape = Shape(
        config=None if config is None else Path(config), json=bool(question["json"]), every=bool(question["every"])
    )
    judging.forget()
    found = judging.now()
    written = io.StringIO()
    shape.write(
        found, notes(service, found), elsewhere(written, columns=question["columns"], environ=question["environ"])
    )
    return exit_of(found), written.getvalue().encode(errors="backslashreplace")


def _free(at: Path) -> bool:
    """Whether nobody is there. What one left behind who was killed is taken away."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(meeting.SECONDS)
        try:
            connection.connect(str(at))
        except TimeoutError:
            return False
        except OSError:
            with suppress(OSError):
                at.unlink()
            return True
    return False


def _server(service: Service, at: Path, mark: str) -> socketserver.BaseServer:
    judging = Judging(service)

    class Answers(socketserver.StreamRequestHandler):
        timeout = meeting.SECONDS

        def handle(self) -> None:
            try:
                question = json.loads(self.rfile.readline(_LONGEST))
                if question["mark"] != mark:
                    return
                code, text = told(service, judging, question)
            except (ValueError, KeyError, TypeError):
                return  # who asks otherwise than we understand looks for himself
            with suppress(OSError):
                self.wfile.write(json.dumps({"exit": int(code), "bytes": len(text)}).encode() + b"\n" + text)

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Nobody is told: who asked gets no answer, and looks for himself."""

    return Server(str(at), Answers)
