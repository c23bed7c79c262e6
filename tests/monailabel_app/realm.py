"""A small OpenID Connect realm: signs tokens as Keycloak would, over real HTTP."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

AUDIENCE = "monailabel-app"
PASSWORD = "correct horse"


class Realm:
    """What it knows: a key, its own address, one user with a password."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.uri = ""

    @property
    def public_pem(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Claims of a good token of an annotator; ``None`` takes one out."""
        claims = {
            "iss": self.uri,
            "aud": AUDIENCE,
            "exp": time.time() + 300,
            "preferred_username": "alice",
            "realm_access": {"roles": ["monailabel-annotator"]},
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key: Any = None, algorithm: str = "RS256", kid: str = "k1", **changed: Any) -> str:
        return jwt.encode(self.claims(**changed), key or self.key, algorithm, headers={"kid": kid})

    def document(self, path: str) -> dict[str, Any]:
        if path.endswith("openid-configuration"):
            return {"jwks_uri": f"{self.uri}/certs", "token_endpoint": f"{self.uri}/token"}
        return {"keys": [{**RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True), "kid": "k1", "use": "sig"}]}


def unsigned(claims: dict[str, Any]) -> str:
    """A token with the algorithm "none"."""
    parts = ({"alg": "none", "kid": "k1", "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


@contextmanager
def running_realm() -> Iterator[Realm]:
    realm = Realm()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(200, realm.document(self.path))

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            if form["password"] == [PASSWORD]:
                self.reply(200, {"access_token": realm.token(), "token_type": "Bearer", "refresh_token": "r"})
            else:
                self.reply(401, {"error": "invalid_grant"})

        def reply(self, status: int, content: dict[str, Any]) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    realm.uri = f"http://127.0.0.1:{server.server_port}/realms/test"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield realm
    finally:
        server.shutdown()
        server.server_close()
