"""How many of our modules a call goes through: from a tool's argument to the POST, and from an event to a notification.

`python tests/trace_path.py` makes one real call against a scripted Clip API and prints the modules whose functions get
the argument (the link) or the event (with the generation's id), in the order in which they get it; it exits with 1 where
there are more than the architecture allows. `make check` runs it.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import anyio

sys.path.insert(0, str(Path(__file__).parent))

from mcp import Client

from reka_clips.client.clips import ClipClient
from reka_clips.client.stream import ClipStream
from reka_clips.mcp_server.app import build_server
from reka_clips.mcp_server.context import AppContext
from reka_clips.mcp_server.progress import ProgressReporter
from reka_clips.mcp_server.tools.base import ClipTool
from reka_clips.settings import Settings
from scripted_api import ScriptedClipApi

MOST_TO_POST = 12
MOST_TO_NOTIFICATION = 8
LINK = "https://example.com/v.mp4"
_ROOT = str(Path(__file__).resolve().parents[1] / "server" / "reka_clips")


class Trace:
    """Collects the modules to whose functions a text is passed, alone or inside of something, while it is switched on."""

    def __init__(self, marker: str = "") -> None:
        self.modules: list[str] = []
        self.is_on = False
        self.marker = marker

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        name = frame.f_code.co_filename
        if self.is_on and event == "call" and name.startswith(_ROOT) and frame.f_code.co_name != "<module>":
            module = name.removeprefix(_ROOT + "/").removesuffix(".py")
            if module not in self.modules and self._holds(frame):
                self.modules.append(module)

    def _holds(self, frame: FrameType) -> bool:
        self.is_on = False  # what looking calls is not part of the way
        try:
            return any(self.marker in repr(value) for name, value in frame.f_locals.items() if name != "self")
        except Exception:  # noqa: BLE001 - an object that is not ready to be shown
            return False
        finally:
            self.is_on = True


async def traced() -> tuple[list[str], list[str]]:
    """Return the modules from argument to POST, and those from an event of the stream to its notification."""
    posting, telling = Trace(LINK), Trace()
    run, stream, read, send = ClipTool.run, ClipClient.stream, ClipStream.__anext__, ProgressReporter._send

    async def begin(self: ClipTool, *args: Any, **more: Any) -> Any:
        posting.is_on = True
        return await run(self, *args, **more)

    def post(self: ClipClient, *args: Any, **more: Any) -> Any:
        posting.is_on = False
        posting.modules += [] if "client/clips" in posting.modules else ["client/clips"]
        return stream(self, *args, **more)

    async def event(self: ClipStream) -> Any:
        snapshot = await read(self)
        telling.modules, telling.is_on, telling.marker = [], True, snapshot.id
        return snapshot

    async def notify(self: ProgressReporter, *args: Any, **more: Any) -> Any:
        telling.is_on = False
        if telling.modules:
            found.append(["client/stream", *telling.modules])
        return await send(self, *args, **more)

    found: list[list[str]] = []
    ClipTool.run, ClipClient.stream = begin, post  # type: ignore[method-assign]
    ClipStream.__anext__, ProgressReporter._send = event, notify  # type: ignore[method-assign]

    def both(frame: FrameType, event: str, argument: Any) -> None:
        posting(frame, event, argument)
        telling(frame, event, argument)

    async with ScriptedClipApi() as api:
        settings = Settings(api_key="key", base_url=api.base_url)
        async with AppContext(settings) as runtime, Client(build_server(runtime)) as client:
            sys.setprofile(both)
            threading.setprofile(both)
            try:
                await client.call_tool("create_clips", {"video_urls": [LINK]}, progress_callback=_ignore)
            finally:
                sys.setprofile(None)
    return posting.modules, max(found, key=len, default=[])


async def _ignore(*_: Any) -> None:
    """Want progress, and look at none of it."""


def main() -> int:
    """Print both ways; return 1 if one is too long."""
    posting, telling = anyio.run(traced)
    print(f"from argument to POST: {len(posting)} modules (at most {MOST_TO_POST})\n  {' > '.join(posting)}")
    print(
        f"from event to notification: {len(telling)} modules (at most {MOST_TO_NOTIFICATION})\n  {' > '.join(telling)}"
    )
    return int(len(posting) > MOST_TO_POST or len(telling) > MOST_TO_NOTIFICATION or not telling)


if __name__ == "__main__":
    raise SystemExit(main())
