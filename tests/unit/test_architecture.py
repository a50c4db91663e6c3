"""Rules of the layout that no linter knows: modules have tests, codes have numbers, files are short."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat_gateway.protocol import codes

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("shared", "auth_service", "chat_gateway")
HARD_LIMIT = 300

# Types and ports without a decision of their own: whoever uses them tests them.
WITHOUT_TESTS = {
    "auth_service/core/auth.py",
    "auth_service/core/changes.py",
    "auth_service/core/errors.py",
    "auth_service/core/ports.py",
    "chat_gateway/core/changes.py",
    "chat_gateway/core/chat.py",
    "chat_gateway/core/errors.py",
    "chat_gateway/core/people.py",
    "chat_gateway/core/ports.py",
    "chat_gateway/protocol/codec.py",
    "chat_gateway/protocol/frames.py",
    "chat_gateway/realtime/context.py",
    "chat_gateway/realtime/limits.py",
    "chat_gateway/realtime/link.py",
    "chat_gateway/realtime/ports.py",
    "chat_gateway/realtime/publication.py",
}
# The two appenders, and what one of them is made of, are held by one contract suite; tables by the migrations.
HELD_BY = {
    "chat_gateway/store/append_sqlite.py": "test_append.py",
    "chat_gateway/store/effects_sqlite.py": "test_effects.py",
    "chat_gateway/store/facts_sqlite.py": "test_facts.py",
    "chat_gateway/store/ledger_sqlite.py": "test_append.py",
    "chat_gateway/store/posts_postgres.py": "test_posts.py",
    "chat_gateway/store/posts_sqlite.py": "test_posts.py",
    "chat_gateway/store/tables.py": "test_migrate.py",
}
# These end in a closed socket or an HTTP status, never in a protocol error with a number.
WITHOUT_NUMBER = {
    "body_too_large",
    "invalid_token",
    "origin_not_allowed",
    "overloaded",
    "session_not_found",
    "upgrade_required",
    "keys_unavailable",
}
# Of API keys: they have no realtime connection, or stand on the command line.
WITHOUT_NUMBER |= {"outside_scope", "key_not_found"}


def _modules() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if not {"migrations", "web", "node_modules"} & set(path.parts) and path.name != "__init__.py":
                yield path.relative_to(ROOT)


MODULES = list(_modules())


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_its_test_module(module: Path) -> None:
    if str(module) in WITHOUT_TESTS:
        return
    name = HELD_BY.get(str(module), f"test_{module.stem.strip('_')}.py")
    places = [ROOT / "tests" / level / module.parent / name for level in ("unit", "integration", "e2e")]
    assert any(place.exists() for place in places), f"no {name} for {module}"


def test_the_exceptions_are_still_there() -> None:
    assert {str(module) for module in MODULES} >= WITHOUT_TESTS | HELD_BY.keys()


SCRIPTS_AND_TESTS = [
    p.relative_to(ROOT) for folder in ("deploy", "tests") for p in sorted((ROOT / folder).rglob("*.py"))
]


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS_AND_TESTS], ids=str)
def test_no_file_is_longer_than_the_hard_limit(path: Path) -> None:
    assert len((ROOT / path).read_text().splitlines()) <= HARD_LIMIT


def raised_codes() -> set[str]:
    """Collect the first argument of every error family's call in the gateway."""
    families = {"InvalidInput", "Unauthenticated", "Forbidden", "NotFound", "Conflict", "TooLarge", "RateLimited"}
    families |= {"Unavailable", "UpgradeRequired"}
    found = set()
    for module in MODULES:
        if module.parts[0] != "chat_gateway":
            continue
        for node in ast.walk(ast.parse((ROOT / module).read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in families
                and node.args
            ):
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    found.add(str(code.value))
    return found


def test_every_refusal_of_the_gateway_has_its_own_number() -> None:
    listed = {error.code for error in codes.PROTOCOL_ERRORS} | codes.APPLICATION_ERRORS.keys()
    listed |= {"store_unavailable", "unavailable"}
    assert raised_codes() - WITHOUT_NUMBER <= listed


def test_every_number_is_of_a_refusal_that_exists() -> None:
    assert codes.APPLICATION_ERRORS.keys() <= raised_codes()


def test_numbers_are_unique_and_in_the_range_of_applications() -> None:
    numbers = list(codes.APPLICATION_ERRORS.values())
    assert len(set(numbers)) == len(numbers)
    assert all(400 <= number < 2000 for number in numbers)


def test_the_verbs_of_the_readme_are_the_verbs_there_are() -> None:
    from chat_gateway.api.verbs import VERBS  # noqa: PLC0415 - the other tests here need no code of ours

    listed = re.search(r"The verbs: (.*?)\. A `client_id`", (ROOT / "README.md").read_text(), re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"`([a-z._]+)`", listed.group(1))) == VERBS.keys()
