"""What clients check in what a server says of itself."""

from __future__ import annotations

import re

import pytest

from reka_clips.mcp_server.icons import icon

# RFC 3986: what a URI may be written with.
URI = re.compile(r"data:image/svg\+xml,(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")


@pytest.mark.parametrize(
    "name", ["server", "create_clips", "find_moments", "get_clip_status", "list_clips", "delete_clip", "save_clip"]
)
def test_an_icon_is_a_uri_that_strict_clients_accept(name: str):
    assert URI.fullmatch(icon(name).src)
