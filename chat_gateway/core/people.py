"""A person as others see them: the projection of what the auth service owns; and the words a name is found by."""

import re
import unicodedata

import msgspec

from chat_gateway.core.ids import UserId

MAX_QUERY = 100
MAX_WORDS = 8


class Person(msgspec.Struct, frozen=True, kw_only=True):
    id: UserId
    name: str
    picture: str = ""
    disabled: bool = False

    @property
    def deleted(self) -> bool:
        """Whether the account is gone for good: of such a one auth tells no name, and nobody else is without."""
        return self.disabled and not self.name


def name_words(name: str) -> list[str]:
    """Split a name, or what somebody looks for, into its first words in lower case, each once."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", name).casefold())
    return list(dict.fromkeys(words))[:MAX_WORDS]
