"""A Clip API for tests that behaves in every way an upstream may, and remembers every request.

In a test: `async with ScriptedClipApi() as api`. For another process: `python -m scripted_api [--port N]` with `tests`
on PYTHONPATH; it prints {"port": N} and takes orders under /_admin/ (see ScriptedClipApi).
"""

from scripted_api.api import CLIP, STAGES, Generation, Recorded, ScriptedClipApi
from scripted_api.scenarios import SCENARIOS, Scenario

__all__ = ["CLIP", "SCENARIOS", "STAGES", "Generation", "Recorded", "Scenario", "ScriptedClipApi"]
