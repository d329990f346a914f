"""A Windows on a Debian: a CPython for Windows with the Windows wheels of what the server needs, under Wine.

Everything comes from Debian's packages and the package index. The wheel of panda3d brings python.org's own DLLs, for
people who freeze games; the standard library is the same on every platform, so that of the Python here serves.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
PANDA3D: Final = "panda3d==1.10.16"  # brings the DLLs of CPython 3.11, 3.12 and 3.13
PYTHONS: Final = ((3, 11), (3, 12), (3, 13))
COMPILER: Final = "x86_64-w64-mingw32-gcc-win32"
PROGRAMS: Final = {
    "wine": "wine",
    "wineserver": "wine64",
    COMPILER: "gcc-mingw-w64-x86-64-win32",
}
# pip judges markers by the machine it runs on: what only Windows needs is named.
WINDOWS_ONLY: Final = ("pywin32>=311", "colorama", "tzdata")
TESTING: Final = ("pytest>=9", "pytest-timeout>=2.4", "hypothesis>=6.120", "fonttools>=4.60", "pyyaml>=6")
_NOT_COPIED: Final = (
    "__pycache__",
    "site-packages",
    "lib-dynload",
    "config-*",
    "test",
    "idlelib",
    "ensurepip",
    "tkinter",
)
# Of what Wine has no part that is needed (_wmi), or what is for others: free threading, Tk, tests, older Windows.
_LEFT_OUT: Final = ("api-ms-", "python3", "vcruntime", "_wmi", "_test", "tcl", "tk", "_tkinter")


class NotPossibleError(Exception):
    """Why there can be no Windows here, in a sentence."""


@dataclass(frozen=True)
class Windows:
    """A Windows in `folder`: its Python, its Wine prefix."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "python" / "python.exe"

    @property
    def packages(self) -> Path:
        return self.folder / "python" / "Lib" / "site-packages"

    @property
    def uv(self) -> Path:
        return self.folder / "uv" / "uv.exe"

    def environment(self, **settings: str) -> dict[str, str]:
        """Return the environment for `wine`, with these settings for the program in it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("REKA_", "PYTHON", "UV"))}
        wine = {
            "WINEPREFIX": str(self.folder / "prefix"),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return kept | wine | settings

    def command(self, program: Path, *arguments: str) -> list[str]:
        """Return what starts a Windows program here. Wine wants all three streams to be pipes."""
        return ["bash", "-c", 'exec "$@" 2> >(exec cat >&2)', "bash", "wine", str(program), *arguments]

    def run(
        self, *arguments: str, cwd: Path | None = None, timeout_seconds: float = 600, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the Windows Python to its end."""
        return subprocess.run(
            self.command(self.python, *arguments),
            input="",
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=self.environment(**settings),
            cwd=cwd or self.folder,
            timeout=timeout_seconds,
            check=False,
        )

    def path(self, path: Path) -> str:
        """Return how Windows names a file of this machine."""
        return "Z:" + str(path).replace("/", "\\")

    @contextmanager
    def session(self) -> Iterator[Windows]:
        """Keep a desktop while the block lasts, as a Windows has one; end whatever runs in this prefix after it.

        Without one, the first program that needs it starts it, and it keeps that program's pipes open.
        """
        script = "import ctypes, sys; print(ctypes.windll.user32.GetDesktopWindow(), flush=True); sys.stdin.read()"
        with subprocess.Popen(
            self.command(self.python, "-c", script),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment(),
        ) as desktop:
            assert desktop.stdout is not None
            desktop.stdout.readline()
            try:
                yield self
            finally:
                subprocess.run(["wineserver", "-k"], env=self.environment(), check=False, timeout=60)


def windows(folder: Path) -> Windows:
    """Return the Windows in `folder`, set up if it is not there yet. Raises NotPossibleError."""
    made = Windows(folder)
    ready = folder / "ready"
    recipe = _recipe()
    if not ready.is_file() or ready.read_text(encoding="utf-8") != recipe:
        if sys.version_info[:2] not in PYTHONS:
            raise NotPossibleError("there are DLLs for Python 3.11, 3.12 and 3.13 only, and this one is another.")
        _install_programs()
        print(f"Setting up a Windows in {folder} …", flush=True)
        for name in ("python", "prefix", "uv", "downloads"):
            shutil.rmtree(folder / name, ignore_errors=True)
        made.packages.mkdir(parents=True)
        _copy_dlls(made)
        _copy_standard_library(made)
        _compile(made)
        _install_wheels(made)
        _boot(made)
        ready.write_text(recipe, encoding="utf-8")
    _copy_project(made)
    return made


def _recipe() -> str:
    """Return what decides how the Windows is set up; where it changes, it is set up anew."""
    sources = [path.read_text(encoding="utf-8") for path in sorted(HERE.glob("*.c"))]
    return "\n".join([PANDA3D, *_requirements(), *sources])


