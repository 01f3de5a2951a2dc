"""Errors as `application/problem+json` (RFC 9457): what went wrong, and the way out. Pages get them as pages."""

from collections.abc import Callable, Mapping

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from afresh.core.errors import AfreshError, CacheError, ConfigurationError

MEDIA_TYPE = "application/problem+json"
_TITLES: Mapping[int, str] = {
    400: "Bad request",
    401: "Who are you?",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Not now",
    421: "Not this server",
    422: "Not understood",
    500: "A defect of Afresh",
    503: "Not available",
}


class Refused(Exception):
    """A request that is not answered as it asks: an HTTP status, why, and the way out."""

    def __init__(self, status: int, detail: str, *, hint: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.hint = hint


def as_json(status: int, detail: str, *, hint: str = "") -> JSONResponse:
    """The answer that says so."""
    body: dict[str, object] = {"type": "about:blank", "title": _TITLES.get(status, "Refused"), "status": status}
    body["detail"] = detail
    if hint:
        body["hint"] = hint
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


Page = Callable[[Request, int, str, str, str], Response]
"""Makes a page of a problem: of its status, its title, what went wrong, and the way out."""


def translate(app: FastAPI, page: Page) -> None:
    """Every error of the application becomes a problem; none has a stack or a value in it. A browser that asks for a
    page gets it as one."""

    def problem(request: Request, status: int, detail: str, hint: str = "") -> Response:
        if _wants_page(request):
            return page(request, status, _TITLES.get(status, "Refused"), detail, hint)
        return as_json(status, detail, hint=hint)

    @app.exception_handler(Refused)
    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        if error.status == 401 and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/login", status_code=303)
        return problem(request, error.status, error.detail, error.hint)

    @app.exception_handler(AfreshError)
    def failed(request: Request, error: Exception) -> Response:
        assert isinstance(error, AfreshError)
        status = 503 if isinstance(error, CacheError) else 404 if isinstance(error, ConfigurationError) else 409
        return problem(request, status, error.message, error.hint)

    @app.exception_handler(HTTPException)
    def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return problem(request, error.status_code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        told = [
            f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}"
            for found in jsonable_encoder(error.errors())
        ]
        return problem(request, 422, "; ".join(told))

    @app.exception_handler(Exception)
    def defect(request: Request, error: Exception) -> Response:
        return problem(request, 500, f"{type(error).__name__}; see the log of the service")


def _wants_page(request: Request) -> bool:
    """Whether a browser asks for something that people look at."""
    path = request.url.path
    file = path.startswith(("/api/", "/static/", "/badge/")) or path.endswith((".json", ".csv"))
    return not file and "text/html" in request.headers.get("accept", "")
