"""A person as others see them: the projection of what the auth service owns."""

import msgspec

from chat_gateway.core.ids import UserId


class Person(msgspec.Struct, frozen=True, kw_only=True):
    id: UserId
    name: str
    picture: str = ""
    disabled: bool = False