def _requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["local"], *WINDOWS_ONLY, *TESTING]


def _install_programs() -> None:
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if not missing:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise NotPossibleError(f"Wine cannot be installed here (no apt-get, or not root): {', '.join(missing)}.")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "--quiet=2"], ["install", "--quiet=2", "--yes", "--no-install-recommends", *missing]):
        if subprocess.run(["apt-get", *command], env=quiet, stdout=sys.stderr, check=False).returncode:
            raise NotPossibleError(f"apt-get could not install {', '.join(missing)}.")


def _version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _download(made: Windows, requirement: str) -> Path:
    """Return the Windows wheel of a package."""
    target = made.folder / "downloads" / requirement.partition("=")[0]
    _pip("download", "--no-deps", "--dest", str(target), *_platform(), requirement)
    (wheel,) = target.glob("*.whl")
    return wheel


def _platform() -> Sequence[str]:
    return ("--platform", "win_amd64", "--python-version", _version(), "--only-binary=:all:")


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
    if ended.returncode:
        raise NotPossibleError(f"pip could not fetch what Windows needs: {ended.stderr[-800:]}")


def _copy_dlls(made: Windows) -> None:
    home = made.python.parent
    (home / "DLLs").mkdir()
    main = f"python{_version().replace('.', '')}.dll"
    with zipfile.ZipFile(_download(made, PANDA3D)) as wheel:
        for name in wheel.namelist():
            folder, _, file = name.rpartition("/")
            if folder != "deploy_libs" or not file:
                continue
            is_needed_first = file.lower() in (main, "vcruntime140.dll", "vcruntime140_1.dll")
            if is_needed_first or not (file.lower().startswith(_LEFT_OUT) or "t-win" in file):
                (home / ("" if is_needed_first else "DLLs") / file).write_bytes(wheel.read(name))


def _copy_standard_library(made: Windows) -> None:
    source = Path(os.__file__).parent
    ignore = shutil.ignore_patterns(*_NOT_COPIED)
    shutil.copytree(source, made.python.parent / "Lib", ignore=ignore, dirs_exist_ok=True)


def _compile(made: Windows) -> None:
    home, number = made.python.parent, _version().replace(".", "")
    dll = home / f"python{number}.dll"
    launchers = home / "Lib" / "venv" / "scripts" / "nt"
    launchers.mkdir(parents=True, exist_ok=True)
    table = subprocess.run(
        ["x86_64-w64-mingw32-objdump", "-p", str(dll)], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    _, _, names = table.partition("[Ordinal/Name Pointer] Table")
    exports = [line.split()[-1] for line in names.splitlines() if line.strip().startswith("[")]
    # python3.dll, the stable ABI, hands everything on to the real one.
    (home / "python3.def").write_text(
        "\n".join(["LIBRARY python3.dll", "EXPORTS", *(f"{name}=python{number}.{name}" for name in exports)])
    )
    (home / "empty.c").write_text("int DllMainCRTStartup(void *a, int b, void *c) { return 1; }\n")
    for arguments in (
        ["-municode", "-o", home / "python.exe", HERE / "python.c", dll],
        ["-municode", "-o", launchers / "python.exe", HERE / "venvlauncher.c"],
        ["-shared", "-o", home / "bcryptprimitives.dll", HERE / "bcryptprimitives.c", "-ladvapi32"],
        ["-shared", "-nostdlib", "-o", home / "python3.dll", home / "empty.c", home / "python3.def"],
    ):
        subprocess.run([COMPILER, "-O1", *map(str, arguments)], check=True, timeout=120)
    for name in ("pythonw.exe", "venvlauncher.exe", "venvwlauncher.exe"):
        shutil.copyfile(launchers / "python.exe", launchers / name)


def _install_wheels(made: Windows) -> None:
    _pip("install", "--target", str(made.packages), "--implementation", "cp", *_platform(), *_requirements())
    with zipfile.ZipFile(_download(made, "uv")) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith("/uv.exe"))
        made.uv.parent.mkdir(parents=True)
        made.uv.write_bytes(wheel.read(name))
    shutil.copyfile(made.python.with_name("bcryptprimitives.dll"), made.uv.with_name("bcryptprimitives.dll"))
    shutil.rmtree(made.folder / "downloads")


def _boot(made: Windows) -> None:
    for command in (["wineboot", "--init"], ["winecfg", "-v", "win10"]):
        subprocess.run(
            ["wine", *command],
            env=made.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=600,
        )
    ended = made.run("-c", "import sys; print(sys.platform)")
    if ended.stdout.strip() != "win32":
        raise NotPossibleError(f"the Windows Python does not run: {ended.stdout}{ended.stderr}")


def _copy_project(made: Windows) -> None:
    target = made.packages / "reka_clips"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / "server" / "reka_clips", target, ignore=shutil.ignore_patterns("__pycache__"))
