"""MONAI Label's own routes, with our manners.

Each is declared again from the stock one, with these differences: it runs in a worker thread (the stock ones do
blocking work on the event loop); who may call it is told by :mod:`~monailabel_app.web.people`; ids and tags have a
form; what the path names cannot be named otherwise by the body.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Collection
from typing import Annotated, Any

import torch
from fastapi import APIRouter, Depends, Path, Query
from fastapi.routing import APIRoute
from monailabel.endpoints.user.auth import RBAC, User
from monailabel.interfaces.utils.app import app_instance

from monailabel_app.guard.identity import ROLES, Person
from monailabel_app.guard.names import PATTERNS
from monailabel_app.guard.objects import check_object, parse_object
from monailabel_app.web.people import require
from prsmed.errors import PRSMedError

# JSON objects that stock clients send as text.
_JSON_FIELDS = ("params", "info")
# What a body may not say: what the path says, and what would let a client choose code for a child process.
_NOT_IN_BODY = frozenset({"bundle_path", "image", "method", "model", "run_sync", "strategy"})

# MONAI Label's batches divide by the number of GPUs.
_ON_CPU = {"device": "cpu", "multi_gpu": False}


def guarded(stock: APIRouter, without: Collection[tuple[str, str]] = ()) -> APIRouter:
    """A stock router with our manners.

    Args:
        stock: MONAI Label's.
        without: ``(method, path)`` of routes to leave out.
    """
    router = APIRouter()
    for route in stock.routes:
        assert isinstance(route, APIRoute)
        methods = [method for method in route.methods if (method, route.path) not in without]
        if not methods:
            continue
        router.add_api_route(
            route.path,
            _in_thread(route.endpoint, route.path),
            methods=methods,
            tags=route.tags,
            summary=route.summary,
            include_in_schema=route.include_in_schema,
            deprecated=route.deprecated,
            response_model=None,
        )
    return router


def check_known(path: str, values: dict[str, Any]) -> None:
    """Refuse tasks that do not exist, for which MONAI Label would start a process.

    Raises:
        PRSMedError: ``unknown_model``, ``unknown_strategy`` or ``unknown_method``.
    """
    app = app_instance()
    for prefix, parameter, kind, known in (
        ("/batch/", "model", "model", app._infers),
        ("/activelearning/", "strategy", "strategy", app._strategies),
        ("/scoring/", "method", "method", app._scoring_methods),
    ):
        name = values.get(parameter)
        if path.startswith(prefix) and name is not None and name not in known:
            names = ", ".join(known) or "none"
            raise PRSMedError(f"unknown_{kind}", f"there is no {kind} {name!r}; there is {names}")


def _in_thread(endpoint: Callable[..., Any], path: str) -> Callable[..., Any]:
    # FastAPI runs what is no coroutine function in a worker thread; a loop there does the stock one's waiting.
    def call(**values: Any) -> Any:
        check_known(path, values)
        for name in _JSON_FIELDS:
            if isinstance(values.get(name), str):
                parse_object(values[name], name)
            elif isinstance(values.get(name), dict):
                kept = {key: value for key, value in values[name].items() if key not in _NOT_IN_BODY}
                values[name] = check_object(kept, name)
        if path.startswith("/batch/") and "params" in values and not torch.cuda.is_available():
            values["params"] = {**(values["params"] or {}), **_ON_CPU}
        if isinstance(values.get("user"), Person):
            values["user"] = User(username=values["user"].name)
        return asyncio.run(endpoint(**values))

    signature = inspect.signature(endpoint)
    parameters = [_guard(parameter, path) for parameter in signature.parameters.values()]
    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    call.__name__ = endpoint.__name__
    return call


def _guard(parameter: inspect.Parameter, path: str) -> inspect.Parameter:
    parameter = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
    role = getattr(parameter.default, "dependency", None)
    if isinstance(role, RBAC):
        return parameter.replace(default=Depends(require(_short(role.roles))))
    pattern = PATTERNS.get(parameter.name)
    if pattern is None or parameter.annotation not in (str, str | None):
        return parameter
    place = Path if f"{{{parameter.name}}}" in path else Query
    return parameter.replace(annotation=Annotated[parameter.annotation, place(pattern=pattern)])


def _short(role: Any) -> str:
    return next(short for short, long in ROLES.items() if long == role)
