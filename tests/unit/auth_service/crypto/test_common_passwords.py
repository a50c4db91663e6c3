import subprocess
import sys

import pytest

from auth_service.crypto.common_passwords import common_passwords, is_common


def test_list_has_more_than_20_000_passwords() -> None:
    assert len(common_passwords()) > 20_000


@pytest.mark.parametrize("word", ["password", "12345678", "qwertyuiop", "iloveyou", "trustno1"])
def test_what_everybody_uses_is_common(word: str) -> None:
    assert is_common(word)


@pytest.mark.parametrize("word", ["correct horse", "", "Password", "kaputte Gitarre im Mai"])
def test_other_words_are_not(word: str) -> None:
    assert not is_common(word)


def test_list_is_loaded_when_it_is_first_asked_for_and_brings_nothing_else() -> None:
    code = (
        "import sys; from auth_service.crypto import common_passwords as c; "
        "assert not c.common_passwords.cache_info().currsize; c.is_common('x'); c.is_common('y'); "
        "assert c.common_passwords.cache_info().misses == 1; assert 'zxcvbn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
