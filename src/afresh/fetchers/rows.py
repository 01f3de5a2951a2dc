"""Users' own fetchers, in Python: a whole `Fetcher`, a class with a `fetch` that yields rows, or a generator function.

Wherever a name of theirs is called, an exception that is not an `AfreshError` becomes a `FetcherError`.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pyarrow as pa
from pydantic import Field

from afresh.core.errors import AfreshError, ConfigurationError, FetcherError
from afresh.core.kinds import FetcherContext, FetcherKind
from afresh.core.model import SourceInstant
from afresh.core.ports import Explanation, Fetcher, Reading
from afresh.core.schema import Column, TableSchema, parse_type
from afresh.fetchers import row_types
from afresh.fetchers.row_batches import RowBatches

_GROUPS = ("afresh.fetchers", "afresh.post_processors")
_FETCH = ("minimum_dt", "cancel")


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonOptions:
    """What a fetcher of the user's does not say itself."""

    key: Annotated[tuple[str, ...], Field(description="Fields that identify a row, if the fetcher does not say.")] = ()
    last_update: Annotated[
        str | None, Field(min_length=1, description="Field that tells when a row was changed, if there is one.")
    ] = None
    columns: Annotated[
        Mapping[str, str],
        Field(description="Names and types of the fields, if no dataclass describes them: `decimal(15,2)`."),
    ] = field(default_factory=dict)
    arguments: Annotated[
        Mapping[str, Any], Field(description="Keyword arguments for the fetcher's class or function.")
    ] = field(default_factory=dict)


def load(name: str) -> object:
    """What `module:Class` or the name of an entry point means; ConfigurationError for a name that means nothing."""
    module_name, colon, path = name.partition(":")
    if not colon:
        return _entry_point(name)
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise ConfigurationError(f"{name}: {module_name!r} is not the name of a module")
    try:
        found: object = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise ConfigurationError(f"{name}: importing {module_name} failed: {error}") from error
        raise ConfigurationError(
            f"{name}: there is no module {error.name!r}",
            hint="Install it into the same environment, or put its directory on PYTHONPATH.",
        ) from error
    except Exception as error:
        raise ConfigurationError(f"{name}: importing {module_name} failed: {_told(error)}") from error
    for part in path.split("."):
        if not hasattr(found, part):
            close = get_close_matches(part, [one for one in dir(found) if not one.startswith("_")], n=1)
            hint = f"Did you mean {module_name}:{close[0]}?" if close else ""
            raise ConfigurationError(f"{name}: the module has no {path!r}", hint=hint)
        found = getattr(found, part)
    return found


def _entry_point(name: str) -> object:
    known = [point for group in _GROUPS for point in entry_points(group=group)]
    for point in known:
        if point.name == name:
            try:
                return point.load()
            except Exception as error:
                raise ConfigurationError(f"{name}: importing {point.value} failed: {_told(error)}") from error
    close = get_close_matches(name, [point.name for point in known], n=1)
    hint = f"Did you mean {close[0]!r}?" if close else "Your own is written as `module:Class`."
    raise ConfigurationError(f"there is nothing called {name!r}", hint=hint)


def whole(target: object, context: FetcherContext) -> Fetcher[Any]:
    """A fetcher that keeps the contract, out of what the user wrote; ConfigurationError where it cannot be one."""
    place = f"{context.config.table_name}: {context.config.fetcher}"
    options: PythonOptions = context.options
    if not callable(target) and not hasattr(target, "fetch"):
        raise ConfigurationError(f"{place}: a {type(target).__name__} is no fetcher: it has no `fetch`")
    if isinstance(target, type):
        keywords = _keywords(target, context, options.arguments, place)
        with _users_code(place, "could not be made"):
            made = target(**keywords)
        if not hasattr(made, "fetch"):
            raise ConfigurationError(f"{place}: the class is no fetcher: it has no `fetch`")
        return RowsFetcher(place, made, made.fetch, context)
    if hasattr(target, "fetch"):
        return RowsFetcher(place, target, target.fetch, context)
    assert callable(target), "checked above"
    keywords = _keywords(target, context, options.arguments, place, given=_FETCH)
    return RowsFetcher(place, target, partial(target, **keywords), context)


