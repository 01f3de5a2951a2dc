"""Errors as `application/problem+json` (RFC 9457): what went wrong, and the way out. Pages get them as pages."""

from collections.abc import Mapping

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


def problem(status: int, detail: str, *, hint: str = "") -> JSONResponse:
    """The answer that says so."""
    body: dict[str, object] = {"type": "about:blank", "title": _TITLES.get(status, "Refused"), "status": status}
    body["detail"] = detail
    if hint:
        body["hint"] = hint
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def translate(app: FastAPI) -> None:
    """Every error of the application becomes a problem; none has a stack or a value in it."""

    @app.exception_handler(Refused)
    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        if error.status == 401 and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/login", status_code=303)
        return problem(error.status, error.detail, hint=error.hint)

    @app.exception_handler(AfreshError)
    def failed(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, AfreshError)
        status = 503 if isinstance(error, CacheError) else 404 if isinstance(error, ConfigurationError) else 409
        return problem(status, error.message, hint=error.hint)

    @app.exception_handler(HTTPException)
    def http(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return problem(error.status_code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        told = [
            f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}"
            for found in jsonable_encoder(error.errors())
        ]
        return problem(422, "; ".join(told))

    @app.exception_handler(Exception)
    def defect(_request: Request, error: Exception) -> JSONResponse:
        return problem(500, f"{type(error).__name__}; see the log of the service")
