"""From the bytes of a body to a request or one clear refusal, whatever the bytes are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reka_clips.contract import CreateRequest, DeleteRequest
from reka_clips.engine.http.request_parsing import RefusedError, parse_create, parse_delete, parse_page

GOOD: dict[str, Any] = {"video_urls": ["https://example.com/v.mp4"]}
GENERATION, RENDERING = "generation_config", "rendering_config"


def refusal(fields: Any, query: dict[str, str] | None = None) -> dict[str | None, str]:
    """Return what is wrong with a creation, by field."""
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    with pytest.raises(RefusedError) as caught:
        parse_create(body, query or {})
    assert str(caught.value)
    return {problem.param: problem.message for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"video_urls": []}, {"video_urls": "must be a list of at least one link"}),
        ({"video_urls": "https://example.com/v.mp4"}, {"video_urls": "must be a list"}),
        ({"video_urls": ["https://example.com/v.mp4"] * 11}, {"video_urls": "must hold at most 10 links"}),
        ({"video_urls": [1]}, {"video_urls[0]": "must be text"}),
        ({"video_urls": ["https://www.youtube.com/watch?v=1"]}, {"video_urls[0]": "web page, not to a video file"}),
        ({"video_urls": ["https://a:b@example.com/"]}, {"video_urls[0]": "must not hold a user name or password"}),
        (
            {"video_urls": ["ftp://example.com/v.mp4"]},
            {"video_urls[0]": "must be a complete URL that starts with http"},
        ),
        ({"prompt": "x" * 10_001}, {"prompt": "must be at most 10000 characters long"}),
        ({"prompt": 7}, {"prompt": "must be text"}),
        ({"stream": "yes"}, {"stream": "must be true or false"}),
        ({"reel_quality": "lite"}, {"reel_quality": "belongs in the query"}),
        (
            {"extra": 1},
            {
                "extra": "is not a field of the request; its fields are video_urls, prompt, generation_config, rendering_config"
            },
        ),
        ({GENERATION: []}, {GENERATION: "must be an object"}),
        (
            {GENERATION: {"num_generations": 4}},
            {f"{GENERATION}.num_generations": "must be a whole number from 1 to 3, not 4"},
        ),
        (
            {GENERATION: {"num_generations": 0}},
            {f"{GENERATION}.num_generations": "must be a whole number from 1 to 3, not 0"},
        ),
        ({GENERATION: {"num_generations": 1.5}}, {f"{GENERATION}.num_generations": "must be a whole number"}),
        ({GENERATION: {"num_generations": "two"}}, {f"{GENERATION}.num_generations": "must be a whole number"}),
        ({GENERATION: {"min_duration_seconds": 91}}, {GENERATION: "must not be above max_duration_seconds (90, its"}),
        ({GENERATION: {"template": "trailer"}}, {f"{GENERATION}.template": "the embedded engine makes moments and"}),
        (
            {GENERATION: {"translated_subtitles_target_language": "en_US"}},
            {f"{GENERATION}.translated_subtitles_target_language": "does not translate subtitles"},
        ),
        (
            {GENERATION: {"lenght": 3}},
            {f"{GENERATION}.lenght": "max_duration_seconds"},
        ),
        ({RENDERING: {"resolution": 481}}, {f"{RENDERING}.resolution": "must be"}),
        ({RENDERING: {"subtitles": 1}}, {f"{RENDERING}.subtitles": "must be true or false"}),
        (
            {RENDERING: {"caption_style": {"text_color": "red"}}},
            {f"{RENDERING}.caption_style.text_color": 'a colour written as "#RRGGBB"'},
        ),
        (
            {RENDERING: {"caption_style": {"desired_font_size": 121}}},
            {f"{RENDERING}.caption_style.desired_font_size": "must be a number from 60 to 120"},
        ),
    ],
)
def test_each_wrong_field_is_named_with_what_it_must_be(changes: dict[str, Any], expected: dict[str, str]) -> None:
    told = refusal(GOOD | changes)
    assert list(told) == list(expected)
    assert [field for field, words in expected.items() if words not in told[field]] == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe{}", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": "\\ud800"}',
     b"[" * 100_000, b'{"a":' * 100_000, b'{"video_urls": ' + b"9" * 5000 + b"}"],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    assert set(refusal(body)) == {None}


def test_all_that_is_wrong_is_told_at_once() -> None:
    wrong = {"video_urls": [], "prompt": 1, GENERATION: {"num_generations": 9, "oops": 1}}
    assert set(refusal(wrong)) == {"video_urls", "prompt", f"{GENERATION}.num_generations", f"{GENERATION}.oops"}


def test_the_query_holds_what_belongs_there_and_nothing_else() -> None:
    assert set(refusal(GOOD, {"stream": "true"})) == {"stream"}
    assert set(refusal(GOOD, {"force_vllm_whisper_asr": "maybe"})) == {"force_vllm_whisper_asr"}
    assert set(refusal(GOOD, {"reel_quality": "best"})) == {"reel_quality"}
    assert "leave it out" in refusal(GOOD, {"reel_quality": "lite"})["reel_quality"]
    assert parse_create(json.dumps(GOOD).encode(), {"force_vllm_whisper_asr": "false"})[0].video_urls


def test_a_page_is_asked_for_in_whole_numbers() -> None:
    assert parse_page({}) == (0, 20, None)
    assert parse_page({"offset": "5", "limit": "100", "status": "failed"}) == (5, 100, "failed")
    for wrong in (
        {"limit": "0"},
        {"limit": "101"},
        {"offset": "-1"},
        {"offset": "1e3"},
        {"offset": "٣"},
        {"page": "2"},
    ):
        with pytest.raises(RefusedError):
            parse_page(wrong)


def test_a_deletion_may_have_no_body() -> None:
    assert parse_delete(b" ") == DeleteRequest()
    assert parse_delete(b'{"delete_input_video": true}').delete_input_video
    for wrong in (b"[]", b'{"delete_input_video": 1}', b'{"x": 1}'):
        with pytest.raises(RefusedError):
            parse_delete(wrong)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [*CreateRequest.model_fields, "stream", "x"]
INNER = ["template", "num_generations", "min_duration_seconds", "resolution", "caption_style", "text_color", "x"]
LIKELY = st.dictionaries(
    st.sampled_from(FIELDS),
    JSON | st.dictionaries(st.sampled_from(INNER), JSON) | st.lists(st.text(max_size=20)),
    max_size=5,
)


@settings(max_examples=300)
@given(st.binary(max_size=60) | (JSON | LIKELY).map(lambda value: json.dumps(value).encode()))
@example(b'{"video_urls": ["http://[::1"]}')
@example(b'{"video_urls": ["http://x:99999999/"]}')
@example(b'{"video_urls": ["http://x"], "generation_config": {"num_generations": 1e400}}')
def test_whatever_the_body_is_it_is_taken_or_refused_in_plain_words(body: bytes) -> None:
    try:
        request, stream = parse_create(body, {})
    except RefusedError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.message
            assert "Input should" not in problem.message, "pydantic's words, not ours"
            assert not problem.message.startswith("Value error")
    else:
        assert request.video_urls
        assert isinstance(stream, bool)
        again = CreateRequest.model_validate({k: v for k, v in request.body(stream=False).items() if k != "stream"})
        assert again.body(stream=stream) == request.body(stream=stream)
