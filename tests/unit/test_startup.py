"""What is imported at the start: hardly anything beyond the SDK, and nothing that only some calls need."""

from __future__ import annotations

import json
import subprocess
import sys

# In a process of its own: what the bare SDK imports, then what comes on top until the tools are listed over stdio.
PROGRAM = """
import asyncio, json, sys
from mcp.server.mcpserver import MCPServer
MCPServer("bare")
bare = set(sys.modules)
import reka_clips.cli
import reka_clips.mcp_server.stdio
from reka_clips.mcp_server.context import AppContext
from reka_clips.mcp_server.app import build_server
from reka_clips.settings import Settings
tools = asyncio.run(build_server(AppContext(Settings(api_key="key"))).list_tools())
assert len(tools) == 6, tools
print(json.dumps(sorted(set(sys.modules) - bare)))
"""
NOT_AT_THE_START = (
    "reka_clips.engine",
    "reka_clips.demo",
    "reka_clips.doctor",
    "reka_clips.download",
    "reka_clips.mcp_server.http",
    "reka_clips.mcp_server.extensions.gallery.page",
)
# Beside the package itself: of the SDK and the standard library, each small. And platformdirs, 2 ms, for the folders.
ALLOWED = {"mcp.server.apps", "argparse", "difflib", "gc"}


def test_what_is_used_late_is_imported_late():
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=120)
    imported: list[str] = json.loads(ran.stdout)

    assert [name for name in imported if name.startswith(NOT_AT_THE_START)] == []
    assert {name for name in imported if name.partition(".")[0] not in ("reka_clips", "platformdirs")} <= ALLOWED
    assert sum(name.startswith("reka_clips") for name in imported) <= 78
