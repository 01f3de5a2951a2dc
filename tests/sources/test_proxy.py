"""The proxy of the kit does to connections what its tests say it does."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from afresh.testing.proxy import Proxy, proxied

SIZE = 200_000


class Giver:
    """A server that sends so many bytes to whoever says something, and waits until the client has gone."""

    def __init__(self) -> None:
        self.gone = threading.Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target: tuple[str, int] = self._listener.getsockname()[:2]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._give, args=(client,), daemon=True).start()

    def _give(self, client: socket.socket) -> None:
        with client:
            try:
                if client.recv(10):
                    client.sendall(b"x" * SIZE)
                    client.recv(10)
            except OSError:
                pass
        self.gone.release()

    def close(self) -> None:
        """Takes no more connections."""
        self._listener.close()


@pytest.fixture
def giver() -> Iterator[Giver]:
    """A server."""
    made = Giver()
    yield made
    made.close()


@pytest.fixture
def proxy(giver: Giver) -> Iterator[Proxy]:
    """A proxy to it."""
    with proxied(giver.target) as made:
        yield made


def taken(proxy: Proxy, timeout: float = 5) -> int:
    """How many bytes come through before the connection ends or is silent."""
    count = 0
    try:
        with socket.create_connection(proxy.address, timeout=timeout) as client:
            client.sendall(b"give")
            while count < SIZE and (data := client.recv(5_000)):
                count += len(data)
    except (TimeoutError, ConnectionError):
        pass
    return count


def test_everything_comes_through_and_is_counted(proxy: Proxy, giver: Giver) -> None:
    """Bytes and connections are counted; the server learns that a client has gone."""
    assert [taken(proxy), taken(proxy)] == [SIZE, SIZE]
    assert (proxy.received, proxy.connections) == (2 * SIZE, 2)
    assert giver.gone.acquire(timeout=2)
    assert giver.gone.acquire(timeout=2)


@pytest.mark.parametrize("after", [0, 1_000, SIZE // 2, SIZE - 1])
def test_a_cut(proxy: Proxy, giver: Giver, after: int) -> None:
    """A connection ends after so many bytes, for the server as well; the next one works once it is healed."""
    proxy.cut_after(after)
    assert taken(proxy) <= after
    assert giver.gone.acquire(timeout=2)
    proxy.heal()
    assert taken(proxy) == SIZE


def test_a_stall(proxy: Proxy, giver: Giver) -> None:
    """Nothing comes after so many bytes, but the connection stays; the server learns when the client gives up."""
    proxy.stall_after(SIZE // 2)
    assert taken(proxy, timeout=0.3) == SIZE // 2
    assert giver.gone.acquire(timeout=2)


def test_a_stall_that_is_healed(proxy: Proxy) -> None:
    """What was held back comes when the proxy is healed."""
    proxy.stall_after(SIZE // 2)
    timer = threading.Timer(0.3, proxy.heal)
    timer.start()
    assert taken(proxy) == SIZE
    timer.join()


def test_a_slow_connection(proxy: Proxy) -> None:
    """Bytes come at about the rate that was set."""
    proxy.slow(SIZE / 0.5)
    began = time.monotonic()
    assert taken(proxy) == SIZE
    assert 0.4 < time.monotonic() - began < 3


def test_a_server_that_is_down(proxy: Proxy, giver: Giver) -> None:
    """Connections are cut, new ones get nowhere, and it works again once it is healed."""
    with socket.create_connection(proxy.address, timeout=5) as connection:
        connection.sendall(b"give")
        assert connection.recv(1)  # it has come through to the giver, who else has nobody to miss
        proxy.refuse()
        assert giver.gone.acquire(timeout=2)
        assert taken(proxy) == 0
    proxy.heal()
    assert taken(proxy) == SIZE


def test_a_closed_proxy_refuses(proxy: Proxy) -> None:
    """Nobody listens any more."""
    address = proxy.address
    proxy.close()
    with pytest.raises(OSError):  # noqa: PT011 - which one is the system's choice
        socket.create_connection(address, timeout=1)
