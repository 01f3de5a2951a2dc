"""Reading and writing the pieces that TDS messages are made of. Part of the wire front of the tests."""

import struct


class Reader:
    """Goes through the bytes of one message."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    @property
    def left(self) -> int:
        """How many bytes are still to be read."""
        return len(self.data) - self.place

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if count > self.left:
            raise ValueError(f"the message ends {count - self.left} bytes early, at {self.place}")
        found = self.data[self.place : self.place + count]
        self.place += count
        return found

    def number(self, layout: str) -> int:
        """One little-endian number, in a layout of `struct`."""
        (found,) = struct.unpack(f"<{layout}", self.take(struct.calcsize(f"<{layout}")))
        return int(found)

    def short_text(self) -> str:
        """A text whose length takes one byte."""
        return self.take(2 * self.number("B")).decode("utf-16-le")

    def headers(self) -> None:
        """Goes past ALL_HEADERS, which begin with their length."""
        self.take(self.number("I") - 4)


def short_text(text: str) -> bytes:
    """A text whose length takes one byte."""
    encoded = text.encode("utf-16-le")
    return bytes([len(encoded) // 2]) + encoded


def long_text(text: str) -> bytes:
    """A text whose length takes two bytes."""
    encoded = text.encode("utf-16-le")
    return struct.pack("<H", len(encoded) // 2) + encoded
