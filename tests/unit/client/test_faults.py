"""What went wrong below HTTP, in plain words; and whether it is certain that nothing was sent."""

from __future__ import annotations

import socket
import ssl

import httpx2
import pytest

from reka_clips.client.transport_errors import translated, transport_error
from reka_clips.errors import NotSentError, RekaClipsError, TransportError, UnreadableAnswerError

HOST = "vision-agent.api.reka.ai"


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (caused(httpx2.ConnectError("x"), ConnectionRefusedError()), "nothing listens at that address"),
        (caused(httpx2.ConnectError("x"), socket.gaierror()), "its name is not known"),
        (caused(httpx2.ConnectError("x"), ssl.SSLCertVerificationError()), "certificate is not trusted"),
        (
            caused(httpx2.ConnectError("x"), ExceptionGroup("all", [OSError(), ConnectionRefusedError()])),
            "nothing listens",
        ),
        (httpx2.ConnectError("x"), "no connection could be made"),
        (httpx2.ConnectTimeout("x"), "it does not answer"),
        (httpx2.PoolTimeout("x"), "too many requests are under way"),
        (httpx2.ProxyError("x"), "the proxy refused the connection"),
        (httpx2.UnsupportedProtocol("x"), "see REKA_BASE_URL"),
        (httpx2.InvalidURL("x"), "see REKA_BASE_URL"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_before_the_connection_nothing_was_sent(error: Exception, words: str):
    told = transport_error(error, HOST)
    assert type(told) is NotSentError
    assert words in str(told)
    assert str(told).endswith("Nothing was sent.")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (httpx2.ReadTimeout("x"), TransportError, "did not answer in time"),
        (httpx2.WriteTimeout("x"), TransportError, "did not answer in time"),
        (TimeoutError(), TransportError, "did not answer in time"),
        (httpx2.ReadError("x"), TransportError, "broke before the answer was complete"),
        (httpx2.WriteError("x"), TransportError, "broke before the answer was complete"),
        (httpx2.RemoteProtocolError("x"), TransportError, "broke before the answer was complete"),
        (ConnectionResetError(), TransportError, "broke before the answer was complete"),
        (httpx2.DecodingError("x"), UnreadableAnswerError, "cannot be read"),
        (httpx2.SSEError("x"), UnreadableAnswerError, "cannot be read"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_after_it_something_may_have_arrived(error: Exception, kind: type[TransportError], words: str):
    told = transport_error(error, HOST)
    assert type(told) is kind
    assert words in str(told)
    assert "Nothing was sent" not in str(told)


def test_no_word_of_the_library_gets_through_nor_what_it_was_about():
    with pytest.raises(TransportError) as caught, translated(HOST):
        raise httpx2.ReadError("https://host/?token=planted https://httpx.example/docs")
    assert "planted" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_errors_that_are_ours_already_pass():
    with pytest.raises(RekaClipsError, match="Ours") as caught, translated(HOST):
        raise RekaClipsError("Ours.")
    assert type(caught.value) is RekaClipsError


def test_causes_in_a_circle_do_not_hang_it():
    one, other = httpx2.ConnectError("x"), OSError()
    one.__cause__, other.__cause__ = other, one
    assert "no connection could be made" in str(transport_error(one, HOST))
