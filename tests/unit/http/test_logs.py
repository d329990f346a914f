"""What the log hides."""

from __future__ import annotations

import logging

import pytest

from reka_clips.logs import HIDDEN, SecretlessFormatter, hide

KEY = "rk-planted-5f3e9b7a21"


@pytest.mark.parametrize(
    "line",
    [
        f"X-Reka-API-Key: {KEY}",
        f"x-api-key: {KEY}\r\nAccept: */*",
        f"headers=[(b'X-Api-Key', b'{KEY}'), (b'Accept', b'*/*')]",
        f"Headers({{'authorization': 'Bearer {KEY}', 'accept': '*/*'}})",
        f'{{"Authorization": "Bearer {KEY}"}}',
        f"sent Bearer {KEY} to the server",
        f"GET /clips/1/1.mp4?expires=5&signature={KEY} HTTP/1.1",
        f"POST /messages/?session_id={KEY}",
        f"cookie: session={KEY}; other={KEY}",
        f"Created new transport with session ID: {KEY}",
        f"Rejecting request for session {KEY}: credential does not match the one that created the session",
        f"Rejecting message for session {KEY}: credential does not match",
        f"Session {KEY} idle timeout",
        f"Rejected request with unknown or expired session ID: {KEY}",
        f"Could not find session for ID: {KEY}",
        f"Client session disconnected {KEY}",
        f"Created new session with ID: {KEY}",
        f"https://bucket.example/film.mp4?X-Amz-Credential=a&X-Amz-Signature={KEY}&x=1",
        f"https://bucket.example/film.mp4?X-Amz-Security-Token={KEY}",
        f"https://account.example/film.mp4?sv=1&sig={KEY}",
    ],
)
def test_values_that_open_something_are_hidden_in_every_form(line: str):
    hidden = hide(line)
    assert KEY not in hidden
    assert HIDDEN in hidden


def test_what_stands_beside_a_hidden_value_stays():
    assert hide(f"[(b'x-api-key', b'{KEY}'), (b'accept', b'*/*')]").endswith("(b'accept', b'*/*')]")
    assert hide("Uvicorn running on http://127.0.0.1:8000") == "Uvicorn running on http://127.0.0.1:8000"


def test_known_secrets_are_hidden_in_messages_and_exceptions():
    error = ValueError(f"the key is {KEY}")
    form = SecretlessFormatter("%(levelname)s %(name)s: %(message)s", [KEY])
    record = logging.makeLogRecord(
        {"name": "planted", "msg": "it was %s", "args": (KEY,), "exc_info": (ValueError, error, None)}
    )
    text = form.format(record)
    assert KEY not in text
    assert "ValueError" in text
    assert text.count(HIDDEN) == 2
