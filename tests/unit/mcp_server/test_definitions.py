"""What clients check in what a server says of itself: icons that are URLs, prompts that say what they lack."""

from __future__ import annotations

import re

import pytest
from mcp_types import Prompt, PromptArgument

from reka_clips.mcp_server.icons import icon
from reka_clips.mcp_server.prompts import prompt_refusal

# RFC 3986: what a URI may be written with.
URI = re.compile(r"data:image/svg\+xml,(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
PROMPTS = [
    Prompt(
        name="shorts",
        arguments=[PromptArgument(name="link", required=True), PromptArgument(name="count", required=False)],
    )
]


@pytest.mark.parametrize(
    "name", ["server", "create_clips", "get_clip_status", "list_clips", "delete_clip", "save_clip"]
)
def test_an_icon_is_a_uri_that_strict_clients_accept(name: str):
    assert URI.fullmatch(icon(name).src)


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("shorts", {"link": "x"}, None),
        ("shorts", {"link": "x", "count": "2"}, None),
        ("shorts", {"count": "2"}, "The prompt shorts needs link."),
        ("shorts", {"link": "x", "colour": "red"}, "The prompt shorts takes link, count; not colour."),
        ("reel", {}, "There is no prompt reel. The prompts are shorts."),
    ],
)
def test_a_prompt_that_cannot_be_had_says_why(name: str, arguments: dict[str, str], told: str | None):
    assert prompt_refusal(PROMPTS, name, arguments) == told
