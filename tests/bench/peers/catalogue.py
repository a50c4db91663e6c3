"""All that Parley is measured against, in the order of the table: the two limits, then the peers."""

from collections.abc import Sequence
from functools import partial

from tests.bench.peers.centrifugo import Centrifugo
from tests.bench.peers.installed import limit, native_node, node, python
from tests.bench.peers.peer import Peer
from tests.bench.servers import Server

C_SEND = Peer("C, one send a message", partial(limit, "send"))
C_COALESCED = Peer("C, coalesced", partial(limit, "coalesced"))
UWS = Peer("uWebSockets.js", partial(native_node, "serve_uws.mjs"))
CENTRIFUGO = Centrifugo()
NODE_WS = Peer("Node ws", partial(node, "serve_ws.mjs"))
AIOHTTP = Peer("aiohttp", partial(python, "serve_aiohttp.py"))
SOCKET_IO = Peer("socket.io, Redis", partial(node, "serve_socketio.mjs"), dialect="socketio", redis=True)
TORNADO = Peer("Tornado", partial(python, "serve_tornado.py"))
PYTHON_SOCKETIO = Peer("python-socketio, Redis", partial(python, "serve_socketio.py"), dialect="socketio", redis=True)
CHANNELS_PUBSUB = Peer(
    "Channels, Redis pubsub", partial(python, "serve_channels.py"), redis=True, arguments=("pubsub",)
)
CHANNELS = Peer("Channels, Redis", partial(python, "serve_channels.py"), redis=True, arguments=("core",))

PEERS: Sequence[Server] = (
    C_SEND,
    C_COALESCED,
    UWS,
    CENTRIFUGO,
    NODE_WS,
    AIOHTTP,
    SOCKET_IO,
    TORNADO,
    PYTHON_SOCKETIO,
    CHANNELS_PUBSUB,
    CHANNELS,
)
