"""A tool of this server: its definition in our own words, and errors that come out in plain words."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import mcp_types as types
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel

from reka_clips.errors import RekaClipsError
from reka_clips.mcp_server.output.error_results import crash_result, failure_result
from reka_clips.mcp_server.output.models import output_schema

log = logging.getLogger(__name__)

ToolResult = types.CallToolResult | types.InputRequiredResult
Run = Callable[[Mapping[str, Any], Context[Any, Any]], Awaitable[ToolResult]]


class ClipTool(Tool):
    """A tool whose `fn` takes the raw arguments and the context and checks the arguments itself.

    The SDK would check them by pydantic, let unknown ones pass, and echo values in what it tells of the others.
    """

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """Return the tool's result; whatever goes wrong is a tool error in plain words.

        convert_result: without effect, the result is the final one already. Raises MCPError alone.
        """
        del convert_result
        try:
            return await self.fn(arguments, context)
        except MCPError:
            raise
        except RekaClipsError as error:
            log.info("%s: %s", self.name, type(error).__name__)
            return failure_result(error, tool=self.name)
        except Exception:
            log.exception("%s failed unexpectedly.", self.name)
            return crash_result(self.name)


def clip_tool(
    run: Run,
    *,
    name: str,
    title: str,
    description: str,
    input_schema: dict[str, Any],
    result: type[BaseModel],
    annotations: types.ToolAnnotations,
    icon: types.Icon,
    meta: dict[str, Any] | None = None,
) -> ClipTool:
    """Return the tool as it is registered. result: the model of its results. meta: its `_meta`."""
    return ClipTool(
        fn=run,
        name=name,
        title=title,
        description=description,
        parameters=input_schema,
        fn_metadata=FuncMetadata(arg_model=ArgModelBase, output_schema=output_schema(result)),
        is_async=True,
        context_kwarg=None,
        annotations=annotations,
        icons=[icon],
        meta=meta,
    )
