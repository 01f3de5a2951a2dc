"""Pages that are made already: whoever may read is answered before the router is asked, and without a thread.

When many look, most ask for what was made a moment ago for somebody else; to find the route, its parameters and a
thread for it would take longer than all the rest.
"""

from collections.abc import Hashable

from fastapi import Request, Response

from afresh.web.access import access_of
from afresh.web.health import view_of
from afresh.web.problems import Refused


def key_of(request: Request, *more: Hashable) -> Hashable:
    """What a page is kept by: its address, and what else it depends on, which can only be the scope of who asks."""
    return (request.scope["path"], request.scope["query_string"], *more)


def ready(request: Request) -> Response | None:
    """The page that is asked for, if it is one of the judgement that still holds and was made for one with the same
    rights; None if the router has to be asked, which also says so to whom may not read."""
    view = view_of(request)
    found = view.known() if request.method == "GET" else None
    if found is None:
        return None
    try:
        caller = access_of(request).caller(request)
    except Refused:
        return None
    page = view.pages.made(found, key_of(request)) or view.pages.made(found, key_of(request, caller.scope))
    return page if isinstance(page, Response) and caller.may("read") else None
