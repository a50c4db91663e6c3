"""npm `centrifuge`, the version the client is built with, over all transports in JSON and Protobuf."""

import subprocess
from pathlib import Path

import pytest

from deploy.node import WEB, node_command, npm_environment
from tests.conformance.instances import running

STORY = Path(__file__).parent / "npm" / "transports.test.mjs"
TESTS = 25


def run_story(*addresses: str) -> None:
    run = subprocess.run(
        # Server-sent events are behind a flag in Node; in browsers they are not.
        node_command("--experimental-eventsource", "--test", "--test-reporter=tap", str(STORY)),
        cwd=WEB,
        env={**npm_environment(), "PARLEY_ADDRESSES": ",".join(addresses)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6_000:]
    assert f"# pass {TESTS}\n" in run.stdout
    assert "# skipped 0\n" in run.stdout


@pytest.mark.timeout(120)
def test_the_npm_sdk_speaks_with_the_engine_over_every_transport(tmp_path: Path) -> None:
    with running(tmp_path / "server.log", "--insecure") as address:
        run_story(address)
    assert '"level": "error"' not in (tmp_path / "server.log").read_text()


@pytest.mark.timeout(120)
def test_clients_of_the_npm_sdk_meet_across_two_instances(tmp_path: Path, valkey_url: str) -> None:
    shared = ("--insecure", "--redis", valkey_url, "--database", str(tmp_path / "shared.db"))
    logs = [tmp_path / "one.log", tmp_path / "other.log"]
    with (
        running(logs[0], *shared, "--instance", "npm-one") as one,
        running(logs[1], *shared, "--instance", "npm-other") as other,
    ):
        run_story(one, other)
    assert not [log for log in logs if '"level": "error"' in log.read_text()]
