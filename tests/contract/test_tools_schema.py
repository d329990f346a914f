"""What tools/list gives: accepted by every client, small, described at every depth, and never changed unseen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reka_clips.mcp_server.app import build_server
from reka_clips.mcp_server.context import AppContext
from reka_clips.mcp_server.guide import EXAMPLES
from reka_clips.mcp_server.input.arguments import parse_create
from reka_clips.settings import Settings
from tool_reference import REFERENCE, SNAPSHOT, reference, tools_list, with_reference

# All that a schema may be made of. What clients choke on is not among it: $ref, $defs, anyOf, oneOf, allOf, not, const,
# title, default, format, exclusiveMinimum, prefixItems, patternProperties, a list of types …
KEYWORDS = {"type", "description", "properties", "required", "additionalProperties", "items", "enum"}
BOUNDS = {"minimum", "maximum", "minItems", "maxItems", "pattern"}
TYPES = {"object", "array", "string", "integer", "number", "boolean"}
PLATFORM_TOOLS = ["create_clips", "find_moments", "get_clip_status", "list_clips", "delete_clip", "save_clip"]


@pytest.fixture(scope="module")
def tools() -> list[dict[str, Any]]:
    return tools_list()


def nodes(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema in a schema, wherever it may stand."""
    assert isinstance(schema, dict), path
    yield path, schema
    for keyword, value in schema.items():
        if keyword == "properties":
            for name, child in value.items():
                yield from nodes(child, f"{path}.{name}")
        elif isinstance(value, dict):
            yield from nodes(value, f"{path}[]" if keyword == "items" else f"{path} {keyword}")


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
    assert len(json.dumps(tools, ensure_ascii=False, separators=(",", ":")).encode()) < 24_000
    assert all(re.fullmatch(r"[a-z0-9_]{1,40}", tool["name"]) for tool in tools)


def test_no_schema_holds_what_clients_choke_on(tools: list[dict[str, Any]]):
    for tool in tools:
        for kind, allowed in (("inputSchema", KEYWORDS | BOUNDS), ("outputSchema", KEYWORDS)):
            schema = tool[kind]
            assert schema["type"] == "object"
            for path, node in nodes(schema):
                where = f"{tool['name']} {kind}{path}: {node}"
                assert node.keys() <= allowed, where
                assert node["type"] in TYPES, where
                assert ("items" in node) == (node["type"] == "array"), where
                if "enum" in node:
                    assert node["type"] == "string", where
                    assert node["enum"], where
                    assert all(isinstance(value, str) for value in node["enum"]), where
                if "properties" in node:
                    assert node["type"] == "object", where
                    assert node["additionalProperties"] is False, where
                    assert set(node.get("required", ())) <= node["properties"].keys(), where
            jsonschema.Draft202012Validator.check_schema(schema)


def test_every_object_of_the_arguments_is_closed(tools: list[dict[str, Any]]):
    for tool in tools:
        for path, node in nodes(tool["inputSchema"]):
            assert node["type"] != "object" or node["properties"], f"{tool['name']}{path}"


@pytest.mark.parametrize(
    "forbidden", [{"anyOf": []}, {"default": None}, {"title": "X"}, {"$ref": "#"}, {"type": ["string", "null"]}]
)
def test_the_walk_finds_what_is_forbidden_at_any_depth(forbidden: dict[str, Any], tools: list[dict[str, Any]]):
    spoilt = json.loads(json.dumps(tools))
    spoilt[0]["inputSchema"]["properties"]["rendering_config"]["properties"]["caption_style"]["properties"][
        "position"
    ] |= forbidden
    with pytest.raises((AssertionError, TypeError)):
        test_no_schema_holds_what_clients_choke_on(spoilt)


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
    assert [name for name, hint in hints.items() if hint["readOnlyHint"]] == [
        "find_moments",
        "get_clip_status",
        "list_clips",
    ]
    assert [name for name, hint in hints.items() if hint["destructiveHint"]] == ["delete_clip"]
    assert not hints["create_clips"]["idempotentHint"]
    assert hints["create_clips"]["openWorldHint"]


def test_descriptions_give_no_orders_to_the_model(tools: list[dict[str, Any]]):
    for tool in tools:
        assert not re.search(
            r"\b(you must|always|never call|important:|do not call|make sure)\b", json.dumps(tool), re.IGNORECASE
        )


@pytest.mark.parametrize("key", ["key", None])
def test_what_a_model_is_shown_is_short_for_either_backend(key: str | None):
    """Names, descriptions and input schemas as compact JSON: what a client hands to its model with every request."""
    import anyio

    async def listed() -> list[Any]:
        return await build_server(AppContext(Settings(api_key=key, save_dir=Path("/home/me/Videos")))).list_tools()

    shown = [{"name": t.name, "description": t.description, "inputSchema": t.input_schema} for t in anyio.run(listed)]
    text = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    assert sum(len(json.dumps(one, ensure_ascii=False, separators=(",", ":")).encode()) for one in shown) <= 10_800
    assert ("translated_subtitles_target_language" in text) == (key is not None)
    assert '"stream"' not in text


def test_cost_time_and_destruction_are_told(tools: list[dict[str, Any]]):
    told = {tool["name"]: tool["description"] for tool in tools}
    for words in (
        "ten creations per 24 hours",
        "charge",
        "2 to 15",
        "wait_seconds",
        "force_new",
        "get_clip_status",
        "find_moments",
    ):
        assert words in told["create_clips"]
    for words in ("for good", "still runs", "single clip", "get_clip_status"):
        assert words in told["delete_clip"]


@pytest.mark.parametrize(("title", "arguments"), EXAMPLES, ids=[title[:30] for title, _ in EXAMPLES])
def test_the_examples_of_the_guide_are_valid(title: str, arguments: dict[str, Any], tools: list[dict[str, Any]]):
    del title
    jsonschema.validate(arguments, tools[0]["inputSchema"])
    parse_create(arguments, allow_file=True)
