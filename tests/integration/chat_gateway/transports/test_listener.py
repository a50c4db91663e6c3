import errno
import socket

import pytest

from chat_gateway.transports.listener import bound_socket


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_accepted_connections_inherit_the_bound(host: str) -> None:
    with bound_socket(host, 0, send_buffer_bytes=64 * 1024) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()[:2]), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 64 * 1024  # as the kernel counts


def test_taken_port_is_told() -> None:
    with bound_socket("127.0.0.1", 0) as first:
        first.listen()
        with pytest.raises(OSError, match="in use") as caught:
            bound_socket("127.0.0.1", first.getsockname()[1])
    assert caught.value.errno == errno.EADDRINUSE
