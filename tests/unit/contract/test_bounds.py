"""What is held of a generation is bounded, whatever upstream sends, and cut links are never shown."""

from __future__ import annotations

from reka_clips.contract import Snapshot
from reka_clips.contract.snapshots import MAX_ITEMS, MAX_URL_CHARACTERS

LONG = "漢" * 1_000_000


def test_a_snapshot_of_ordinary_size_is_kept_as_it_is():
    told = Snapshot.model_validate(
        {"id": "a", "status": "completed", "prompt": "goals", "generation_config": {"template": "moments"}}
        | {"output": [{"title": "Goal", "caption": "c" * 2000, "video_url": "https://cdn.example.com/1.mp4"}]}
    )
    assert told.output[0].caption == "c" * 2000
    assert told.generation_config == {"template": "moments"}


def test_a_huge_one_becomes_small():
    clip = dict.fromkeys(("title", "caption", "video_url", "signed_s3_video_url", "poster_url", "source_url"), LONG)
    small = Snapshot.model_validate(
        dict.fromkeys(("id", "prompt", "error_message", "error", "created_at", "updated_at"), LONG)
        | {"status": "failed", "video_urls": [LONG] * 100, "warnings": [LONG] * 100, "hashtags": [LONG]}
        | {"generation_config": {"x": LONG}, "rendering_config": {"y": [LONG]}}
        | {"output": [clip | {"hashtags": [LONG] * 100}] * 1000}
    )
    assert len(small.output) == MAX_ITEMS
    assert len(small.model_dump_json()) < 15_000_000
    assert len(small.model_copy(update={"output": ()}).model_dump_json()) < 250_000
    assert small.generation_config is small.rendering_config is None
    assert small.output[0].title is not None
    assert small.output[0].title.endswith("…")
    assert Snapshot.model_validate(small.model_dump()) == small


def test_a_link_too_long_is_left_out_never_cut():
    longest = "https://cdn.example.com/".ljust(MAX_URL_CHARACTERS, "a")
    for link, kept in ((longest, longest), (longest + "a", None)):
        told = Snapshot.model_validate({"status": "completed", "output": [{"video_url": link}], "video_urls": [link]})
        assert told.output[0].video_url == kept
        assert told.video_urls == ((link,) if kept else ())
