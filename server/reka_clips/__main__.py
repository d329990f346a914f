"""The command `reka-clips-mcp`, also as `python -m reka_clips` and as `python PATH/reka_clips/__main__.py`.

The last form is how this program starts itself: see `subprocesses.python_command`. Whichever form, nothing is imported
from the current folder: a coding client starts servers in the folder of a project, which may be a stranger's. That is
why this module imports nothing at its top but what Python has loaded by then.
"""

import os
import site
import sys


def main() -> int:
    """Run the command; return its exit code."""
    distrust_current_folder()
    from reka_clips.cli import main as run

    return run()


def distrust_current_folder() -> None:
    """Take the current folder off the import path, whether `python -m` or PYTHONPATH put it there.

    It stays where packages are installed in it, or this program itself.
    """
    installed = (*site.getsitepackages(), site.getusersitepackages(), os.path.dirname(os.__file__), _home())
    relative = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if not os.path.isabs(entry)]
    try:
        doubtful = {os.path.realpath(entry) for entry in (os.curdir, *relative)}
    except FileNotFoundError:  # the current folder was removed
        sys.path[:] = [entry for entry in sys.path if os.path.isabs(entry)]
        return
    doubtful -= {os.path.realpath(folder) for folder in installed}
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry) not in doubtful]


def _import_this_copy() -> None:
    """Import the package from the folder that this file lies in, wherever else it may be installed."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(
        "reka_clips", os.path.join(os.path.dirname(os.path.abspath(__file__)), "__init__.py")
    )
    if spec is not None and spec.loader is not None:
        package = sys.modules["reka_clips"] = module_from_spec(spec)
        spec.loader.exec_module(package)


def _home() -> str:
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


if __name__ == "__main__":
    if __spec__ is None:
        _import_this_copy()
    sys.exit(main())
