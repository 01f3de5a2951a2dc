"""Remote procedure calls: statements with parameters, prepared or not. Part of the wire front."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.tds_front.octets import Reader
from tests.tds_front.server import Parameter
from tests.tds_front.types import read_type, read_value

_NAMES = {10: "sp_executesql", 11: "sp_prepare", 12: "sp_execute", 13: "sp_prepexec", 15: "sp_unprepare"}
_BY_NAME, _OUTPUT = 0xFFFF, 0x01
_NEXT = (0x80, 0xFE, 0xFF)


@dataclass(kw_only=True)
class Call:
    """One call. `handle` is that of what it prepares, or executes."""

    name: str
    parameters: list[Parameter]
    handle: int = field(default=0)

    @property
    def prepares(self) -> bool:
        """Whether a statement is kept under a handle."""
        return self.name in ("sp_prepare", "sp_prepexec")

    @property
    def executes(self) -> bool:
        """Whether a statement is carried out."""
        return self.name not in ("sp_prepare", "sp_unprepare")

    @property
    def returns(self) -> str | None:
        """The name of the parameter that gets the handle."""
        return self.parameters[0].name if self.prepares else None

    @property
    def bound(self) -> tuple[Parameter, ...]:
        """What is bound to the statement."""
        skipped = {"sp_executesql": 2, "sp_execute": 1, "sp_prepexec": 3}.get(self.name)
        return () if skipped is None else tuple(self.parameters[skipped:])

    def sql(self, prepared: Mapping[int, str]) -> str:
        """The statement that is meant."""
        if self.name == "sp_executesql":
            return str(self.parameters[0].value)
        if self.prepares:
            return str(self.parameters[2].value)
        if self.name in ("sp_execute", "sp_unprepare"):
            return prepared.get(int(self.parameters[0].value), "")
        return f"EXEC {self.name}"


def read_calls(body: bytes) -> Iterator[Call]:
    """The calls of one message."""
    reader = Reader(body)
    reader.headers()
    while reader.left:
        length = reader.number("H")
        if length == _BY_NAME:
            number = reader.number("H")
            name = _NAMES.get(number, f"procedure {number}")
        else:
            name = reader.take(2 * length).decode("utf-16-le").rpartition(".")[2]
        reader.number("H")
        parameters = []
        while reader.left and reader.data[reader.place] not in _NEXT:
            parameters.append(_parameter(reader))
        if reader.left:
            reader.take(1)
        yield Call(name=name, parameters=parameters)


def _parameter(reader: Reader) -> Parameter:
    name = reader.short_text()
    flags = reader.number("B")
    kind = read_type(reader)
    return Parameter(name=name, type=kind, value=read_value(reader, kind), output=bool(flags & _OUTPUT))
