"""What the OpenAPI documents of both services share: references, and the refusals of a status with their sentences."""

import inspect
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from shared.errors import AppError

REFERENCE = "#/components/schemas/{name}"
PROBLEM = {"$ref": REFERENCE.format(name="Problem")}

Refusals = Mapping[str, tuple[int, str]]
"""Status and sentence by code."""

_RETRY = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
_HEADERS: Mapping[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}, "description": "Asks for Bearer."}},
    429: _RETRY,
    503: _RETRY,
}


def raised_in(module: ModuleType, **values: object) -> dict[str, tuple[int, str]]:
    """The refusals that functions of the module make, those that need no more than the values or have defaults."""
    made = [_made(function, values) for _, function in inspect.getmembers(module, inspect.isfunction)]
    return {error.code: (error.status, error.message) for error in made if error is not None}


def refused(status: int, refusals: Refusals) -> dict[str, Any]:
    """One response for all refusals of a status."""
    lines = [f"- `{code}`: {sentence}" for code, (own, sentence) in sorted(refusals.items()) if own == status]
    return {
        "description": "\n".join(["One of these codes:", "", *lines]),
        "headers": _HEADERS.get(status, {}),
        "content": {"application/problem+json": {"schema": PROBLEM}},
    }


def _made(function: Any, values: Mapping[str, object]) -> AppError | None:  # noqa: ANN401 - any function of the module
    parameters = inspect.signature(function).parameters.values()
    if any(one.name not in values and one.default is one.empty for one in parameters):
        return None
    made = function(**{one.name: values[one.name] for one in parameters if one.name in values})
    return made if isinstance(made, AppError) else None
