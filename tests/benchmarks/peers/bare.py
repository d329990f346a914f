"""The floor: the SDK's server with tools that do nothing. Arguments: `stdio`, or `http PORT`."""

import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("bare")


@server.tool()
def create_clips(video_urls: list[str], prompt: str = "") -> str:
    """Do nothing."""
    return f"{len(video_urls)} {prompt}"


@server.tool()
def get_clip_status(id: str) -> str:  # noqa: A002 - the field's name on the wire
    """Do nothing."""
    return id


@server.tool()
def list_clips() -> str:
    """Do nothing."""
    return ""


@server.tool()
def delete_clip(id: str) -> str:  # noqa: A002 - the field's name on the wire
    """Do nothing."""
    return id


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run()
    else:
        server.run("streamable-http", port=int(sys.argv[2]))