class RowsFetcher:
    """A user's fetcher with everything that it leaves out: schema, explanation, clock, batches and checks."""

    def __init__(self, place: str, target: Any, fetch: Callable[..., Any], context: FetcherContext) -> None:
        self._place = place
        self._target = target
        self._fetch = fetch
        self._context = context
        self._takes = _fetch_parameters(fetch, place)
        self._schema = None if _own(target, "schema") else _schema(target, fetch, context, place)

    def schema(self) -> TableSchema:
        """The schema that the fetcher declares, or that its row class and options describe."""
        known = self._schema
        if known is None:
            with _users_code(self._place, "failed in `schema`"):
                found = self._target.schema()
            if not isinstance(found, TableSchema):
                raise FetcherError(f"{self._place}: `schema` returned a {type(found).__name__}, not a TableSchema")
            self._schema = known = found
        return known

    def fetch(self, minimum_dt: datetime | None, cancel: Reading) -> Iterator[pa.RecordBatch]:
        """What the user's `fetch` yields, as batches of the schema."""
        batches = RowBatches(self._place, self.schema(), self._context.batch_rows)
        given = {"minimum_dt": minimum_dt, "cancel": cancel}
        with _users_code(self._place, "failed in `fetch`"):
            found = self._fetch(**{name: given[name] for name in self._takes})
            if found is None or isinstance(found, str | bytes | Mapping):
                raise FetcherError(f"{self._place}: `fetch` returned a {type(found).__name__}, and must yield rows")
            items = iter(found)
        try:
            yield from batches.batches(self._pulled(items), cancel)
        finally:
            if isinstance(items, Iterator) and hasattr(items, "close"):
                with _users_code(self._place, "failed when it was closed"):
                    items.close()

    def explain(self, minimum_dt: datetime | None) -> Explanation:
        """What the user's `explain` says, if there is one."""
        if not _own(self._target, "explain"):
            return Explanation(notes=(f"Rows come from {self._context.config.fetcher}.",))
        with _users_code(self._place, "failed in `explain`"):
            found = self._target.explain(minimum_dt)
        if not isinstance(found, Explanation):
            raise FetcherError(f"{self._place}: `explain` returned a {type(found).__name__}, not an Explanation")
        return found

    def misses(self) -> str | None:
        """What the user's `misses` says, if there is one."""
        if not _own(self._target, "misses"):
            return None
        with _users_code(self._place, "failed in `misses`"):
            found = self._target.misses()
        if found is not None and not isinstance(found, str):
            raise FetcherError(f"{self._place}: `misses` returned a {type(found).__name__}, not a text")
        return found

    def clock(self) -> SourceInstant | None:
        """What the user's `now` says if there is one, else the source's clock if there is a source."""
        if not _own(self._target, "now"):
            return self._context.source.clock() if self._context.source is not None else None
        with _users_code(self._place, "failed in `now`"):
            found = self._target.now()
        if found is None:
            return None
        if not isinstance(found, datetime) or found.tzinfo is None:
            raise FetcherError(f"{self._place}: `now` did not return a datetime with a time zone")
        return SourceInstant(now=found)

    def forget(self) -> None:
        """A `schema` of the user's is called again when it is needed next, after a `forget` of theirs if there is one;
        what the rows' class or the options describe stays."""
        if _own(self._target, "forget"):
            with _users_code(self._place, "failed in `forget`"):
                self._target.forget()
        if _own(self._target, "schema"):
            self._schema = None

    def _pulled(self, items: Iterator[object]) -> Iterator[object]:
        """The items one by one, with exceptions of the user's code told apart from ours."""
        end = object()
        while True:
            with _users_code(self._place, "failed in `fetch`"):
                item = next(items, end)
            if item is end:
                return
            yield item


def _own(target: object, name: str) -> bool:
    """Whether it has that method; what it inherits from the bare `Fetcher` protocol does not count."""
    inherited = getattr(type(target), name, None)
    return hasattr(target, name) and (inherited is None or inherited is not getattr(Fetcher, name, None))


@contextmanager
def _users_code(place: str, what: str) -> Iterator[None]:
    """Where code of the user's runs: what it raises becomes a FetcherError, but for what we understand already."""
    try:
        yield
    except AfreshError:
        raise
    except Exception as error:
        raise FetcherError(f"{place}: {what}: {_told(error)}") from error


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


# ----------------------------------------------------------------------------------------------------- what it takes


