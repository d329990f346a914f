"""From what httpx2 raises to the error tree, in plain words and without httpx2's own text.

Only where it is certain that no byte of the request left is it a NotSentError: there a creation may be
sent again.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

import httpx2

from reka_clips.errors import NotSentError, TransportError, UnreadableAnswerError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
    httpx2.InvalidURL,
)
_UNKNOWN_NAME: Final = "its name is not known (is there a network, and is REKA_BASE_URL right?)"
_FOREIGN = (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, TimeoutError, OSError)


@contextmanager
def translated(host: str, proxy: str | None = None) -> Generator[None]:
    """Turn what httpx2 and the system raise inside the block into the error tree.

    host: for the message. proxy: what the connection goes through, as "HOST:PORT (named by HTTPS_PROXY)".
    """
    try:
        yield
    except _FOREIGN as error:
        raise transport_error(error, host, proxy) from None


def transport_error(error: Exception, host: str, proxy: str | None = None) -> TransportError:
    """Return the error of the tree for one that httpx2 or the system raised."""
    if isinstance(error, _NOT_SENT):
        return NotSentError(f"The Clip API at {host} could not be reached{_why(error, proxy)}. Nothing was sent.")
    if isinstance(error, httpx2.DecodingError | httpx2.SSEError):
        return UnreadableAnswerError(f"The answer of the Clip API at {host} cannot be read.")
    if isinstance(error, httpx2.TimeoutException | TimeoutError):
        return TransportError(f"The Clip API at {host} did not answer in time.")
    return TransportError(f"The connection to the Clip API at {host} broke before the answer was complete.")


_PLAIN: tuple[tuple[type[BaseException], str], ...] = (
    (httpx2.PoolTimeout, "too many requests are under way"),
    (httpx2.ProxyError, "the proxy refused the connection"),
    (httpx2.ConnectTimeout, "it does not answer"),
    (httpx2.UnsupportedProtocol, "its address cannot be used (see REKA_BASE_URL)"),
    (httpx2.LocalProtocolError, "its address cannot be used (see REKA_BASE_URL)"),
    (httpx2.InvalidURL, "its address cannot be used (see REKA_BASE_URL)"),
    (
        ssl.SSLCertVerificationError,
        "its certificate is not trusted on this computer (set SSL_CERT_FILE if you have an authority of your own)",
    ),
    (ssl.SSLError, "no secure connection could be made"),
    (socket.gaierror, _UNKNOWN_NAME),
    (ConnectionRefusedError, "nothing listens at that address"),
)


def _why(error: Exception, proxy: str | None) -> str:
    causes = list(_causes(error))
    words = next(
        (words for kind, words in _PLAIN if any(isinstance(cause, kind) for cause in causes)),
        "no connection could be made",
    )
    # Through a proxy the connection is one to the proxy; only its certificate may be the Clip API's.
    if proxy is None or isinstance(error, httpx2.PoolTimeout) or any(isinstance(c, ssl.SSLError) for c in causes):
        return f": {words}"
    reason = "its name is not known" if words == _UNKNOWN_NAME else words
    return f" through the proxy {proxy}: {reason}; check the proxy"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and everything behind it; a connection tried on several addresses has a group of causes."""
    waiting, seen = [error], set[int]()
    while waiting:
        cause = waiting.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [below for below in (cause.__cause__, cause.__context__) if below is not None]
        if isinstance(cause, BaseExceptionGroup):
            waiting += cast("BaseExceptionGroup[BaseException]", cause).exceptions
