"""What one writes by hand: the SDK's server, one httpx2 request per tool. Arguments: UPSTREAM, then as the others."""

import sys
from typing import Any

import httpx2
from mcp.server.mcpserver import Context, MCPServer

UPSTREAM = sys.argv[1]
server = MCPServer("handwritten")
http = httpx2.AsyncClient(
    base_url=UPSTREAM,
    headers={"X-Api-Key": "key"},
    timeout=120,
    limits=httpx2.Limits(max_connections=None),  # with the default, the 101st stream waits for one of the others
)


@server.tool()
async def get_clip_status(id: str) -> dict[str, Any]:  # noqa: A002 - the field's name on the wire
    """Get a generation."""
    answer = await http.get(f"/v1/clips/{id}")
    answer.raise_for_status()
    return answer.json()


@server.tool()
async def create_clips(video_urls: list[str], prompt: str, ctx: Context) -> dict[str, Any]:
    """Create clips and follow the stream."""
    body = {"video_urls": video_urls, "prompt": prompt, "stream": True}
    told: dict[str, Any] = {}
    async with http.sse("/v1/clips", method="POST", json=body) as events:
        count = 0
        async for event in events:
            told = event.json()
            count += 1
            await ctx.report_progress(count, None, told["status"])
            if told["status"] in ("completed", "failed"):
                break
    return told


if __name__ == "__main__":
    if sys.argv[2] == "stdio":
        server.run()
    else:
        server.run("streamable-http", port=int(sys.argv[3]))
