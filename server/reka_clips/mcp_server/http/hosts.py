"""Checks under which name a request came, and from which web page: a page elsewhere must not reach in.

A page can make its own name resolve to this machine (DNS rebinding); its requests then carry that name.
"""

from __future__ import annotations

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from reka_clips.mcp_server.http.policy import Policy


def security_settings(policy: Policy) -> TransportSecuritySettings:
    """Return the SDK's form of the names and pages that are let in. The check is always on."""
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=list(policy.hosts),
        allowed_origins=list(policy.origins),
    )


class HostGuard:
    """The SDK's check, for every path behind it."""

    def __init__(self, app: ASGIApp, settings: TransportSecuritySettings) -> None:
        self._app = app
        self._check = TransportSecurityMiddleware(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            refusal = await self._check.validate_request(Request(scope, receive), is_post=False)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
