from auth_service.api.bodies import EditBody, TokenBody
from auth_service.api.operations import OPERATIONS, Authority, Operation


def an_operation(
    method: str, authority: Authority, *, takes: type | None = None, answers: type | None = None
) -> Operation:
    return Operation(
        id="x", method=method, path="/x", summary="X", authority=authority, takes=takes, answers=answers, codes=("own",)
    )


def test_operations_differ() -> None:
    assert len({one.id for one in OPERATIONS}) == len(OPERATIONS)
    assert len({(one.method, one.path) for one in OPERATIONS}) == len(OPERATIONS)


def test_foreign_pages_are_refused_where_the_browser_alone_would_stand_for_the_caller() -> None:
    assert not an_operation("GET", "none").is_guarded
    assert not an_operation("POST", "bearer").is_guarded
    for authority in ("none", "cookie", "cookie or bearer"):
        assert an_operation("POST", authority).is_guarded


def test_refusals_follow_from_what_an_operation_is() -> None:
    plain = an_operation("GET", "none").refusals
    assert plain == {"own", "internal", "invalid_request", "store_unavailable", "unsupported_encoding"}
    assert an_operation("POST", "none").refusals - plain == {"foreign_origin"}
    takes = an_operation("GET", "none", takes=EditBody).refusals
    assert takes - plain == {"body_too_large", "unsupported_media_type"}
    bearer = {"invalid_token", "token_expired", "session_expired", "keys_unreadable"}
    assert an_operation("GET", "bearer").refusals - plain == bearer
    assert an_operation("GET", "none", answers=TokenBody).refusals - plain == {"keys_unreadable"}
