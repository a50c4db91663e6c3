from types import ModuleType

from shared.errors import Conflict, InvalidInput, NotFound, RateLimited
from shared.openapi import raised_in, refused


def kennel() -> ModuleType:
    module = ModuleType("kennel")

    def missing() -> NotFound:
        return NotFound("dog_not_found", "There is no such dog.")

    def too_short(least: int) -> InvalidInput:
        return InvalidInput("too_short", f"Choose {least} or more.")

    def taken(by: str = "somebody") -> Conflict:
        return Conflict("taken", f"It is {by}'s.")

    def unknown(field: str) -> InvalidInput:
        return InvalidInput("never", field)

    def legs() -> int:
        return 4

    for function in (missing, too_short, taken, unknown, legs):
        setattr(module, function.__name__, function)
    return module


def test_refusals_of_a_module_are_those_that_can_be_made() -> None:
    assert raised_in(kennel(), least=8) == {
        "dog_not_found": (404, "There is no such dog."),
        "too_short": (400, "Choose 8 or more."),
        "taken": (409, "It is somebody's."),
    }


def test_response_of_a_status_lists_its_codes_and_their_headers() -> None:
    error = RateLimited("slowly", "Wait.")
    response = refused(429, {"b": (429, "Later."), error.code: (error.status, error.message), "a": (404, "Gone.")})
    assert response["description"] == "One of these codes:\n\n- `b`: Later.\n- `slowly`: Wait."
    assert list(response["headers"]) == ["Retry-After"]
    assert list(response["content"]) == ["application/problem+json"]
    assert list(refused(401, {})["headers"]) == ["WWW-Authenticate"]
    assert refused(404, {})["headers"] == {}
