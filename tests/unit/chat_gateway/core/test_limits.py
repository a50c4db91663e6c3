import msgspec
import pytest

from chat_gateway.core.limits import DEFAULTS, ChatLimits


def test_the_limits_are_those_of_the_design() -> None:
    assert ChatLimits() == DEFAULTS
    assert msgspec.structs.astuple(DEFAULTS) == (8_000, 32 << 10, 1_000)


def test_nobody_changes_a_limit_under_way() -> None:
    with pytest.raises(AttributeError):
        DEFAULTS.text_bytes = 1  # type: ignore[misc]
