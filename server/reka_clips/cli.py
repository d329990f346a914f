"""From the command line to an exit code. What a subcommand needs is imported when it runs."""

from __future__ import annotations

import argparse
import dataclasses
import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from reka_clips import __version__, logs
from reka_clips.settings import Settings
from reka_clips.web.lifecycle import gc_paused

_HIGHEST_PORT = 65535
_EXAMPLES = """\
examples:
  reka-clips-mcp                                  serve one client over stdio, as clients start it
  reka-clips-mcp --transport streamable-http      serve many over HTTP, on http://127.0.0.1:8000/mcp
  reka-clips-mcp doctor                           check that everything is in place
  reka-clips-mcp demo talk.mp4                    cut clips of a video now

Settings come from the environment (REKA_API_KEY, REKA_CLIPS_...): see docs/settings.md.
Exit codes: 0 success, 1 failure, 2 wrong usage, 130 stopped with Ctrl+C.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0 success, 1 failure, 2 wrong usage."""
    closed = _open_standard_streams()
    arguments = _parser().parse_args(argv)
    settings = Settings.from_environment(data_dir=arguments.data_dir)
    settings = dataclasses.replace(
        settings,
        allow_unauthenticated=settings.allow_unauthenticated or arguments.allow_unauthenticated,
        trust_local_users=settings.trust_local_users or arguments.trust_local_users,
    )
    logs.configure(settings)
    # The doctor reports them itself, and an embedded engine was started by a program that has reported them.
    if arguments.run is not _doctor and not getattr(arguments, "embedded", False):
        for problem in settings.problems:
            _tell(problem)
    for stream in _needed_streams(arguments):
        if stream in closed:
            _tell(f"standard {stream} is closed. Start this program with its input and output connected.")
            return 1
    run: Callable[[argparse.Namespace, Settings], int] = arguments.run
    try:
        code = run(arguments, settings)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except OSError as error:  # the output is a full disk or a pipe that nobody reads, a folder cannot be made, …
        logging.getLogger(__name__).debug("The command failed.", exc_info=True)
        if not isinstance(error, BrokenPipeError):
            _tell(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left in the buffer is written at exit
        return 1
    return code


def _tell(sentence: str) -> None:
    print(f"reka-clips-mcp: {sentence}", file=sys.stderr)


def _needed_streams(arguments: argparse.Namespace) -> tuple[str, ...]:
    if arguments.run is _serve:
        return ("input", "output") if arguments.transport == "stdio" else ()
    return () if arguments.run is _engine and not arguments.status else ("output",)


def _open_standard_streams() -> list[str]:
    """Make all three standard streams usable; return which were closed ("input", "output").

    Some hosts close what they do not use. The next file that is opened would then take the free descriptor, and what
    is printed would end up in it. Text that the console's encoding lacks is printed with escapes.
    """
    closed: list[str] = []
    for number, (name, label) in enumerate((("stdin", "input"), ("stdout", "output"), ("stderr", "error"))):
        if getattr(sys, name) is None:
            closed.append(label)
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return closed


def _serve(arguments: argparse.Namespace, settings: Settings) -> int:
    if arguments.transport == "stdio":
        with gc_paused():
            from reka_clips.mcp_server.stdio import serve

        return serve(settings)
    with gc_paused():
        from reka_clips.mcp_server.http import serve as serve_http

    return serve_http(
        settings,
        transport=arguments.transport,
        host=arguments.host,
        port=arguments.port,
    )


def _demo(arguments: argparse.Namespace, settings: Settings) -> int:
    from reka_clips.demo import run

    return run(settings, video=arguments.video, prompt=arguments.prompt, directory=arguments.out)


def _engine(arguments: argparse.Namespace, settings: Settings) -> int:
    from reka_clips.engine.command import run

    return run(arguments, settings)


def _explain(arguments: argparse.Namespace, settings: Settings) -> int:
    from reka_clips.engine.explain_command import run

    return run(arguments, settings)


def _captions(arguments: argparse.Namespace, settings: Settings) -> int:
    from reka_clips.engine.captions_command import run

    return run(settings, size=arguments.get_model)


def _doctor(arguments: argparse.Namespace, settings: Settings) -> int:
    from reka_clips.doctor import run

    return run(settings, as_json=arguments.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="reka-clips-mcp",
        description="An MCP server that gives AI agents video clips. Without a subcommand it serves MCP over stdio.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"reka-clips-mcp {__version__}")
    parser.add_argument(
        "--transport", choices=("stdio", "sse", "streamable-http"), default="stdio", help="default: stdio"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=8000, help="port to listen on; 0 picks one (default: 8000)")
    parser.add_argument(
        "--allow-unauthenticated",
        action="store_true",
        help="listen on an address that others can reach, without authentication",
    )
    parser.add_argument("--allow-open-door", action="store_true", dest="allow_unauthenticated", help=argparse.SUPPRESS)
    _add_trust(parser, default=False)
    parser.add_argument("--data-dir", help="where the clip engine keeps its files (REKA_CLIPS_DATA_DIR)")
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(title="subcommands", metavar="command")

    demo = commands.add_parser("demo", help="make clips of a video now, and watch it happen")
    demo.add_argument("video", nargs="?", help="a file or a link; without one, a film is made for the demo")
    demo.add_argument("--prompt", help="what the clips should show")
    demo.add_argument("--out", type=Path, default=Path("demo-clips"), help="folder for the clips (default: demo-clips)")
    demo.set_defaults(run=_demo)

    engine = commands.add_parser("engine", help="serve the clip engine alone, as a Clip API of its own")
    engine.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    engine.add_argument("--port", type=_port, default=8765, help="port to listen on; 0 picks one (default: 8765)")
    engine.add_argument("--public-url", help="the address under which others reach it; links to clips start with it")
    engine.add_argument("--status", action="store_true", help="show whether it runs, and its generations")
    engine.add_argument("--json", action="store_true", help="with --status: as JSON")
    engine.add_argument(
        "--stop", action="store_true", help="end the engine of the data folder, wherever it was started"
    )
    engine.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    engine.add_argument("--embedded", action="store_true", help=argparse.SUPPRESS)
    _add_trust(engine, default=argparse.SUPPRESS)  # else it would undo the flag before the subcommand
    engine.set_defaults(run=_engine)
    actions = engine.add_subparsers(metavar="explain")
    explain = actions.add_parser("explain", help="tell which moments of a file the engine would choose, and why")
    explain.add_argument("file", type=Path, help="a video on this computer")
    explain.add_argument("--prompt", help="what the clips should show")
    explain.add_argument("--clips", type=int, help="how many (default: as many as suit the length)")
    explain.add_argument("--min-seconds", type=int, default=0, help="shortest clip")
    explain.add_argument("--max-seconds", type=int, default=90, help="longest clip (default: 90)")
    explain.add_argument("--reel", action="store_true", help="one reel of several moments")
    explain.add_argument("--out", type=Path, default=Path(), help="folder for the two CSV files (default: this one)")
    explain.set_defaults(run=_explain)

    captions = commands.add_parser("captions", help="show which speech models are here, or fetch one")
    captions.add_argument(
        "--get-model", nargs="?", const="base", metavar="SIZE", help="fetch a model now (tiny.en, tiny, base, ...)"
    )
    captions.set_defaults(run=_captions)

    doctor = commands.add_parser("doctor", help="check that everything is in place, and explain how to fix what is not")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.set_defaults(run=_doctor)
    return parser


def _add_trust(parser: argparse.ArgumentParser, *, default: bool | str) -> None:
    parser.add_argument(
        "--trust-local-users",
        action="store_true",
        default=default,
        help="without a token or key, let every user of this computer read and save files through this server",
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _HIGHEST_PORT):
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {_HIGHEST_PORT}")
    return int(text)
