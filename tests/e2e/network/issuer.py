"""A small OAuth issuer: metadata, keys and signed tokens, over HTTP on loopback."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from e2e.network.conftest import on_loopback

AUDIENCE = "https://clips.example/mcp"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def new_key(kind: str = "RSA") -> Key:
    if kind == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


class Issuer:
    """Signs tokens under the ids of its keys. `url` is its issuer name, once it listens."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: dict[str, Key] = {"first": new_key()}
        self.fetches: list[str] = []
        self.is_down = False
        self.metadata_changes: dict[str, Any] = {}
        self.key_changes: dict[str, dict[str, Any]] = {}

    def token(self, *, key_id: str | None = "first", key: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
        """Return a good token, but for what is given; a claim of None is left out."""
        now = int(time.time())
        told = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ada",
            "client_id": "agent",
            "scope": "clips",
            "iat": now,
            "exp": now + 300,
        } | claims
        told = {name: value for name, value in told.items() if value is not None}
        headers = {} if key_id is None else {"kid": key_id}
        return jwt.encode(told, key or self.keys[key_id or "first"], algorithm=algorithm, headers=headers)

    def jwks(self) -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        for key_id, key in self.keys.items():
            algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
            public: Any = key.public_key()
            found.append(
                json.loads(algorithm.to_jwk(public)) | {"kid": key_id, "use": "sig"} | self.key_changes.get(key_id, {})
            )
        return {"keys": found}

    async def answer(self, request: Request) -> Response:
        self.fetches.append(request.url.path)
        if self.is_down:
            return JSONResponse({}, status_code=503)
        if request.url.path == "/keys":
            return JSONResponse(self.jwks())
        if request.url.path == "/.well-known/openid-configuration":
            return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/keys"} | self.metadata_changes)
        return JSONResponse({}, status_code=404)


@asynccontextmanager
async def an_issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    async with on_loopback(Starlette(routes=[Route("/{path:path}", issuer.answer)])) as url:
        issuer.url = url
        yield issuer
