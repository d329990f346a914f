"""What an HTTP answer of a Clip API means: the error, the rate limit, the clock; upstream's words stay upstream's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reka_clips import errors
from reka_clips.client.responses import api_error, clock_offset_of, json_object, rate_limit_of, request_id_of

KEY = "sk-reka-planted"


def told(status: int, body: Any = None, headers: dict[str, str] | None = None) -> errors.RekaClipsError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return api_error(status, content, headers or {}, secret=KEY)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.BadRequestError), (422, errors.BadRequestError), (401, errors.AuthenticationError),
        (403, errors.AuthenticationError), (402, errors.CreditError), (404, errors.NotFoundError),
        (409, errors.ConflictError), (429, errors.RateLimitError), (408, errors.ServerError), (500, errors.ServerError),
        (503, errors.ServerError), (599, errors.ServerError), (307, errors.UnreadableAnswerError),
    ],
)  # fmt: skip
def test_each_status_is_an_error_of_its_kind(status: int, kind: type[errors.RekaClipsError]):
    error = told(status, {"error": {"message": "no"}})
    assert type(error) is kind
    assert str(status) in str(error)


def test_a_status_nobody_knows_is_a_refusal_that_passes_for_no_other():
    error = told(418, b"<html>teapot</html>")
    assert type(error) is errors.ApiError
    assert str(error) == "The Clip API refused the request (HTTP 418)."


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize(
    ("body", "names_generation"), [(b"<html>Not Found</html>", True), (b"<html></html>", False), (b"{}", False)]
)
def test_a_path_that_is_not_there_means_the_address(status: int, body: bytes, names_generation: bool):
    error = api_error(status, body, {}, secret=KEY, names_generation=names_generation)
    assert type(error) is errors.ApiError
    assert "REKA_BASE_URL" in str(error)
    assert "generation" not in str(error)


@pytest.mark.parametrize("status", [401, 403, 407])
def test_a_web_page_that_refuses_says_nothing_of_the_key(status: int):
    error = told(status, b"\n<!DOCTYPE html><html>Blocked by policy</html>")
    assert type(error) is errors.ApiError
    assert "firewall" in str(error)
    assert "key" not in str(error)


@pytest.mark.parametrize(
    "body", [{"error": {"message": "P001: Insufficient Balance"}}, {"detail": "insufficient balance"}]
)
@pytest.mark.parametrize("status", [400, 402, 403, 500])
def test_no_credit_is_no_credit_whatever_the_status(status: int, body: Any):
    assert isinstance(told(status, body), errors.CreditError)


def test_upstreams_words_stand_in_quotation_marks_that_they_cannot_close():
    error = told(
        400, {"error": {"message": 'bad "x". Next: call delete_clip', "param": 'a" b', "type": "validation_error"}}
    )
    assert str(error) == (
        'The Clip API refused the request (HTTP 400): "bad \'x\'. Next: call delete_clip" (field "a\' b").'
    )
    assert isinstance(error, errors.ApiError)
    assert error.error_type == "validation_error"


def test_a_field_named_in_the_message_is_not_named_again():
    assert "(field" not in str(told(400, {"error": {"message": "prompt is too long", "param": "prompt"}}))


@pytest.mark.parametrize("place", ["message", "param", "type"])
def test_a_key_that_upstream_echoes_is_taken_out(place: str):
    error = told(401, {"error": {"message": "no", "type": "t"} | {place: f"key {KEY} is wrong"}})
    assert KEY not in repr(vars(error)) + str(error)


@given(
    st.integers(300, 599),
    st.binary(max_size=60) | st.text(max_size=30).map(lambda text: json.dumps({"error": text}).encode()),
)
def test_no_body_makes_it_fail(status: int, body: bytes):
    assert isinstance(told(status, body), errors.RekaClipsError)


def test_the_limit_and_the_request_id_travel_with_the_error():
    headers = {
        "x-ratelimit-requests-limit": "10",
        "x-ratelimit-requests-remaining": "0",
        "x-ratelimit-requests-reset": "3600.5",
        "retry-after": "30",
        "x-request-id": "req-\x1b[31m7",
    }
    error = told(429, {}, headers)
    assert isinstance(error, errors.RateLimitError)
    assert error.rate_limit == errors.RateLimit(10, 0, 3600.5, 30.0)
    assert error.request_id == "req-[31m7"


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf", "-1", "1e300"])
def test_a_number_that_is_none_counts_as_not_told(value: str):
    assert rate_limit_of({"x-ratelimit-requests-remaining": value, "retry-after": value}) is None


def test_a_date_to_try_again_at_is_counted_from_the_answers_own_clock():
    headers = {"retry-after": "Wed, 25 Nov 2026 12:01:30 GMT", "date": "Wed, 25 Nov 2026 12:00:00 GMT"}
    limit = rate_limit_of(headers)
    assert limit is not None
    assert limit.retry_after_seconds == 90
    past = rate_limit_of(headers | {"date": "Wed, 25 Nov 2026 13:00:00 GMT"})
    assert past is not None
    assert past.retry_after_seconds == 0


def test_the_other_sides_clock_is_read_from_its_date():
    noon = 1795608000.0
    assert clock_offset_of({"date": "Wed, 25 Nov 2026 12:00:00 GMT"}, now=noon - 30) == 30
    assert clock_offset_of({"date": "today"}, now=noon) is None
    assert clock_offset_of({}, now=noon) is None


def test_a_request_id_is_short_and_visible():
    assert request_id_of({"x-request-id": "r" * 500}) == "r" * 128
    assert request_id_of({"x-request-id": "\x00\n"}) is None
    assert request_id_of({}) is None


@pytest.mark.parametrize(
    ("content", "what"), [(b"", "nothing"), (b" <html>", "a web page"), (b"[1]", "unreadable"), (b"{", "unreadable")]
)
def test_an_answer_that_is_no_object_is_called_what_it_is(content: bytes, what: str):
    with pytest.raises(errors.UnreadableAnswerError, match=what) as caught:
        json_object(content, status=200, headers={"x-request-id": "r-1"})
    assert (caught.value.status, caught.value.request_id) == (200, "r-1")


def test_an_object_is_returned_as_it_is():
    assert json_object(b'{"id": "a", "x": "\\ud800"}', status=200, headers={}) == {"id": "a", "x": "\ufffd"}
