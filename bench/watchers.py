"""Viewers of a dashboard: each listens to the events and loads a page every few seconds, until stdin is closed.

A process of its own, and a polite one: what a browser takes is not what the service takes. Writes down at its end how
many beats came, how many pages, and the longest wait for one.
"""

import asyncio
import json
import os
import sys
import time
from urllib.parse import urlsplit

EVERY_SECONDS = 5.0
PATHS = ("/", "/tables/Table0008", "/", "/grid", "/history")


class Watchers:
    """So many viewers of one address."""

    def __init__(self, url: str, count: int) -> None:
        parts = urlsplit(url)
        self._place = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._count = count
        self.beats = self.pages = self.bytes = 0
        self.longest = 0.0

    async def run(self) -> None:
        """Looks until stdin ends."""
        tasks = [
            asyncio.create_task(look(number)) for number in range(self._count) for look in (self._listen, self._load)
        ]
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, number: int) -> None:
        await asyncio.sleep(number / self._count)
        reader, writer = await self._ask("/api/v1/events", keep=True)
        try:
            while chunk := await reader.read(65_536):
                self.beats += chunk.count(b"event: beat")
        finally:
            writer.close()

    async def _load(self, number: int) -> None:
        await asyncio.sleep(EVERY_SECONDS * number / self._count)
        turn = number
        while True:
            begun = time.perf_counter()
            reader, writer = await self._ask(PATHS[turn % len(PATHS)], keep=False)
            answer = await reader.read(-1)
            writer.close()
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(answer[:200])
            took = time.perf_counter() - begun
            self.pages, self.bytes, self.longest = self.pages + 1, self.bytes + len(answer), max(self.longest, took)
            turn += 1
            await asyncio.sleep(max(EVERY_SECONDS - took, 0))

    async def _ask(self, path: str, *, keep: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*self._place, limit=1 << 20)
        kept = "keep-alive" if keep else "close"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._place[1]}\r\nConnection: {kept}\r\n\r\n".encode())
        await writer.drain()
        return reader, writer


def main() -> None:
    """`python -m bench.watchers URL COUNT`."""
    os.nice(19)
    watchers = Watchers(sys.argv[1], int(sys.argv[2]))
    asyncio.run(watchers.run())
    print(json.dumps({name: getattr(watchers, name) for name in ("beats", "pages", "bytes", "longest")}))


if __name__ == "__main__":
    main()
