"""A client that is gone is noticed on every platform that has poll, also while what it sent was not read."""

from __future__ import annotations

import os
import select
import threading
import time

import pytest

from reka_clips.mcp_server.stdio import wait_for_hang_up

pytestmark = pytest.mark.skipif(not hasattr(select, "poll"), reason="Windows has no poll")


@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("unread", [b"", b"a line that nobody read\n"])
def test_it_waits_until_the_other_end_is_closed(platform: str, unread: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, unread)
    waiting = threading.Thread(
        target=wait_for_hang_up, args=(reading,), kwargs={"platform": platform, "look_seconds": 0.01}
    )
    waiting.start()
    try:
        waiting.join(0.2)
        assert waiting.is_alive()
        os.close(writing)
        begun = time.monotonic()
        waiting.join(10)
        assert not waiting.is_alive()
        assert time.monotonic() - begun < 5
    finally:
        os.close(reading)
