"""What tools/list gives: accepted by every client, small, described at every depth, and never changed unseen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from reka_clips.mcp_server.arguments import parse_create, parse_delete
from reka_clips.mcp_server.guide import EXAMPLES
from tool_reference import REFERENCE, SNAPSHOT, reference, tools_list, with_reference

FORBIDDEN = ("$ref", "$defs", "anyOf", "oneOf", "allOf", "not", "const", "title", "exclusiveMinimum")
FORBIDDEN += ("exclusiveMaximum", "default", "format", "prefixItems", "patternProperties")
PLATFORM_TOOLS = ["create_clips", "get_clip_status", "list_clips", "delete_clip", "save_clip"]


@pytest.fixture(scope="module")
def tools() -> list[dict[str, Any]]:
    return tools_list()


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")


def test_the_list_is_what_was_reviewed(tools: list[dict[str, Any]]):
    """Refresh with `python tests/tool_reference.py` and look at the difference."""
    assert json.loads(SNAPSHOT.read_text()) == tools


def test_the_reference_in_the_docs_tells_the_same():
    page = REFERENCE.read_text()
    assert with_reference(page) == page, "run python tests/tool_reference.py"
    assert reference() in page


def test_there_are_few_tools_and_they_are_small(tools: list[dict[str, Any]]):
    assert [tool["name"] for tool in tools] == PLATFORM_TOOLS
    assert len(tools) <= 8
    assert len(json.dumps(tools, ensure_ascii=False, separators=(",", ":")).encode()) < 20_000
    assert all(re.fullmatch(r"[a-z0-9_]{1,40}", tool["name"]) for tool in tools)


def test_no_schema_holds_what_clients_choke_on(tools: list[dict[str, Any]]):
    for tool in tools:
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            assert schema["type"] == "object"
            for path, node in nodes(schema):
                where = f"{tool['name']}{path}"
                assert not [key for key in FORBIDDEN if key in node], where
                assert isinstance(node["type"], str), where
                if "enum" in node:
                    assert node["type"] == "string", where
                    assert all(isinstance(value, str) for value in node["enum"]), where
                if node["type"] == "object" and "properties" in node:
                    assert node["additionalProperties"] is False, where
        jsonschema.Draft202012Validator.check_schema(tool["inputSchema"])
        jsonschema.Draft202012Validator.check_schema(tool["outputSchema"])


def test_every_parameter_at_every_depth_is_described(tools: list[dict[str, Any]]):
    for tool in tools:
        for path, node in nodes(tool["inputSchema"]):
            if path and not path.endswith("[]"):
                assert len(node.get("description", "")) >= 9, f"{tool['name']}{path}"


def test_every_tool_has_a_title_hints_an_icon_and_a_description(tools: list[dict[str, Any]]):
    for tool in tools:
        assert tool["title"]
        assert 200 < len(tool["description"]) < 1500
        assert tool["icons"][0]["src"].startswith("data:image/svg+xml,")
        hints = tool["annotations"]
        assert {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"} <= hints.keys()


def test_the_hints_are_true(tools: list[dict[str, Any]]):
    hints = {tool["name"]: tool["annotations"] for tool in tools}
    assert [name for name, hint in hints.items() if hint["readOnlyHint"]] == ["get_clip_status", "list_clips"]
    assert [name for name, hint in hints.items() if hint["destructiveHint"]] == ["delete_clip"]
    assert not hints["create_clips"]["idempotentHint"]
    assert hints["create_clips"]["openWorldHint"]


def test_descriptions_give_no_orders_to_the_model(tools: list[dict[str, Any]]):
    for tool in tools:
        assert not re.search(
            r"\b(you must|always|never call|important:|do not call|make sure)\b", json.dumps(tool), re.IGNORECASE
        )


def test_cost_time_and_destruction_are_told(tools: list[dict[str, Any]]):
    told = {tool["name"]: tool["description"] for tool in tools}
    for words in (
        "ten per 24 hours",
        "charge",
        "2 to 15",
        "wait_seconds",
        "force_new",
        "get_clip_status",
        "list_clips",
    ):
        assert words in told["create_clips"]
    for words in ("for good", "still runs", "delete_input_video", "get_clip_status"):
        assert words in told["delete_clip"]


def test_the_tasks_that_a_reader_of_the_list_must_manage(tools: list[dict[str, Any]]):
    """Calls written from tools/list alone: valid by the published schema, and taken by the parser."""
    schemas = {tool["name"]: tool["inputSchema"] for tool in tools}
    reel = {
        "video_urls": ["https://www.youtube.com/watch?v=abc"],
        "generation_config": {
            "template": "compilation",
            "num_generations": 1,
            "min_duration_seconds": 50,
            "max_duration_seconds": 60,
            "source_start_time": 300,
            "source_end_time": 720,
            "translated_subtitles_target_language": "es_ES",
        },
        "rendering_config": {"aspect_ratio": "9:16"},
    }
    square = {
        "video_urls": ["https://www.youtube.com/watch?v=abc"],
        "generation_config": {"num_generations": 3},
        "rendering_config": {"aspect_ratio": "1:1", "subtitles": False},
    }
    deletion = {"id": "550e8400-e29b-41d4-a716-446655440000", "delete_input_video": True}
    for arguments in (reel, square):
        jsonschema.validate(arguments, schemas["create_clips"])
        assert parse_create(arguments, allow_file=False).request.body(stream=True) == arguments | {"stream": True}
    jsonschema.validate(deletion, schemas["delete_clip"])
    assert parse_delete(deletion).delete_input_video


@pytest.mark.parametrize(("title", "arguments"), EXAMPLES, ids=[title[:30] for title, _ in EXAMPLES])
def test_the_examples_of_the_guide_are_valid(title: str, arguments: dict[str, Any], tools: list[dict[str, Any]]):
    del title
    jsonschema.validate(arguments, tools[0]["inputSchema"])
    parse_create(arguments, allow_file=True)
