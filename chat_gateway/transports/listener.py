"""The gateway's public socket: what a client that does not read can make the kernel hold for it is bounded here.

Without a bound the kernel grows a send buffer to 4 MB before the first byte stays in our hands. Accepted connections
inherit the listener's setting, so it costs nothing a connection.
"""

import socket

SEND_BUFFER_BYTES = 128 * 1024


def bound_socket(host: str, port: int, *, send_buffer_bytes: int = SEND_BUFFER_BYTES) -> socket.socket:
    """A socket for `web.SockSite`, bound to an address and not listening yet. Raises OSError."""
    is_six = ":" in host
    listener = socket.socket(socket.AF_INET6 if is_six else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_six:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # The kernel doubles the number for its own bookkeeping.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes // 2)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
