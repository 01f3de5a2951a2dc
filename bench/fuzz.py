"""`make fuzz`: requests that nobody would think of, to every route of a real service, by callers of every scope.

Schemathesis makes them from the description of the API, to which the pages and the calls of commands are added: valid
ones and broken ones in turn. None may be answered by an error of the server. A 503 with which a health endpoint says
that all is not well is an answer, not an error.
"""

import argparse
import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from itertools import count, cycle
from typing import Any

import requests
import schemathesis
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.core.result import Ok
from schemathesis.generation.modes import GenerationMode
from tests.web.routes import walked
from tests.web.states_rig import TABLES, serving, standing
from tests.web.web_rig import TOKENS, token_of, tokens

from afresh.caches.remote import CALLS
from afresh.core.options import WebConfig
from afresh.engine.service import Service
from afresh.web.app import build
from afresh.web.live import Live

SAYS_SO = frozenset({"/health", "/readyz", "/livez", "/freshness"})
"""Routes whose 503 is an answer."""

_ENDLESS = "/api/v1/events"
_ACTIONS = ("run", "pause", "resume", "cancel", "accept")
_EXAMPLES = 5
_SECONDS = 20.0


@dataclass(kw_only=True)
class Found:
    """What was asked, and what was answered by an error of the server, each route and error once."""

    requests: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    errors: dict[tuple[str, str], str] = field(default_factory=dict)

    def note(self, route: str, case: Any, answer: Any) -> None:
        """One request and its answer."""
        self.requests += 1
        self.answers[answer.status_code] += 1
        self.routes[route] += 1
        if answer.status_code >= 500 and not (answer.status_code == 503 and route.partition(" ")[2] in SAYS_SO):
            told = f"{case.method} {answer.request.url} {case.body!r:.300}: {answer.status_code} {answer.text:.300}"
            self.errors.setdefault((route, answer.text[:200]), told)


def description(service: Service) -> dict[str, Any]:
    """Every route as OpenAPI describes it, but for the stream that does not end. Names are often those that there are,
    for most that are made up are answered by `404`."""
    app = build(service, WebConfig(), Live(), port=0)
    routes = [copy(route) for route in walked(app.routes) if isinstance(route, APIRoute)]
    for route in routes:
        route.include_in_schema = True
    found = get_openapi(title="Afresh", version="1", openapi_version="3.1.0", routes=routes)
    paths: dict[str, Any] = found["paths"]
    del paths[_ENDLESS]
    _with_calls(found)
    known = {"table": TABLES, "source": ("ERP",), "action": _ACTIONS, "name": ("afresh.css", "afresh.js")}
    for path in paths.values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in known:
                    parameter["schema"] = {"anyOf": [{"enum": list(known[parameter["name"]])}, {"type": "string"}]}
    form = {"type": "object", "properties": {name: {"type": "string"} for name in ("update_type", "reason", "token")}}
    for name in ("/tables/{table}/{action}", "/login"):
        paths[name]["post"]["requestBody"] = {"content": {"application/x-www-form-urlencoded": {"schema": form}}}
    return found


def _with_calls(found: dict[str, Any]) -> None:
    """The calls with which a command asks the owner of a cache, each with its arguments."""
    del found["paths"]["/owner/{name}"]
    parts = found["components"]["schemas"]
    for name, call in CALLS.items():
        arguments = {}
        for argument, adapter in call.arguments.items():
            schema = adapter.json_schema(ref_template="#/components/schemas/{model}")
            parts.update(schema.pop("$defs", {}))
            arguments[argument] = schema
        body = {"type": "object", "properties": arguments, "additionalProperties": False}
        content = {"application/json": {"schema": body}}
        answers = {"200": {"description": "The result."}}
        found["paths"][f"/owner/{name}"] = {"post": {"requestBody": {"content": content}, "responses": answers}}


def ask(
    url: str, described: Mapping[str, Any], *, wanted: int, number: int, seconds: float, examples: int = _EXAMPLES
) -> Found:
    """At least so many requests, unless the time is over before; `number` decides which."""
    found = Found()
    operations = [
        one.ok() for one in schemathesis.openapi.from_dict(dict(described)).get_all_operations() if isinstance(one, Ok)
    ]
    asked = [
        (f"{one.method.upper()} {one.path}", one.as_strategy(generation_mode=mode))
        for mode in GenerationMode
        for one in operations
        if mode is GenerationMode.POSITIVE or _can_be_wrong(one)
    ]
    callers = cycle([*({"Authorization": f"Bearer {token_of(name)}"} for name in TOKENS), {}])
    until = time.monotonic() + seconds
    with requests.Session() as session:
        for turn in count(number):
            for route, made in asked:
                if found.requests >= wanted or time.monotonic() > until:
                    return found
                _ask_one(url, route, made, session, callers, found, turn, examples)
    return found


def _can_be_wrong(operation: Any) -> bool:
    """Whether something can be asked of it that it does not take: any text may stand in a path."""
    parameters = operation.definition.raw.get("parameters", ())
    return bool(operation.body) or any(parameter["in"] != "path" for parameter in parameters)


def _ask_one(
    url: str,
    route: str,
    made: Any,
    session: requests.Session,
    callers: Iterator[dict[str, str]],
    found: Found,
    turn: int,
    examples: int,
) -> None:
    def one(case: Any) -> None:
        try:
            answer = case.call(base_url=url, session=session, headers=next(callers), timeout=_SECONDS)
        except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeError):
            return  # the client itself refuses to send it
        found.note(route, case, answer)

    quiet = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        seed(turn)(quiet(given(case=made)(one)))()
    except Exception as error:
        if type(error).__name__ not in ("Unsatisfiable", "SkipTest", "InvalidSchema", "InvalidArgument"):
            raise  # an operation without parameters has no broken form


def main() -> int:
    """Asks, says what came of it, and fails if the server did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="how many, at least")
    parser.add_argument("--seconds", type=float, default=540, help="for how long, at most")
    parser.add_argument("--seed", type=int, default=1, help="which; another number asks for others")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with standing() as (rig, _open), serving(rig, WebConfig(tokens=tokens())) as server:
        found = ask(
            server.url, description(rig.service), wanted=asked.requests, number=asked.seed, seconds=asked.seconds
        )
    answers = ", ".join(f"{count:,} x {status}" for status, count in sorted(found.answers.items()))
    print(f"{found.requests:,} requests to {len(found.routes)} routes: {answers}")
    for told in found.errors.values():
        print(f"  {told}")
    print(f"{len(found.errors)} errors of the server")
    if found.requests < asked.requests:
        print(
            f"The time was over before {asked.requests:,} requests: give more --seconds, or go on with another --seed."
        )
    return 1 if found.errors or found.requests < asked.requests else 0


if __name__ == "__main__":
    raise SystemExit(main())
