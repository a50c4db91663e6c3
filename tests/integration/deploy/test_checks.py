import os
import socket
from pathlib import Path

import pytest

from deploy.checks import StartError, check_ports, check_writable, loopback_addresses
from tests.stack import free_ports


@pytest.mark.parametrize("address", loopback_addresses())
def test_a_port_in_use_is_named_with_another_one_to_try(address: str) -> None:
    ports = free_ports()
    check_ports(ports)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as other:
        other.bind((address, ports.gateways[1]))
        other.listen()
        with pytest.raises(StartError) as refusal:
            check_ports(ports)
    assert f"Port {ports.gateways[1]} is in use" in str(refusal.value)
    assert f"make run PORT={ports.front + 20}" in str(refusal.value)


def test_a_connection_that_was_just_closed_is_no_program_in_the_way() -> None:
    ports = free_ports()
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", ports.front))
        server.listen()
        with socket.create_connection(("127.0.0.1", ports.front)):
            accepted, _ = server.accept()
            accepted.close()
    check_ports(ports)


def test_a_folder_that_cannot_be_written_to_is_one_sentence(tmp_path: Path) -> None:
    check_writable(tmp_path)
    tmp_path.chmod(0o555)
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)  # root may write everywhere
    try:
        with pytest.raises(StartError, match=r"cannot be written to \(Permission denied\): clone Parley to a folder"):
            check_writable(tmp_path)
    finally:
        os.seteuid(was)
