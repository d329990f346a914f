"""What one gets by FastMCP from an OpenAPI description. Arguments: UPSTREAM DESCRIPTION, then as the others."""

import json
import sys
from pathlib import Path

import httpx2
from fastmcp import FastMCP

UPSTREAM = sys.argv[1]
server = FastMCP.from_openapi(
    json.loads(Path(sys.argv[2]).read_text("utf-8")),
    client=httpx2.AsyncClient(base_url=UPSTREAM, headers={"X-Api-Key": "key"}, timeout=60),
    name="generated",
)

if __name__ == "__main__":
    if sys.argv[3] == "stdio":
        server.run(show_banner=False)
    else:
        server.run("http", show_banner=False, port=int(sys.argv[4]))
