"""The configuration that `init --source` writes: TOML, each choice with its reason beside it."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from afresh.cli.addresses import Address
from afresh.cli.proposal import Proposal
from afresh.cli.survey import Survey

_WIDTH = 110
_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_LISTED = 200

_HEAD = """\
[data_sync]
check_interval = "60s" # time between two looks at the schedules
max_degree_of_parallelism = 4
lookback_multiplier = 3.0 # a window reaches back three intervals before the last anchor

# The destination. Other programs may read it at any time.
[data_sync.cache]
url = "sqlite:///cache.db"
"""


def source_system(name: str, address: Address, *, variable: str, time_zone: str) -> str:
    """The table of the source system; a password only as a reference to the environment variable."""
    lines = [
        f"[data_sync.source_systems.{_key(name)}]",
        f"kind = {_value(address.kind)}",
        *(f"{key} = {_value(value)}" for key, value in address.settings.items()),
    ]
    if address.password is not None:
        lines.append(f'password = {{ env = "{variable}" }} # its value stands in this environment variable, not here')
    lines += [
        f"time_zone = {_value(time_zone)} # zone of the wall clock readings in this source: see that it is right",
        "max_sessions = 4 # over all services on the cache together; ask the owner of the source",
        '# quiet_hours = ["22:00-06:00"] # no Mass and no Daily begins then',
        "# max_rows_per_second = 50_000",
    ]
    return "\n".join(lines) + "\n"


def head(system: str) -> str:
    """A whole configuration without tables."""
    return f"{_HEAD}\n{system}"


def configuration(name: str, system: str, survey: Survey) -> str:
    """The whole file."""
    kept = [proposal for proposal in survey.proposals if proposal.fetcher is not None]
    asked = [proposal for proposal in survey.proposals if proposal.fetcher is None]
    parts = [
        _remarks(_introduction(name, survey, len(kept))),
        head(system),
        *(_table(name, proposal) for proposal in kept),
    ]
    if asked:
        parts.append(_remarks(["The following tables need a decision before they can be kept."]))
        parts += ["".join(_commented(line) for line in _table(name, one).splitlines()) for one in asked]
    parts += _rest(survey)
    return "\n".join(parts)


def _commented(line: str) -> str:
    return f"{line if line.startswith('#') else f'# {line}'}".rstrip() + "\n"


def _introduction(name: str, survey: Survey, kept: int) -> Iterator[str]:
    yield f"What Afresh keeps fresh from {name}: {kept} tables, as the source described them."
    yield (
        "Names, keys and last-update columns are proposals with their reasons: read them, above all the lines that say "
        "Decide. Try it with `afresh check --connect`; each setting is explained in docs/reference/options.md."
    )
    account = survey.account
    yield f"The source: {account.version}, as {account.user}."
    if account.may_write:
        yield f"The account may write ({', '.join(account.may_write)}); Afresh only reads. Ask for one that cannot."


def _table(system: str, proposal: Proposal) -> str:
    lines = list(_wrapped(_described(proposal)))
    lines += [
        "[[data_sync.data_sources]]",
        f"table_name = {_value(proposal.name)}",
        f"source_system = {_value(system)}",
    ]
    lines.append(f"fetcher = {_value(proposal.fetcher or 'table')}")
    if proposal.options:
        lines.append(f"fetcher_options = {_inline(dict(proposal.options))}")
    if proposal.partitions:
        lines.append(f"# partitions = {proposal.partitions} # reads side by side of which a Mass is made up")
    for schedule, interval, prepurges in proposal.schedules:
        settings: dict[str, object] = {"interval": interval, **({"prepurge_data": True} if prepurges else {})}
        lines.append(f"{schedule} = {_inline(settings)}")
    return "\n".join(lines) + "\n"


def _described(proposal: Proposal) -> Iterator[str]:
    what = "view" if proposal.is_view else "table"
    sizes = [f"about {proposal.rows:,} rows"] if proposal.rows is not None else []
    sizes += [f"{proposal.size / 1_000_000:,.1f} MB"] if proposal.size is not None else []
    yield f"{proposal.table}: a {what}{' of ' if sizes else ''}{', '.join(sizes)}."
    if proposal.open_question:
        yield f"Decide: {proposal.open_question}."
    yield from proposal.remarks


def _rest(survey: Survey) -> Iterator[str]:
    if survey.unread:
        yield _remarks(["Tables that could not be described:", *(f"  {name}: {why}" for name, why in survey.unread)])
    if survey.left_out:
        shown = [f"{one.table}{' (view)' if one.is_view else ''}" for one in survey.left_out[:_LISTED]]
        more = len(survey.left_out) - len(shown)
        told = ", ".join(shown) + (f" and {more} more" if more else "")
        yield _remarks([f"Not among those above; `--tables` and `--views` choose others: {told}."])


def _remarks(texts: Sequence[str] | Iterator[str]) -> str:
    return "\n".join(_wrapped(texts)) + "\n"


def _wrapped(texts: Sequence[str] | Iterator[str]) -> Iterator[str]:
    for text in texts:
        printable = "".join(character if character.isprintable() else "?" for character in text)
        yield from textwrap.wrap(
            printable, _WIDTH, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False
        )


# --------------------------------------------------------------------------------------------------- TOML


def _inline(values: Mapping[str, object]) -> str:
    return "{ " + ", ".join(f"{_key(name)} = {_value(value)}" for name, value in values.items()) + " }"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return _inline(value)
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return str(value) if isinstance(value, int) else _text(str(value))


def _key(name: str) -> str:
    return name if name and set(name) <= _BARE else _text(name)


def _text(value: str) -> str:
    """A basic string of TOML; JSON's escapes are a part of TOML's, DEL and pairs of surrogates apart."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
