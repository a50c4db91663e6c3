"""The transport against Autobahn's cases, with kosoku as the fuzzing client; 9.* measure, 12.* and 13.* compress."""

from collections import Counter

import kosoku
import pytest
from typing_extensions import override

from chat_gateway.realtime.link import Link
from chat_gateway.transports import websocket, ws_parser
from chat_gateway.transports.websocket_link import WebSocketLink
from tests.integration.chat_gateway.transports.wire import Recorder, Server


class EchoLink(WebSocketLink):
    """Answers in kind, binary with binary, which no session of ours does."""

    __slots__ = ()

    @override
    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode in (ws_parser.TEXT, ws_parser.BINARY):
            self.write(ws_parser.encode(opcode, payload))
        else:
            super()._take(opcode, payload)


async def test_autobahn_finds_no_failure(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "WebSocketLink", EchoLink)
    server.accept = silent
    results = await kosoku.run_fuzzingclient(
        f"ws://127.0.0.1:{server.port}/ws", exclude_cases=["9.*", "12.*", "13.*"], concurrency=4
    )
    verdicts = Counter(result.behavior.value for result in results)
    assert verdicts["OK"] >= 242
    assert verdicts["NON-STRICT"] <= 2  # 6.4.3 and 6.4.4: a bad character inside one frame is found at the frame's end
    assert verdicts.total() == 247


def silent(link: Link) -> Recorder:
    return Recorder(link)
