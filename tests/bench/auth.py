"""What a gateway needs of the auth service, without one: public keys, an empty changes feed, and tokens it signed.

Tokens are made as auth makes them (EdDSA), ahead of the measurement, so that the bench measures gateways only.
"""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typing_extensions import override

from shared.tokens import ALGORITHM, AUDIENCE, TOKEN_TYPE

PUBLIC_URL = "http://localhost:8080"
_KEY_ID = "bench"
_LIFE_SECONDS = 3600


@cache
def _key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@cache
def token(user: str) -> str:
    now = int(time.time())
    claims = {
        "iss": PUBLIC_URL,
        "aud": AUDIENCE,
        "sub": user,
        "sid": f"session of {user}",
        "jti": f"token of {user}",
        "iat": now,
        "exp": now + _LIFE_SECONDS,
        "name": user,
        "picture": "",
        "roles": [],
    }
    return jwt.encode(claims, _key(), algorithm=ALGORITHM, headers={"typ": TOKEN_TYPE, "kid": _KEY_ID})


def _key_set() -> dict[str, object]:
    x = base64.urlsafe_b64encode(_key().public_key().public_bytes_raw()).rstrip(b"=").decode()
    return {"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": ALGORITHM, "kid": _KEY_ID, "x": x}]}


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_keys = self.path.startswith("/.well-known/jwks.json")
        body = json.dumps(_key_set() if is_keys else {"changes": [], "next": 0, "more": False}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def auth_stub() -> Iterator[str]:
    """Answer like auth on a free port; gives the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
