"""Judgements, updates and actions as JSON, with the names that are promised: by `--json` and wherever else they are
asked for."""

from datetime import datetime, timedelta

from afresh.core.actions import Action
from afresh.core.details import as_value
from afresh.core.facts import SourceState
from afresh.core.health import TableHealth
from afresh.core.lookback import Lookback
from afresh.core.model import DataUpdate
from afresh.core.phrases import iso
from afresh.core.sentences import Sentences
from afresh.core.states import LOOKS

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


def of_table_in_short(table: TableHealth, at: datetime) -> dict[str, JsonValue]:
    """One table's judgement where many are told at once: how it stands, and its last success in a few words."""
    return _standing(table, at) | {"rows_read": None if table.latest is None else table.latest.number_records}


def of_table(table: TableHealth, told: Sentences, at: datetime) -> dict[str, JsonValue]:
    """One table's judgement as of that instant; durations are in seconds."""
    look = LOOKS[table.state]
    return _standing(table, at) | {
        "glyph": look.glyph,
        "colour": look.colour,
        "sentences": of_sentences(told),
        "last_error": table.last_error,
        "pause": None if table.pause is None else of_action(table.pause),
        "last_success": {
            str(update_type): of_update(update) for update_type, update in sorted(table.last_success.items())
        },
        "last_sync": None if table.latest is None else of_update(table.latest),
    }


def _standing(table: TableHealth, at: datetime) -> dict[str, JsonValue]:
    return {
        "table_name": table.table_name,
        "source_system": table.source_system,
        "state": str(table.state),
        "health": str(table.health),
        "cause": None if table.cause is None else str(table.cause),
        "data_as_of": iso(table.data_as_of),
        "age_seconds": seconds(table.age_at(at)),
        "limit_seconds": seconds(table.limit),
        "overdue_seconds": seconds(table.overdue_at(at)),
        "next_at": iso(table.next_at),
        "right_by": iso(table.right_by),
        "running_since": iso(table.running_since),
        "consecutive_failures": table.consecutive_failures,
    }


def of_sentences(told: Sentences) -> JsonValue:
    """The five sentences, and the command of the last one."""
    return {
        "happened": told.happened,
        "where": told.where,
        "safe": told.safe,
        "next": told.next,
        "you": told.you,
        "command": told.command or None,
    }


def of_lookback(found: Lookback) -> JsonValue:
    """What is said of the lookback of one schedule; durations are in seconds."""
    return {
        "update_type": str(found.update_type),
        "verdict": str(found.verdict),
        "windows": found.windows,
        "lateness_seconds": found.latest.total_seconds(),
        "lookback_seconds": found.span.total_seconds(),
        "at_edge": found.at_edge,
        "missed": found.missed,
        "lookback_multiplier": found.multiplier,
        "recommended_multiplier": found.recommended,
        "said": found.said,
    }


def of_update(update: DataUpdate) -> JsonValue:
    """An audit row."""
    return {
        "table_name": update.table_name,
        "source_system": update.source_system,
        "update_type": str(update.update_type),
        "operation_id": update.operation_id,
        "instance_id": update.instance_id,
        "start_dt": iso(update.start_dt),
        "end_dt": iso(update.end_dt),
        "minimum_dt": iso(update.minimum_dt),
        "source_dt": iso(update.source_dt),
        "was_successful": update.was_successful,
        "outcome": None if update.outcome is None else str(update.outcome),
        "number_records": update.number_records,
        "rows_inserted": update.counts.inserted,
        "rows_updated": update.counts.updated,
        "rows_unchanged": update.counts.unchanged,
        "rows_deleted": update.counts.deleted,
        "rows_duplicate": update.counts.duplicates,
        "error_message": update.error_message,
        "cause": None if update.cause is None else str(update.cause),
        "reason": update.reason,
        "details": None if update.details is None else as_value(update.details),
    }


def of_source(source: SourceState) -> JsonValue:
    """How a source system stands."""
    return {
        "source_system": source.name,
        "breaker_until": iso(source.breaker_until),
        "stopped": source.stopped,
        "quiet_until": iso(source.quiet_until),
        "sessions_used": source.sessions_used,
        "sessions_allowed": source.sessions_allowed,
        "latency_seconds": seconds(source.latency),
        "skew_seconds": seconds(source.skew),
    }


def of_action(action: Action) -> JsonValue:
    """Something that was asked for."""
    return {
        "sequence": action.sequence,
        "at": iso(action.at),
        "who": action.who,
        "action": str(action.kind),
        "table_name": action.table_name or None,
        "source_system": action.source_system or None,
        "operation_id": action.operation_id or None,
        "reason": action.reason or None,
        "argument": action.argument or None,
    }


def seconds(duration: timedelta | None) -> float | None:
    """A duration as JSON has it."""
    return None if duration is None else duration.total_seconds()
