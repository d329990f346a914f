"""Who may come in and what they may use, decided once at the start. Pure: settings and an address in, rules out."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from reka_clips.mcp_server.context import Access
from reka_clips.settings import Settings
from reka_clips.variables import is_loopback
from reka_clips.web.hosts import LOOPBACK_NAMES

MCP_PATH: Final = "/mcp"

_GUARD_VARIABLES: Final = (
    "REKA_CLIPS_AUTH_TOKEN",
    "REKA_CLIPS_OAUTH_",
    "REKA_CLIPS_PUBLIC_URL",
    "REKA_CLIPS_SECRET",
)
_SHORT_TOKEN_CHARACTERS: Final = 16
_OPEN_LOOPBACK: Final = (
    "every user of this computer can call this server, so it reads no file:// sources and saves no clips. For both, "
    "set REKA_CLIPS_AUTH_TOKEN, or start it with --trust-local-users if nobody else uses this computer"
)


@dataclass(frozen=True, slots=True)
class ExposurePolicy:
    """The rules of one HTTP server.

    exposed: others than this machine's users may reach it. guarded: a token is asked for.
    hosts, origins: values of the Host and Origin header that are let in; `name:*` is any port.
    refusal: why it must not start, or None. notices: what the operator should know, one sentence each.
    """

    exposed: bool
    guarded: bool
    access: Access
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    refusal: str | None
    notices: tuple[str, ...]


def policy_for(settings: Settings, *, host: str | None) -> ExposurePolicy:
    """Return the rules for a server that listens on `host`; None: on an address this process does not know.

    Files of this machine are only for callers who are known to be its operator: with the token on loopback, or where
    the operator trusts all its users. Every user of a machine reaches its loopback addresses.
    """
    exposed = host is None or not is_loopback(host) or bool(settings.public_url or settings.allowed_hosts)
    guarded = settings.auth_token is not None or settings.oauth_issuer is not None
    own_key = (not exposed or guarded) if settings.share_key is None else settings.share_key
    engine = not exposed if settings.share_engine is None else settings.share_engine
    return ExposurePolicy(
        exposed=exposed,
        guarded=guarded,
        access=Access(
            own_key=own_key,
            engine=engine,
            files=not exposed and (guarded or settings.trust_local_users),
            no_files=Access().no_files if exposed else _OPEN_LOOPBACK,
        ),
        hosts=_hosts(settings, host),
        origins=_origins(settings, exposed=exposed),
        refusal=_refusal(settings, exposed=exposed, guarded=guarded),
        notices=_notices(settings, host, exposed=exposed, guarded=guarded, own_key=own_key, engine=engine),
    )


def resource_url(settings: Settings) -> str | None:
    """Return the address under which OAuth knows this server: that of /mcp, or None where no public one is set."""
    return None if settings.public_url is None else settings.public_url + MCP_PATH


def _refusal(settings: Settings, *, exposed: bool, guarded: bool) -> str | None:
    problem = settings.problem_with(*_GUARD_VARIABLES)
    if problem is not None:
        return f"{problem} Nothing is served over the network until this is fixed."
    if settings.oauth_issuer is not None and settings.public_url is None:
        return (
            "REKA_CLIPS_OAUTH_ISSUER needs REKA_CLIPS_PUBLIC_URL, too: the address under which clients reach this "
            "server, such as https://clips.example."
        )
    if exposed and not guarded and not settings.allow_unauthenticated:
        return (
            "Others could reach this server without authentication. Set REKA_CLIPS_AUTH_TOKEN to a long random word "
            "(or REKA_CLIPS_OAUTH_ISSUER to your identity provider), or listen on 127.0.0.1 only. "
            "If something else authenticates callers, start it with --allow-unauthenticated."
        )
    return None


def _notices(
    settings: Settings, host: str | None, *, exposed: bool, guarded: bool, own_key: bool, engine: bool
) -> tuple[str, ...]:
    notices: list[str] = []
    token = settings.auth_token
    if token is not None and len(token) < _SHORT_TOKEN_CHARACTERS:
        notices.append("REKA_CLIPS_AUTH_TOKEN is short enough to be guessed: use 32 random characters or more.")
    if not exposed:
        if not guarded and not settings.trust_local_users:
            notices.append(f"{_OPEN_LOOPBACK[0].upper()}{_OPEN_LOOPBACK[1:]}.")
        return tuple(notices)
    if host is not None and not (settings.public_url or settings.allowed_hosts):
        notices.append(
            "Requests are answered only under the names "
            + ", ".join(sorted({name.removesuffix(":*") for name in _hosts(settings, host)}))
            + ". Name others in REKA_CLIPS_PUBLIC_URL or REKA_CLIPS_ALLOWED_HOSTS."
        )
    if settings.api_key is None and not engine:
        notices.append(
            "Callers need a Reka API key of their own (header X-Reka-API-Key). To let them use this computer's clip "
            "engine, set REKA_CLIPS_SHARE_ENGINE=1."
        )
    elif settings.api_key is not None and not own_key:
        notices.append("Callers need a Reka API key of their own (header X-Reka-API-Key): REKA_API_KEY is not shared.")
    if settings.secret is None and engine:
        notices.append(
            "Links to clips end with this process: set REKA_CLIPS_SECRET to a long random word to keep them."
        )
    return tuple(notices)


def _hosts(settings: Settings, host: str | None) -> tuple[str, ...]:
    names = [*LOOPBACK_NAMES, *settings.allowed_hosts]
    if host is not None and not is_loopback(host):
        names.append(socket.gethostname())
        if host not in ("", "0.0.0.0", "::"):  # noqa: S104 - compared with, not bound to
            names.append(f"[{host}]" if ":" in host else host)
    if settings.public_url is not None:
        names.append(urlsplit(settings.public_url).netloc)
    # A name without a port stands for itself, with none or with any.
    return tuple(
        dict.fromkeys(form for name in names for form in ((name,) if _has_port(name) else (name, f"{name}:*")))
    )


def _origins(settings: Settings, *, exposed: bool) -> tuple[str, ...]:
    origins = list(settings.allowed_origins)
    if settings.public_url is not None:
        parts = urlsplit(settings.public_url)
        origins.append(f"{parts.scheme}://{parts.netloc}")
    if not exposed:
        origins += [f"http://{name}{port}" for name in LOOPBACK_NAMES for port in ("", ":*")]
    return tuple(dict.fromkeys(origins))


def _has_port(name: str) -> bool:
    return ":" in name.rpartition("]")[2]
