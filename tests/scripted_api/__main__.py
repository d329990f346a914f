"""Serves the scripted Clip API until standard input closes."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from scripted_api import ScriptedClipApi


async def _serve(port: int) -> None:
    async with ScriptedClipApi(port=port) as api:
        print(json.dumps({"port": api.server.port}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--port", type=int, default=0)
asyncio.run(_serve(parser.parse_args().port))
