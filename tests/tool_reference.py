"""The tool reference in docs/tools.md and the snapshot of tools/list, both made from the code.

`python tests/tool_reference.py` writes them anew; a test fails while they differ from the code.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from reka_clips.contract.schemas import Option, options
from reka_clips.mcp_server.app import build_server
from reka_clips.mcp_server.context import AppContext
from reka_clips.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "tools.md"
SNAPSHOT = ROOT / "tests" / "contract" / "tools_list.json"
BEGIN, END = "<!-- tools:begin -->", "<!-- tools:end -->"


def tools_list() -> list[dict[str, Any]]:
    """Return what tools/list gives over stdio, as it goes over the wire."""
    import anyio

    async def listed() -> list[dict[str, Any]]:
        settings = Settings(api_key="key", save_dir=PurePosixPath("/home/me/Videos"))  # pyright: ignore[reportArgumentType]
        tools = await build_server(AppContext(settings)).list_tools()
        return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]

    return anyio.run(listed)


def reference() -> str:
    """Return the reference in Markdown."""
    parts: list[str] = []
    for tool in tools_list():
        parts.append(f"### `{tool['name']}`: {tool['title']}\n\n{tool['description']}\n")
        parts.append("| Parameter | Type | Meaning |\n|---|---|---|")
        parts.append("\n".join(_row(option) for option in options(tool["inputSchema"])) + "\n")
    return "\n".join(parts)


def with_reference(page: str) -> str:
    """Return the page with the reference between its marks; unchanged if it has none."""
    before, mark, rest = page.partition(BEGIN)
    if not mark:
        return page
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{rest.partition(END)[2]}"


def _row(option: Option) -> str:
    required = ", required" if option.is_required else ""
    values = f" One of: {', '.join(f'`{value}`' for value in option.values)}." if option.values else ""
    meaning = (option.meaning + values).replace("|", "\\|").replace("\n", " ")
    return f"| `{option.path}` | {option.kind}{required} | {meaning} |"


def main() -> None:
    """Write both files."""
    SNAPSHOT.write_text(json.dumps(tools_list(), indent=1, ensure_ascii=False) + "\n")
    REFERENCE.write_text(with_reference(REFERENCE.read_text()))


if __name__ == "__main__":
    main()
