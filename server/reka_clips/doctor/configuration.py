"""What the environment says: wrong values, placeholders that a host left in place, misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final, Literal

from reka_clips.doctor.report import Finding
from reka_clips.settings import KNOWN_VARIABLES, Settings

_PREFIX: Final = "REKA_"
_BACKEND: Final = "REKA_CLIPS_BACKEND"
_GET_A_KEY: Final = "A free key comes from Reka's platform site, https://platform.reka.ai."


def backend_of(settings: Settings) -> Literal["reka", "local"] | None:
    """Return the backend that these settings choose, or None where the choice is wrong."""
    if settings.backend == "auto":
        return "reka" if settings.api_key else "local"
    return settings.backend


def check_settings(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    """Return what is wrong with the settings, one finding each, or one that says all is well."""
    findings = [
        Finding("settings", "problem", problem, "Correct it, or remove it to use the default.")
        for problem in settings.problems
        if not problem.startswith(_BACKEND)  # check_backend reports it
    ]
    findings += [
        Finding(
            "settings",
            "note",
            f"{name} still holds a placeholder, because the program that starts the server had no value for it. "
            "It counts as not set.",
        )
        for name in settings.placeholders
    ]
    for name in sorted(name for name in environ if name.startswith(_PREFIX) and name not in KNOWN_VARIABLES):
        close = difflib.get_close_matches(name, KNOWN_VARIABLES, n=1)
        findings.append(
            Finding(
                "settings",
                "note",
                f"{name} is not a setting of this server and has no effect.",
                f"Did you mean {close[0]}?" if close else None,
            )
        )
    count = sum(name in KNOWN_VARIABLES for name in environ)
    told = "no variable is set; defaults are used" if count == 0 else f"{count} set, all valid"
    return findings or [Finding("settings", "ok", told)]


def check_backend(settings: Settings) -> Finding:
    """Return where clips will be made, or what keeps the choice from working."""
    backend = backend_of(settings)
    if backend is None:
        return Finding("backend", "problem", "REKA_CLIPS_BACKEND names no backend.", "Set it to auto, reka or local.")
    if backend == "reka" and not settings.api_key:
        return Finding(
            "backend",
            "problem",
            "REKA_CLIPS_BACKEND is reka, and there is no key.",
            f"Set REKA_API_KEY in the configuration of the client that starts the server. {_GET_A_KEY} "
            "Or set REKA_CLIPS_BACKEND to local: clips are then cut on this computer.",
        )
    if backend == "reka":
        return Finding("backend", "ok", f"clips are made by the Clip API at {settings.base_url}")
    why = "there is no key" if settings.backend == "auto" else "as REKA_CLIPS_BACKEND says"
    return Finding("backend", "ok", f"clips are cut on this computer ({why})")
