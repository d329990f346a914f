"""Arguments as agents really send them are understood; nothing is guessed that could mean something else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reka_clips.contract import CreateRequest
from reka_clips.contract.schemas import flat_schema, places
from reka_clips.errors import ArgumentError
from reka_clips.mcp_server.input.arguments import (
    CreateArguments,
    parse_create,
    parse_delete,
    parse_list,
    parse_save,
    parse_status,
)

LINK = "https://example.com/film.mp4"
ID = "550e8400-e29b-41d4-a716-446655440000"


def create(**raw: Any) -> CreateArguments:
    return parse_create({"video_urls": [LINK]} | raw, allow_file=False)


def body(arguments: CreateArguments) -> dict[str, Any]:
    return {name: value for name, value in arguments.request.body(stream=True).items() if name != "stream"}


@pytest.mark.parametrize(
    "urls", [[LINK], (LINK,), LINK, json.dumps([LINK]), f" {json.dumps([LINK])} ", [f" {LINK}\n"], f"\t{LINK} "]
)
def test_one_link_may_be_a_text_a_list_or_a_list_as_text(urls: Any):
    assert body(create(video_urls=urls)) == {"video_urls": [LINK]}


@pytest.mark.parametrize(
    "config",
    [
        {"num_generations": 3, "template": "moments"},
        {"num_generations": "3", "template": "moments"},
        {"num_generations": 3.0, "template": "moments", "source_start_time": None},
        '{"num_generations": 3, "template": "moments"}',
        '{"num_generations": "3", "template": "moments"}',
    ],
)
def test_objects_and_numbers_may_be_text(config: Any):
    assert body(create(generation_config=config))["generation_config"] == {"num_generations": 3, "template": "moments"}


@pytest.mark.parametrize("resolution", [720, "720", 720.0, "720 "])
def test_a_resolution_may_be_a_number_or_a_text_and_goes_out_as_a_number(resolution: Any):
    assert body(create(rendering_config={"resolution": resolution}))["rendering_config"] == {"resolution": 720}


@pytest.mark.parametrize(("sent", "meant"), [(True, True), ("true", True), ("False", False), (" FALSE ", False)])
def test_booleans_may_be_text(sent: Any, meant: bool):
    assert body(create(rendering_config={"subtitles": sent}))["rendering_config"] == {"subtitles": meant}


def test_only_what_was_set_goes_out():
    arguments = create(prompt=None, generation_config={}, rendering_config=None, stream="false", force_new="true")
    assert body(arguments) == {"video_urls": [LINK]}
    assert type(arguments.request) is CreateRequest
    assert (arguments.stream, arguments.wait_seconds, arguments.force_new) == (False, None, True)


def test_options_of_the_query_stay_out_of_the_body():
    arguments = create(reel_quality="lite", force_vllm_whisper_asr="true")
    assert body(arguments) == {"video_urls": [LINK]}
    assert arguments.request.query() == {"reel_quality": "lite", "force_vllm_whisper_asr": "true"}


def test_a_text_that_looks_like_json_stays_a_text_where_text_is_due():
    assert create(prompt='{"a": 1}').prompt == '{"a": 1}'


def test_files_are_for_backends_that_can_read_them():
    local = {"video_urls": "file:///home/me/film.mp4"}
    assert parse_create(local, allow_file=True).video_urls == ("file:///home/me/film.mp4",)
    with pytest.raises(ArgumentError, match="cannot read files"):
        parse_create(local, allow_file=False)


def test_ids_are_taken_in_any_case():
    assert parse_status({"id": f" {ID.upper()} ", "wait_seconds": "0"}).id == ID
    assert parse_status({"id": f"reka-clips://clips/{ID}"}).id == ID
    assert parse_delete({"id": ID, "delete_input_video": "true"}).delete_input_video is True
    assert parse_save({"id": ID, "clip": "2"}).clip == 2


def test_a_list_call_needs_nothing():
    arguments = parse_list({})
    assert (arguments.status, arguments.offset, arguments.limit) == (None, 0, 20)
    assert parse_list({"status": "completed", "limit": "5", "offset": "10"}).offset == 10


def test_all_problems_are_told_at_once_those_between_fields_too():
    with pytest.raises(ArgumentError) as caught:
        create(
            video_urls=[LINK, "ftp://example.com/x", 7],
            promt="goals",
            num_generations=2,
            generation_config={"num_generations": 9, "min_duration_seconds": 100, "source_start_time": 5},
            rendering_config={"layout": "crop", "caption_style": {"text_color": "red"}},
        )
    paths = {refusal.path for refusal in caught.value.refusals}
    assert paths == {
        "video_urls[1]",
        "video_urls[2]",
        "promt",
        "num_generations",
        "generation_config.num_generations",
        "generation_config",
        "rendering_config.layout",
        "rendering_config.caption_style.text_color",
    }


def test_a_rule_between_fields_is_not_judged_by_a_field_that_is_wrong_itself():
    with pytest.raises(ArgumentError) as caught:
        create(generation_config={"min_duration_seconds": 100, "max_duration_seconds": 700})
    assert [refusal.path for refusal in caught.value.refusals] == ["generation_config.max_duration_seconds"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.sampled_from([LINK, "file:///a", "https://u:p@h/", ID, "true", "3", "[]", "{}", "[[[", 10**30]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["video_urls", "prompt", "generation_config", "rendering_config", "stream", "wait_seconds", "force_new", "id"]
    + ["num_generations", "caption_style", "resolution", "limit", "offset", "status", "clip", "directory", "layout"]
)
RAW = st.dictionaries(NAMES | st.text(max_size=8), JSON | st.dictionaries(NAMES, JSON, max_size=4), max_size=5)


@given(RAW, st.booleans())
def test_whatever_is_sent_is_taken_or_refused_in_plain_words(raw: dict[str, Any], allow_file: bool):
    parsers = [lambda value: parse_create(value, allow_file=allow_file), parse_status, parse_delete, parse_list]
    for parse in [*parsers, parse_save]:
        try:
            parse(raw)
        except ArgumentError as error:
            assert error.refusals
            for refusal in error.refusals:
                assert refusal.problem.isprintable()
                assert len(refusal.path) < 300
                assert len(refusal.problem) < 700
                assert "pydantic" not in refusal.problem.lower()
                (refusal.path + refusal.problem).encode()


LEAVES = sorted(name for name, place in places(flat_schema(CreateArguments)).items() if len(place) > 1)
VALUES = st.sampled_from(
    [True, False, 0, 1, 2, 3, 60, 720, 90.5, -1, "yes", "off", "3", "three", "1:30", "90s", "vertical", "9x16", "1:1"]
    + [
        "spanish",
        "es_ES",
        "720p",
        "center",
        "red",
        "#fff",
        "#ABCDEF",
        "moments",
        "reel",
        "x" * 40,
        None,
        [],
        {},
        "Lato",
    ]
)


@given(st.sampled_from(LEAVES), VALUES)
def test_a_misplaced_field_is_shown_in_its_place_with_a_value_that_is_taken_there(name: str, value: Any):
    with pytest.raises(ArgumentError) as caught:
        create(**{name: value})
    [refusal] = caught.value.refusals
    shown = json.loads(refusal.problem[refusal.problem.index("{") :])
    if "…" not in json.dumps(shown, ensure_ascii=False):
        try:
            create(**shown)
        except ArgumentError as error:  # a rule between fields may still be broken
            assert [refusal.path for refusal in error.refusals] == ["generation_config"]


@pytest.mark.parametrize("number", [10**5000, -(10**5000), 2**60, float("inf"), float("nan"), 1e300], ids=range(6))
def test_endless_numbers_are_refused_without_being_written_out(number: float):
    for name in ("num_generations", "min_duration_seconds", "source_end_time"):
        with pytest.raises(ArgumentError, match=r"must be a (whole )?number") as caught:
            create(generation_config={name: number})
        assert len(str(caught.value)) < 150


def test_what_is_no_number_is_called_by_its_name():
    with pytest.raises(ArgumentError, match="from 1 to 3, not NaN"):
        create(generation_config={"num_generations": float("nan")})


def test_deep_and_recursive_values_do_no_harm():
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for raw in ({"video_urls": deep}, {"x": deep}, {"generation_config": {"y": deep}}, {"video_urls": "[" * 100_000}):
        with pytest.raises(ArgumentError):
            parse_create(raw, allow_file=False)
    # Taking such a value apart recursively would exhaust the interpreter's stack when it is freed.
    while deep:
        deep = deep.pop()
