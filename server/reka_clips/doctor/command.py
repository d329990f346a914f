"""Runs the checks and prints what they found."""

from __future__ import annotations

import os

import anyio

from reka_clips import __version__, logs
from reka_clips.doctor.configuration import backend_of, check_backend, check_settings
from reka_clips.doctor.machine import check_disk, check_ffmpeg, check_folder, check_fonts, check_privacy, check_python
from reka_clips.doctor.report import Finding, as_json, as_text, is_healthy
from reka_clips.doctor.service import check_engine, check_reka
from reka_clips.settings import Settings


def run(settings: Settings, *, as_json: bool) -> int:
    """Check everything, print the findings to stdout; return 0 if nothing has to be mended, else 1."""
    findings = anyio.run(examine, settings)
    text = _render(findings, json=as_json)
    print(logs.hide(text, settings.secrets))
    return 0 if is_healthy(findings) else 1


async def examine(settings: Settings) -> list[Finding]:
    """Return the findings of all checks, in the order in which one would mend them."""
    backend = backend_of(settings)
    is_local = backend == "local"
    findings = [check_python(), *check_settings(settings, os.environ), check_backend(settings)]
    if backend == "reka" and settings.api_key:
        findings += await check_reka(settings)
    else:
        findings.append(Finding("key", "skipped", "not asked for: Reka is not used" if is_local else "there is none"))
    findings += check_ffmpeg(settings, backend)
    findings += await check_fonts(settings)
    findings.append(check_folder("data folder", settings.data_dir, variable="REKA_CLIPS_DATA_DIR", needed=is_local))
    findings += check_privacy()
    findings.append(check_disk(settings.data_dir, needed=is_local))
    if is_local:
        has_trouble = any(f.status == "problem" and f.check in ("ffmpeg", "data folder", "disk") for f in findings)
        findings.append(
            Finding("engine", "skipped", "not started: see above") if has_trouble else await check_engine(settings)
        )
    findings.append(check_folder("save folder", settings.save_dir, variable="REKA_CLIPS_SAVE_DIR", needed=False))
    return findings


def _render(findings: list[Finding], *, json: bool) -> str:
    return as_json(findings, version=__version__) if json else as_text(findings, version=__version__)
