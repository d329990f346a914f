"""Every error of the tree becomes a tool error that says what happened and who can do what."""

from __future__ import annotations

import pytest
from mcp_types import TextContent

from reka_clips import errors
from reka_clips.mcp_server.output.error_results import crash_result, failure_result

ID = "550e8400-e29b-41d4-a716-446655440000"


def told(error: errors.RekaClipsError, tool: str = "create_clips") -> str:
    result = failure_result(error, tool=tool)
    assert result.is_error
    [block] = result.content
    assert isinstance(block, TextContent)
    return block.text


def api(kind: type[errors.ApiError], status: int, **more: object) -> errors.ApiError:
    return kind("The Clip API said no.", status=status, **more)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("error", "tool", "words"),
    [
        (api(errors.AuthenticationError, 401), "create_clips", ["REKA_API_KEY", "https://platform.reka.ai"]),
        (api(errors.CreditError, 402), "create_clips", ["add credit", "REKA_CLIPS_BACKEND=local"]),
        (api(errors.NotFoundError, 404), "get_clip_status", ["list_clips"]),
        (api(errors.ConflictError, 409), "delete_clip", ["still running", "get_clip_status", "no way to cancel"]),
        (api(errors.BadRequestError, 400), "delete_clip", ["still running"]),
        (api(errors.ConflictError, 409), "create_clips", ["list_clips"]),
        (api(errors.BadRequestError, 400), "create_clips", ["Change what it names"]),
        (api(errors.ServerError, 503), "list_clips", ["retry in a minute"]),
        (errors.NotSentError("Not reached."), "create_clips", ["Sending it again is safe"]),
        (errors.NotSentError("Not reached."), "list_clips", ["retry in a minute"]),
        (errors.TransportError("Broke.", request_id="r-1"), "list_clips", ["retry", "r-1"]),
        (errors.CreationLostError("Lost. Look at list_clips before."), "create_clips", ["list_clips"]),
        (errors.ConsentError("The person said no."), "create_clips", ["The person said no."]),
        (errors.MissingKeyError("Set REKA_API_KEY."), "create_clips", ["Set REKA_API_KEY."]),
        (errors.ShutdownError("This program is ending."), "get_clip_status", ["This program is ending."]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_kind_names_the_next_step(error: errors.RekaClipsError, tool: str, words: list[str]):
    for word in words:
        assert word in told(error, tool)


def test_the_rate_limit_is_told_in_human_time():
    limit = errors.RateLimit(limit=10, remaining=0, reset_seconds=12_000, retry_after_seconds=5)
    text = told(api(errors.RateLimitError, 429, rate_limit=limit))
    assert "Reka allows 10 creations per key in 24 hours" in text
    assert "renews in 3 h 20 min" in text
    assert "Nothing was created" in text


def test_a_limit_of_which_some_is_left_is_told_once():
    limit = errors.RateLimit(limit=10, remaining=8, reset_seconds=3600, retry_after_seconds=0)
    text = told(api(errors.RateLimitError, 429, rate_limit=limit))
    assert text.endswith("Creations left: 8 of 10; renewed in 1 h.")
    assert text.count("renew") == 1


def test_a_rate_limit_without_headers_is_told_without_numbers():
    text = told(api(errors.RateLimitError, 429), "list_clips")
    assert "Try again later" in text
    assert "Nothing was created" not in text


def test_the_request_id_and_the_generation_are_named():
    error = api(errors.AuthenticationError, 401, request_id="req-\x1b[31m77")
    error.generation_id = ID
    text = told(error, "get_clip_status")
    assert "Request id, for the service's support: req-77." in text
    assert ID in text


def test_upstream_words_in_an_error_are_cleaned_and_cut():
    text = told(errors.BadRequestError("No: \x1b[31m<html>\u202e" + "x" * 50_000, status=400))
    assert len(text) < 2000
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_refusals_are_told_one_a_line_and_not_without_end():
    refusals = tuple(errors.FieldError(f"video_urls[{n}]", "must be a complete URL") for n in range(40))
    lines = told(errors.ArgumentError(refusals)).splitlines()
    assert lines[0] == "create_clips was not called: 40 problems with the arguments. Nothing was sent."
    assert lines[1] == "- video_urls[0]: must be a complete URL"
    assert lines[-1] == "- and 25 more"
    assert len(lines) == 17


def test_a_full_queue_of_the_engine_is_not_told_as_the_allowance_of_a_day():
    error = errors.RateLimitError("The engine is busy: 20 generations wait.", status=429, error_type="busy_error")
    [block] = failure_result(error, tool="create_clips").content
    assert isinstance(block, TextContent)
    assert "Nothing was created. Try again when one of them has ended." in block.text
    assert "24 hours" not in block.text


def test_every_class_of_the_tree_is_translated():
    kinds = [errors.RekaClipsError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert len(kinds) > 15
    for kind in kinds:
        error = kind.__new__(kind)
        Exception.__init__(error, "It went wrong.")
        error.__dict__.update(refusals=(), rate_limit=None, request_id=None, candidates=(), status=500, error_type=None)
        assert failure_result(error, tool="create_clips").is_error


def test_a_crash_tells_nothing_of_its_insides():
    [block] = crash_result("create_clips").content
    assert isinstance(block, TextContent)
    assert "internal error" in block.text
