"""Starts the server as a host would, from a manifest or from a client's configuration, and asks what it offers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters, stdio_client


@dataclass(frozen=True, slots=True)
class Offer:
    """What a started server says of itself. `prompts`: name to names of arguments."""

    name: str
    version: str
    tools: tuple[str, ...]
    prompts: dict[str, list[str]]


def configured(manifest: Mapping[str, Any], folder: Path, answers: Mapping[str, str]) -> StdioServerParameters:
    """Return how a desktop host starts an unpacked bundle.

    answers: what the person filled in. What was left empty stays in place as `${user_config.…}`: some hosts do that.
    """
    values = {"__dirname": str(folder), **{f"user_config.{key}": value for key, value in answers.items()}}

    def filled(text: str) -> str:
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        return text

    config = manifest["server"]["mcp_config"]
    return StdioServerParameters(
        command=filled(config["command"]),
        args=[filled(argument) for argument in config["args"]],
        env=environment({name: filled(value) for name, value in config["env"].items()}),
    )


def environment(settings: Mapping[str, str] | None = None, *, path: Sequence[Path] = ()) -> dict[str, str]:
    """Return an environment without this process's own settings and virtual environment.

    path: folders to look for programs in, before the others.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("REKA_") and name not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
    }
    kept["PATH"] = os.pathsep.join([*map(str, path), kept.get("PATH", os.defpath)])
    return kept | (settings or {})


async def ask(parameters: StdioServerParameters, *, timeout_seconds: float = 600) -> Offer:
    """Start the server, ask for its tools and prompts, and end it. The first start may have to install it."""
    with anyio.fail_after(timeout_seconds):
        async with Client(stdio_client(parameters), read_timeout_seconds=timeout_seconds) as client:
            tools = await client.list_tools()
            prompts = await client.list_prompts()
            return Offer(
                name=client.server_info.name,
                version=client.server_info.version,
                tools=tuple(tool.name for tool in tools.tools),
                prompts={prompt.name: [a.name for a in prompt.arguments or []] for prompt in prompts.prompts},
            )
