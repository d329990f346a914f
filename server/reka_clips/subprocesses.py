"""How this program starts itself again and others: nothing from the current folder, and no secrets.

Coding clients start servers in the folder of a project, which may be a stranger's. A plain `python -m` puts that
folder first on `sys.path`, so a `queue.py` in it would be run. See docs.python.org, "The initialization of sys.path".
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent
# What any program may need to run at all. Compared without regard to case, as Windows does.
_SYSTEM: Final = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_", "TZ", "TMPDIR", "TEMP", "TMP", "XDG_"),
    *("LD_LIBRARY_PATH", "DYLD_", "FONTCONFIG_", "OMP_", "NUMBER_OF_PROCESSORS", "SYSTEMROOT", "SYSTEMDRIVE"),
    *("WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "PROGRAM"),
)
# COVERAGE_: a developer's measurement goes on in child processes.
_PYTHON: Final = (
    *("PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"),
    *("PYTHONUTF8", "PYTHONIOENCODING", "PYTHONWARNINGS", "PYTHONDEVMODE", "VIRTUAL_ENV", "COVERAGE_"),
)
_ENGINE: Final = ("REKA_CLIPS_", "CT2_", "MKL_")
_NETWORK: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC")
# What decides where and how uv, which may have started this program, fetches packages.
_UV: Final = (
    *(
        "UV_INDEX",
        "UV_DEFAULT_INDEX",
        "UV_EXTRA_INDEX",
        "UV_FIND_LINKS",
        "UV_KEYRING",
        "UV_CONFIG_FILE",
        "UV_NO_CONFIG",
    ),
    *("UV_OFFLINE", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS", "UV_INSECURE_HOST", "UV_HTTP", "UV_CACHE_DIR"),
)
_MODEL_HUB: Final = ("HF_ENDPOINT", "HF_HOME", "HF_HUB_")  # but not HF_TOKEN: the models are public
_SECRETS: Final = ("REKA_CLIPS_AUTH_TOKEN", "REKA_CLIPS_ENGINE_KEY", "REKA_CLIPS_SECRET")


def python_command(*arguments: str) -> list[str]:
    """Return the command that runs this very program in a new process, as `reka-clips-mcp ARGUMENTS` would.

    -P keeps the current folder off the import path. The program is named by its file, so that the child runs this
    copy of it, wherever the parent found it.
    """
    return [sys.executable, "-P", str(_PACKAGE / "__main__.py"), *arguments]


def engine_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the engine may know of an environment: settings without secrets, proxies, certificates, uv's."""
    uv = {name: value for name, value in environ.items() if name == "UV"}  # its path
    return _allowed(environ, (*_SYSTEM, *_ENGINE, *_NETWORK, *_MODEL_HUB, *_UV)) | _for_python(environ) | uv


def worker_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a worker may know. It opens files of strangers, and fetches the speech model."""
    return _allowed(environ, (*_SYSTEM, *_ENGINE, *_NETWORK, *_MODEL_HUB)) | _for_python(environ)


def media_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what ffmpeg may know."""
    return _allowed(environ, _SYSTEM)


def find_program(name: str) -> str | None:
    """Return the absolute path of a program on PATH, or None. Relative folders on PATH are passed over.

    Windows looks into the current folder first; this does not. name: one with a folder in it is looked for only there.
    """
    import shutil

    if os.path.dirname(name):  # noqa: PTH120 - as the shell tells a name from a path
        return shutil.which(name)
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if not os.path.isabs(folder):  # noqa: PTH117 - a string is what PATH holds
            continue
        found = shutil.which(os.path.join(folder, name))  # noqa: PTH118 - with a folder in it, which() looks there only
        if found is not None:
            return found
    return None


def _allowed(environ: Mapping[str, str], prefixes: tuple[str, ...]) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if name.upper().startswith(prefixes) and name.upper() not in _SECRETS
    }


def _for_python(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what decides how Python runs; of PYTHONPATH what lies elsewhere than in the current folder."""
    try:
        here = os.path.realpath(os.curdir)
    except FileNotFoundError:  # it was removed
        here = os.curdir
    kept = [
        entry
        for entry in _python_path(environ)
        if os.path.isabs(entry) and (os.path.realpath(entry) != here or here == str(_PACKAGE.parent))  # noqa: PTH117
    ]
    return _allowed(environ, _PYTHON) | ({"PYTHONPATH": os.pathsep.join(kept)} if kept else {})


def _python_path(environ: Mapping[str, str]) -> list[str]:
    """Return the entries of PYTHONPATH. An empty one is the current folder."""
    value = environ.get("PYTHONPATH", "")
    return value.split(os.pathsep) if value else []
