"""Runs the checks and prints what they found; among them, whether the Clip API answers and takes the key.

The Clip API is asked for one line of the list of generations, which is free.
"""

from __future__ import annotations

import os
from typing import Final

import anyio

from reka_clips import __version__, logs
from reka_clips.client import ClipClient, ConnectionPool, Retries
from reka_clips.doctor.machine import (
    backend_of,
    check_backend,
    check_disk,
    check_ffmpeg,
    check_folder,
    check_fonts,
    check_privacy,
    check_python,
    check_settings,
)
from reka_clips.doctor.report import Finding, as_text, is_healthy
from reka_clips.doctor.report import as_json as report_json
from reka_clips.errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    CreditError,
    RateLimitError,
    RekaClipsError,
    ServerError,
    TransportError,
)
from reka_clips.settings import DEFAULT_BASE_URL, Settings

_ANSWER_SECONDS: Final = 30.0
_START_SECONDS: Final = 90.0  # the launcher gives up before; this holds when it hangs
_ONCE: Final = Retries(attempts=2)
_LOOK_AT_THE_NETWORK: Final = (
    "Check the network; behind a proxy set HTTPS_PROXY, with a company's own certificate SSL_CERT_FILE."
)
_LOOK_AT_THE_ADDRESS: Final = "Check REKA_BASE_URL, and whether the service at that address runs."
_REMEDIES: Final[tuple[tuple[type[RekaClipsError], str], ...]] = (
    (AuthenticationError, "Make a new key on Reka's platform site, https://platform.reka.ai, for REKA_API_KEY."),
    (CreditError, "Add credit to the Reka account of this key."),
    (RateLimitError, "Wait until the limit is renewed."),
    (ApiError, "Check REKA_BASE_URL: is there a Clip API at that address?"),
    (ConfigurationError, "Correct it in the configuration of the client that starts the server."),
)
_UNASKED: Final = Finding("key", "skipped", "not checked: there was no answer")


def run(settings: Settings, *, as_json: bool) -> int:
    """Check everything, print the findings to stdout; return 0 if every check passes, otherwise 1."""
    findings = anyio.run(examine, settings)
    render = report_json if as_json else as_text
    print(logs.hide(render(findings, version=__version__), settings.secrets))
    return 0 if is_healthy(findings) else 1


async def examine(settings: Settings) -> list[Finding]:
    """Return the findings of all checks, in the order in which to fix them."""
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


async def check_reka(settings: Settings) -> list[Finding]:
    """Return whether the Clip API answers, and whether it takes the key; nothing is spent."""
    where = settings.base_url
    unreached = _LOOK_AT_THE_NETWORK if where == DEFAULT_BASE_URL else _LOOK_AT_THE_ADDRESS
    try:
        left = await _ask(settings, where, settings.api_key)
    except TimeoutError:
        return [Finding("network", "problem", f"{where} did not answer in time.", unreached), _UNASKED]
    except TransportError as error:
        return [Finding("network", "problem", _told(error), unreached), _UNASKED]
    except ServerError as error:
        return [Finding("network", "problem", _told(error), "It is in trouble; try again in some minutes."), _UNASKED]
    except RekaClipsError as error:
        remedy = next((words for kind, words in _REMEDIES if isinstance(error, kind)), None)
        key = Finding("key", "note" if isinstance(error, RateLimitError) else "problem", _told(error), remedy)
        return [Finding("network", "ok", f"{where} answers"), key] if isinstance(error, ApiError) else [key]
    return [Finding("network", "ok", f"{where} answers"), Finding("key", "ok", f"the key is accepted{left}")]


async def check_engine(settings: Settings) -> Finding:
    """Find or start the engine as a server would, and ask it for its list. It ends by itself when it is not needed."""
    try:
        from reka_clips.engine.process import EngineProcess

        with anyio.fail_after(_START_SECONDS):
            engine = EngineProcess(settings)
            await engine.start()
            await _ask(settings, engine.base_url, engine.api_key)
    except ImportError:
        return Finding("engine", "problem", "The clip engine is not installed.", 'pip install "reka-clips-mcp[local]"')
    except TimeoutError:
        return Finding(
            "engine",
            "problem",
            f"The clip engine did not start within {_START_SECONDS:.0f} s.",
            "Set REKA_CLIPS_LOG_LEVEL to DEBUG and look at what it writes.",
        )
    except RekaClipsError as error:
        return Finding(
            "engine",
            "problem",
            _told(error),
            "Fix the problems above, if there are any. `reka-clips-mcp engine` shows the reason, too.",
        )
    return Finding("engine", "ok", "the clip engine starts and answers")


async def _ask(settings: Settings, base_url: str, api_key: str | None) -> str:
    """Ask for one line of the list; return what the answer says of the creations left, as an ending of a sentence."""
    seconds = min(settings.timeout_seconds, _ANSWER_SECONDS)
    with anyio.fail_after(_ANSWER_SECONDS):
        async with ConnectionPool(timeout_seconds=seconds) as pool:
            client = ClipClient(pool, base_url=base_url, api_key=api_key, retries=_ONCE)
            await client.list(limit=1)
            left = client.rate_limit.remaining if client.rate_limit else None
            most = client.rate_limit.limit if client.rate_limit else None
    if left is None:
        return ""
    return f"; {left} of {most} creations left" if most else f"; {left} creations left"


def _told(error: RekaClipsError) -> str:
    request_id = error.request_id if isinstance(error, ApiError | TransportError) else None
    return f"{error} (request id {request_id})" if request_id else str(error)
