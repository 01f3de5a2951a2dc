"""What the owner of a cache that others cannot open answers them: the log, the actions, the leases."""

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from afresh.caches.remote import answer
from afresh.web.access import Admin
from afresh.web.health import view_of
from afresh.web.problems import Refused

router = APIRouter(prefix="/owner", include_in_schema=False)


@router.post("/{name}")
async def call(request: Request, name: str, _caller: Admin) -> Response:
    """The result of one call, as JSON."""
    body = await request.body()
    cache = view_of(request).service.workplace.cache
    try:
        return Response(await run_in_threadpool(answer, cache, name, body), media_type="application/json")
    except KeyError:
        raise Refused(404, f"{name!r} does not go over") from None
    except (ValueError, TypeError) as error:
        raise Refused(422, f"{name}: the arguments are not understood") from error