def _keywords(
    target: Callable[..., Any],
    context: FetcherContext,
    arguments: Mapping[str, Any],
    place: str,
    given: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The keyword arguments for a class or function: the user's arguments, and of ours those that it names."""
    ours = {
        "context": context,
        "source": context.source,
        "config": context.config,
        "clock": context.clock,
        "arguments": arguments,
    }
    parameters = inspect.signature(target).parameters
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    named = {
        name: parameter
        for name, parameter in parameters.items()
        if name not in given and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    for name in arguments:
        if name not in named and not takes_all:
            raise ConfigurationError(
                f"{place}: there is no argument {name!r}", hint=f"It takes: {', '.join(named) or 'none'}."
            )
    keywords = {name: ours[name] for name in named if name in ours} | dict(arguments)
    if "source" in keywords and context.source is None and "source" not in arguments:
        if named["source"].default is inspect.Parameter.empty:
            raise ConfigurationError(f"{place}: it needs a source system")
        del keywords["source"]
    missing = [name for name, one in named.items() if one.default is one.empty and name not in keywords]
    if missing:
        raise ConfigurationError(
            f"{place}: the argument {missing[0]!r} is missing", hint="Give it under `arguments` in its options."
        )
    return keywords


def _fetch_parameters(fetch: Callable[..., Any], place: str) -> tuple[str, ...]:
    """Which of `minimum_dt` and `cancel` it takes; it may take nothing else."""
    parameters = inspect.signature(fetch).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return _FETCH
    for parameter in parameters:
        if parameter.name not in _FETCH and parameter.default is parameter.empty:
            raise ConfigurationError(
                f"{place}: `fetch` has a parameter {parameter.name!r}; it may take minimum_dt and cancel"
            )
    return tuple(parameter.name for parameter in parameters if parameter.name in _FETCH)


# ------------------------------------------------------------------------------------------------------ its schema


def _schema(target: Any, fetch: Callable[..., Any], context: FetcherContext, place: str) -> TableSchema:
    options: PythonOptions = context.options
    row_class = _row_class(target, fetch, place) if not options.columns else None
    if options.columns:
        types = {name: parse_type(text) for name, text in options.columns.items()}
        columns = tuple(Column(name=name, type=kind, length=length) for name, (kind, length) in types.items())
    elif row_class is not None:
        columns = row_types.columns(row_class)
    else:
        raise ConfigurationError(
            f"{place}: nothing says which columns the rows have",
            hint="Annotate `fetch` with Iterator[YourDataclass], set `row_type`, or give `columns` in its options.",
        )
    marks = partial(row_types.marked, row_class) if row_class is not None else lambda mark: ()
    key = options.key or _names(getattr(target, "key", ())) or marks("key")
    stamps = _names(options.last_update) or _names(getattr(target, "last_update", ())) or marks("last_update")
    if len(stamps) > 1:
        raise ConfigurationError(f"{place}: more than one last-update field: {', '.join(stamps)}")
    try:
        return TableSchema(columns=columns, key=key, last_update=next(iter(stamps), None))
    except ConfigurationError as error:
        hint = error.hint if key else "Set `key` on the fetcher, or in its options."
        raise ConfigurationError(f"{place}: {error.message}", hint=hint) from error


def _names(found: object) -> tuple[str, ...]:
    if isinstance(found, str):
        return (found,)
    return tuple(str(name) for name in found) if isinstance(found, tuple | list) else ()


def _row_class(target: Any, fetch: Callable[..., Any], place: str) -> type | None:
    """The class of the rows: `row_type`, T of a `Fetcher[T]` that it derives from, or of what `fetch` returns."""
    function = fetch.func if isinstance(fetch, partial) else fetch
    bases = [base for base in getattr(type(target), "__orig_bases__", ()) if get_origin(base) is Fetcher]
    try:
        returned = get_type_hints(function, include_extras=True).get("return")
    except NameError as error:
        raise ConfigurationError(f"{place}: an annotation of `fetch` is not understood: {error}") from error
    candidates = [getattr(target, "row_type", None), *_inside(bases), *_inside([returned])]
    return next((found for found in candidates if row_types.is_row_class(found)), None)


def _inside(hints: Sequence[Any]) -> list[Any]:
    """The classes inside of generic ones, however deep: Row of `Iterator[list[Row]]`."""
    return [found for hint in hints for found in ((hint,) if not get_args(hint) else _inside(get_args(hint)))]


PYTHON = FetcherKind(
    options=PythonOptions, build=lambda context: whole(load(context.config.fetcher), context), needs_source=False
)
