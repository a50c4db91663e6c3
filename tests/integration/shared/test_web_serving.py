import asyncio
import errno
import signal
import socket

import pytest
from aiohttp import ClientSession, web

from shared.settings import SettingsError
from shared.web import Site, StartError, application, bind, open_socket, run, serve, stop_signal
from tests.faults import free_port


async def _is_closed(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.close()
    await writer.wait_closed()
    return False


async def test_served_until_stopped_and_requests_in_flight_end() -> None:
    entered, leave, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        entered.set()
        await leave.wait()
        return web.Response(text="done")

    app, ops = application(trusted=()), web.Application()
    app.router.add_get("/slow", slow)
    port, ops_port = free_port(), free_port()
    serving = asyncio.create_task(serve(app, ops, hosts=["127.0.0.1"], port=port, ops_port=ops_port, stop=stop))
    async with asyncio.timeout(30), ClientSession() as session:
        while await _is_closed(port):
            assert not serving.done()
        answer = asyncio.create_task(session.get(f"http://127.0.0.1:{port}/slow"))
        await entered.wait()
        stop.set()
        while not await _is_closed(port):
            assert not serving.done()
        assert not serving.done()
        leave.set()
        assert await (await answer).text() == "done"
    await serving
    assert await _is_closed(ops_port)


async def test_free_port_is_found_and_told() -> None:
    site = Site(web.Application())
    await site.start()
    sockets = bind(["127.0.0.1"], 0)
    port = sockets[0].getsockname()[1]
    await site.listen(sockets)
    assert not await _is_closed(port)
    await site.stop_listening()
    assert await _is_closed(port)
    await site.close()


async def test_site_that_never_started_stops_too() -> None:
    site = Site(web.Application())
    await site.stop_listening()
    await site.close()


@pytest.mark.parametrize(
    ("number", "part"),
    [
        (errno.EADDRINUSE, "is taken by another program"),
        (errno.EACCES, "Choose one above 1023"),
        (errno.EADDRNOTAVAIL, "Check LISTEN_HOST"),
    ],
)
def test_port_that_cannot_be_had_is_a_sentence_and_frees_the_others(number: int, part: str) -> None:
    opened: list[socket.socket] = []

    def open_once(host: str, port: int) -> socket.socket:
        if opened:
            raise OSError(number, "refused")
        opened.append(open_socket(host, port))
        return opened[0]

    with pytest.raises(StartError, match=part):
        bind(["127.0.0.1", "127.0.0.2"], 0, open_once)
    assert opened[0].fileno() == -1


async def test_port_that_is_taken_is_a_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=f"Port {port} on 127.0.0.1 is taken"):
            await serve(web.Application(), web.Application(), hosts=["127.0.0.1"], port=0, ops_port=port)


async def test_sigterm_and_sigint_set_the_event() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        stop = stop_signal()
        signal.raise_signal(number)
        async with asyncio.timeout(5):
            await stop.wait()
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(each)


@pytest.mark.parametrize("error", [SettingsError("Set A."), StartError("Port taken.")])
def test_program_that_cannot_start_says_one_sentence(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        raise error

    assert run(main()) == 1
    assert capsys.readouterr().err == f"{error}\n"


def test_program_that_ends_well_ends_with_0() -> None:
    async def main() -> None:
        await asyncio.sleep(0)

    assert run(main()) == 0
