import itertools

from auth_service.bus.throttle import RedisThrottle
from auth_service.core import ports
from auth_service.core.ports import Randomness
from auth_service.crypto.keys import KeyRing
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.store.database import Database


def test_adapters_fit_their_ports_as_the_type_checker_sees_it() -> None:
    # The annotations are the test: mypy refuses an adapter that lacks a method or has another signature.
    adapters: tuple[
        type[ports.Store], type[ports.Passwords], type[ports.SigningKeys], type[ports.ChangesFeed], type[ports.Throttle]
    ]
    adapters = (Database, ArgonPasswords, KeyRing, Database, RedisThrottle)
    assert len(adapters) == 5


def test_randomness_is_an_argument() -> None:
    counter = itertools.count()
    randomness = Randomness(lambda size: b"x" * size, lambda: str(next(counter)))
    assert (randomness.token_bytes(2), randomness.new_id(), randomness.new_id()) == (b"xx", "0", "1")
