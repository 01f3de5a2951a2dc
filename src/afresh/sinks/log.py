"""The log: each event as one line, for people or as JSON."""

import logging
from collections.abc import Callable, Mapping, MutableMapping
from enum import StrEnum
from typing import Any

import structlog

from afresh.core.events import Event
from afresh.sinks.lines import instant, line
from afresh.sinks.printable import printable

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_NAME_WIDTH = 28


class LogForm(StrEnum):
    """How a line is written."""

    CONSOLE = "console"
    JSON = "json"


class LogSink:
    """Writes each event as a line to a structlog logger.

    Without one, lines go to the standard library's logger `afresh`, so that a program that embeds the service
    decides by its own logging configuration what becomes of them.
    """

    def __init__(self, logger: structlog.typing.FilteringBoundLogger | None = None) -> None:
        self._logger = logger if logger is not None else _standard_logger()

    def __call__(self, event: Event) -> None:
        said = line(event)
        fields = {name: value for name, value in said.fields.items() if value is not None}
        self._logger.log(_LEVELS[said.level], said.text, timestamp=instant(event.at), **fields)


def line_logger(
    write: Callable[[str], None], *, form: LogForm = LogForm.CONSOLE, least: str = "info", colors: bool = False
) -> structlog.typing.FilteringBoundLogger:
    """A logger that hands whole lines to `write`, from the level `least` on: debug, info, warning, error."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form is LogForm.JSON
        else structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=_NAME_WIDTH, sort_keys=False)
    )
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        _Lines(write),
        processors=[structlog.processors.add_log_level, _safe, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[least]),
        context_class=dict,
        cache_logger_on_first_use=True,
    )
    return logger


class _Lines:
    """What structlog calls with a finished line."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = self.msg = write


def _standard_logger() -> structlog.typing.FilteringBoundLogger:
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        logging.getLogger("afresh"),
        processors=[structlog.stdlib.filter_by_level, _safe, _standard_record],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
    )
    return logger


def _safe(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """No text steers the reader's terminal, or makes one line into two."""
    return {name: _made_safe(value) for name, value in fields.items()}


def _made_safe(value: object) -> object:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_made_safe(item) for item in value]
    return value


def _standard_record(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """All of it as the message, because most formats show nothing else; and as `afresh` on the record. The standard
    library stamps its records itself."""
    told = {name: value for name, value in fields.items() if name != "timestamp"}
    words = [str(told["event"]), *(f"{name}={value!r}" for name, value in told.items() if name != "event")]
    return {"msg": " ".join(words), "extra": {"afresh": told}}
