"""Faults for tests: a TCP proxy that cuts, swallows, stalls and slows what passes through it.

A test points its client at the proxy's port and the proxy at the real server, then breaks the link on purpose.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Self

_CHUNK_BYTES = 64 * 1024
_STOP_SECONDS = 5


async def eventually(condition: Callable[[], object], *, seconds: float = 10.0) -> None:
    """Wait for what announces itself to nobody: a dead route, a metric, the peer's view."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 -- there is nothing to wait on
            await asyncio.sleep(0.002)


def free_port() -> int:
    """Name a port nobody listens on just now, for a server that must come back under the same one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class TcpProxy:
    """Made by `tcp_proxy`; passes everything until told otherwise. `heal` ends every fault."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.port = 0
        self.connections_made = 0
        self.connections_refused = 0
        self._delay_seconds = 0.0
        self._refuses = False
        self._swallows = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._lost: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def open_connections(self) -> int:
        """How many clients are connected now."""
        return len(self._writers) // 2

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._refuses = True
        self._reset(self._writers)

    def half_open(self) -> None:
        """Swallow every byte, of new connections as well, while all of them stay open: what a dead route looks like."""
        self._swallows = True
        self._lost |= self._writers

    def stall(self) -> None:
        """Hold every byte back; the peers' buffers fill up. After `heal` nothing is missing."""
        self._flows.clear()

    def slow(self, seconds: float) -> None:
        """Let each chunk wait that long, in each direction."""
        self._delay_seconds = seconds

    def heal(self) -> None:
        self._refuses = self._swallows = False
        self._delay_seconds = 0.0
        self._flows.set()
        # A stream with a hole in it cannot go on: its peers must connect again.
        self._reset(self._lost)
        self._lost.clear()

    async def start(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        assert self._server is not None
        self._refuses = True  # one that was accepted just now has no task yet
        self._server.close()
        for task in self._tasks:
            task.cancel()
        async with asyncio.timeout(_STOP_SECONDS):
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._reset(self._writers)
            await self._server.wait_closed()

    async def _accept(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._refuses:
            self.connections_refused += 1
            client.transport.abort()
            return
        self.connections_made += 1
        # A cancelled handler is how the proxy stops; asyncio's server would log it.
        with suppress(OSError, asyncio.CancelledError):
            server_reader, server = await asyncio.open_connection(*self.target)
            await self._relay((client_reader, client), (server_reader, server))

    async def _relay(
        self,
        one: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        other: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        pair = {one[1], other[1]}
        self._writers |= pair
        if self._swallows:
            self._lost |= pair
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(one[0], other[1]))
                tasks.create_task(self._pump(other[0], one[1]))
        except* OSError:
            pass
        finally:
            self._reset(pair)
            self._writers -= pair
            self._lost -= pair

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK_BYTES):
            await self._flows.wait()
            if self._delay_seconds:
                await asyncio.sleep(self._delay_seconds)
            if writer not in self._lost:
                writer.write(data)
                await writer.drain()
        if writer not in self._lost:
            raise ConnectionResetError("The peer has closed.")

    @staticmethod
    def _reset(writers: set[asyncio.StreamWriter]) -> None:
        for writer in writers:
            writer.transport.abort()


@asynccontextmanager
async def tcp_proxy(host: str, port: int) -> AsyncIterator[TcpProxy]:
    proxy = await TcpProxy(host, port).start()
    try:
        yield proxy
    finally:
        await proxy.stop()
