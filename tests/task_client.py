"""What a client needs to speak MCP Tasks, beside the SDK's own client. Source: SEP-2663 and its specification."""

from __future__ import annotations

from typing import Any, Literal

from mcp import Client
from mcp.client.extension import ClientExtension, ResultClaim
from mcp_types import CallToolResult, Request, RequestParams, Result
from pydantic import ConfigDict, TypeAdapter

from reka_clips.mcp_server.extensions.tasks import EXTENSION_ID

METHODS = ("tasks/get", "tasks/update", "tasks/cancel")


class CreateTaskResult(Result):
    model_config = ConfigDict(extra="allow")

    result_type: Literal["task"]


class TaskParams(RequestParams):
    task_id: str
    input_responses: dict[str, Any] | None = None


class TaskRequest(Request[TaskParams, str]):
    name_param = "taskId"


class KnowsTasks(ClientExtension):
    """A client that takes a task where the server answers with one."""

    identifier = EXTENSION_ID

    def claims(self):
        return [ResultClaim(result_type="task", model=CreateTaskResult, resolve=self._resolve)]

    async def _resolve(self, _task: CreateTaskResult, _context: Any) -> CallToolResult:
        raise AssertionError("the tests look at the task themselves")


async def create(client: Client, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call `create_clips` and return what came on the wire: a task, or the tool's result."""
    result = await client.session.call_tool("create_clips", arguments, allow_claimed=True)
    return result.model_dump(by_alias=True, mode="json", exclude_none=not isinstance(result, CreateTaskResult))


async def ask(client: Client, method: str, task_id: str) -> dict[str, Any]:
    """Send one of METHODS and return what came on the wire. Raises MCPError."""
    params = TaskParams(task_id=task_id, input_responses={} if method == "tasks/update" else None)
    return await client.session.send_request(TaskRequest(method=method, params=params), TypeAdapter(dict[str, Any]))
