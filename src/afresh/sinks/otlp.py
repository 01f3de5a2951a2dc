"""Which signals the usual environment variables of OpenTelemetry ask to be sent by OTLP.

Nothing of OpenTelemetry is imported here: a service that sends nothing pays nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

Signal = Literal["metrics", "traces"]

_SIGNALS: tuple[Signal, ...] = ("metrics", "traces")
_EXPORTER = "opentelemetry.exporter.otlp.proto.http"
_HTTP = "http/protobuf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """The signals to send, and why others that were asked for are not sent, as lines for people."""

    signals: frozenset[Signal] = frozenset()
    notes: tuple[str, ...] = ()


def sending(environment: Mapping[str, str], *, installed: bool | None = None) -> Sending:
    """What the environment asks for, as far as it can be done; `installed` says whether the exporter is there."""
    asked = [signal for signal in _SIGNALS if _asked(signal, environment)]
    if not asked:
        return Sending()
    if not (_is_installed() if installed is None else installed):
        return Sending(
            notes=(f"No {' and '.join(asked)} are sent by OTLP: the exporter is missing; pip install 'afresh[otlp]'.",)
        )
    spoken = {signal: _protocol(signal, environment) for signal in asked}
    return Sending(
        signals=frozenset(signal for signal in asked if spoken[signal] == _HTTP),
        notes=tuple(
            f"No {signal} are sent by OTLP: the protocol is {spoken[signal]}, but only {_HTTP} is spoken; "
            f"set OTEL_EXPORTER_OTLP_PROTOCOL={_HTTP} and the port for it, usually 4318."
            for signal in asked
            if spoken[signal] != _HTTP
        ),
    )


def _asked(signal: Signal, environment: Mapping[str, str]) -> bool:
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporters = environment.get(f"OTEL_{signal.upper()}_EXPORTER", "").strip()
    if exporters:
        return "otlp" in [name.strip() for name in exporters.split(",")]
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
    return any(environment.get(name, "").strip() for name in names)


def _protocol(signal: Signal, environment: Mapping[str, str]) -> str:
    names = (f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    return next((found for name in names if (found := environment.get(name, "").strip())), _HTTP)


def _is_installed() -> bool:
    try:
        return find_spec(_EXPORTER) is not None
    except ModuleNotFoundError:
        return False
