"""The examples of what to ask for are what the tool takes, and the Clip API gets what they say."""

from __future__ import annotations

import json

import jsonschema
import pytest

from documents import Block, blocks
from reka_clips.mcp_server.input.arguments import parse_create
from tool_reference import tools_list


@pytest.mark.parametrize("block", blocks("arguments"), ids=str)
def test_an_example_of_arguments_is_taken_and_sent_unchanged(block: Block) -> None:
    arguments = json.loads(block.text)
    (schema,) = [tool["inputSchema"] for tool in tools_list() if tool["name"] == block.what]
    jsonschema.validate(arguments, schema)
    assert block.what == "create_clips", "teach this test how another tool's arguments are read"
    sent = parse_create(arguments, allow_file=True).model_dump(mode="json", exclude_unset=True)
    assert sent == arguments


def test_there_are_three_of_them() -> None:
    assert len(blocks("arguments")) >= 3
