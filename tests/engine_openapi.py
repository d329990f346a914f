"""The contract as an OpenAPI 3.2 document, made from the same models that check requests; 3.2 describes streams."""

from __future__ import annotations

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from reka_clips.contract import CreateRequest, DeleteRequest
from reka_clips.engine.http.request_parsing import MAX_PROMPT_CHARACTERS, MAX_VIDEO_URLS

_REF: Final = "#/components/schemas/"
_ID: Final = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_SNAPSHOT_NAME: Final = "Snapshot"


def document(version: str) -> dict[str, Any]:
    """Return the document. version: of this program."""
    return {
        "openapi": "3.2.0",
        "info": {"title": "Clip API of the embedded engine", "version": version},
        "paths": {
            "/healthz": {"get": {"operationId": "health", "security": [], "responses": _answers("Health", 200)}},
            "/v1/clips": {"get": _list(), "post": _create()},
            "/v1/clips/{id}": {"parameters": [_ID], "get": _get(), "delete": _delete()},
            "/v1/clips/{id}/output/{name}": {"parameters": [_ID, _output_name()], "get": _output()},
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{"key": []}, {"bearer": []}],
    }


def _create() -> dict[str, Any]:
    quality: dict[str, Any] = {"type": "string", "enum": ["premium", "lite", "fallback", "full_video"]}
    responses = _answers(_SNAPSHOT_NAME, 202, 400, 409, 413, 429, 507)
    responses["200"] = {
        "description": "With stream: snapshots as server-sent events, until the generation ends.",
        "headers": _HEADERS,
        "content": {"text/event-stream": {"itemSchema": _EVENT}},
    }
    return {
        "operationId": "create",
        "parameters": [
            {"name": "reel_quality", "in": "query", "schema": quality},
            {"name": "force_vllm_whisper_asr", "in": "query", "schema": {"type": "boolean"}},
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _REF + "CreateRequest"}}},
        },
        "responses": responses,
    }


def _list() -> dict[str, Any]:
    return {
        "operationId": "list",
        "parameters": [
            {"name": "offset", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": 1_000_000}},
            {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
            {"name": "status", "in": "query", "schema": {"type": "string"}},
        ],
        "responses": _answers("ClipList", 200, 400),
    }


def _get() -> dict[str, Any]:
    return {"operationId": "get", "responses": _answers(_SNAPSHOT_NAME, 200, 404)}


def _delete() -> dict[str, Any]:
    return {
        "operationId": "delete",
        "requestBody": {"content": {"application/json": {"schema": {"$ref": _REF + "DeleteRequest"}}}},
        "responses": _answers("Deleted", 200, 400, 404, 413),
    }


def _output_name() -> dict[str, Any]:
    schema = {"type": "string", "pattern": r"^[1-9][0-9]?\.(mp4|jpg)$"}
    return {"name": "name", "in": "path", "required": True, "schema": schema}


def _output() -> dict[str, Any]:
    file = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
    responses = _answers(None, 404)
    for status, description in (("200", "The clip, or its picture."), ("206", "A part of it.")):
        responses[status] = {
            "description": description,
            "headers": _HEADERS,
            "content": {"video/mp4": file, "image/jpeg": file},
        }
    query = [
        {"name": name, "in": "query", "schema": {"type": "string"}, "description": "Of a signed link."}
        for name in ("expires", "signature")
    ]
    return {"operationId": "output", "parameters": query, "responses": responses}


_EVENT: Final = {
    "type": "object",
    "properties": {
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": _REF + _SNAPSHOT_NAME},
        }
    },
    "required": ["data"],
}
_HEADERS: Final = {"X-Request-ID": {"required": True, "schema": {"type": "string", "format": "uuid"}}}


def _answers(schema: str | None, *statuses: int) -> dict[str, Any]:
    """Return the answers of an operation: the first status with its schema, the others and 401 and 403 as errors."""
    answers: dict[str, Any] = {}
    good = statuses[:1] if schema is not None else ()
    for status in (*statuses, 401, 403):
        name = schema if status in good else "Error"
        answers[str(status)] = {
            "description": "The answer." if status in good else "An error.",
            "headers": _HEADERS,
            "content": {"application/json": {"schema": {"$ref": f"{_REF}{name}"}}},
        }
    return answers


def _schemas() -> dict[str, Any]:
    _, definitions = models_json_schema(
        [(CreateRequest, "validation"), (DeleteRequest, "validation")], ref_template=_REF + "{model}"
    )
    schemas: dict[str, Any] = definitions["$defs"]
    create = schemas["CreateRequest"]
    for name in ("reel_quality", "force_vllm_whisper_asr"):  # these two travel in the query
        del create["properties"][name]
    create["properties"]["stream"] = {"type": "boolean", "default": False}
    create["properties"]["video_urls"] |= {"maxItems": MAX_VIDEO_URLS, "items": {"type": "string", "format": "uri"}}
    create["properties"]["prompt"]["anyOf"][0]["maxLength"] = MAX_PROMPT_CHARACTERS
    return schemas | _ANSWERS


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


_TEXT: Final = {"type": "string"}
_TEXT_OR_NULL: Final = {"type": ["string", "null"]}
_NUMBER_OR_NULL: Final = {"type": ["number", "null"]}
_WHOLE: Final = {"type": "integer", "minimum": 0}
_WHOLE_OR_NULL: Final = {"type": ["integer", "null"], "minimum": 0}
_SHARE: Final = {"type": "number", "minimum": 0, "maximum": 1}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_TIME: Final = {"type": "string", "format": "date-time"}
_UUID: Final = {"type": "string", "format": "uuid"}
_STATUS: Final = {
    "enum": ["queued", "downloading", "indexing", "preprocessing", "processing", "completed", "failed"],
}
_CLIP: Final = _object(
    {
        "title": _TEXT,
        "video_url": _TEXT,
        "caption": _TEXT,
        "hashtags": _TEXTS,
        "ai_score": {"type": "integer", "minimum": 0, "maximum": 100},
        "duration_seconds": {"type": "number", "exclusiveMinimum": 0},
        "width": {"type": "integer", "minimum": 2},
        "height": {"type": "integer", "minimum": 2},
        "size_bytes": {"type": "integer", "minimum": 1},
        "poster_url": _TEXT_OR_NULL,
        "source_url": _TEXT_OR_NULL,
        "source_start_time": _NUMBER_OR_NULL,
        "source_end_time": _NUMBER_OR_NULL,
    }
)
_ANSWERS: Final = {
    _SNAPSHOT_NAME: _object(
        {
            "id": _UUID,
            "status": _STATUS,
            "created_at": _TIME,
            "updated_at": _TIME,
            "video_urls": _TEXTS,
            "prompt": _TEXT_OR_NULL,
            "generation_config": {"type": "object"},
            "rendering_config": {"type": "object"},
            "num_generations": _WHOLE,
            "progress": _SHARE,
            "output": {"type": "array", "items": _CLIP},
        },
        {"detail": _TEXT, "warnings": _TEXTS, "error_message": _TEXT},
    ),
    "ClipList": _object(
        {
            "items": {
                "type": "array",
                "items": _object(
                    {
                        "id": _UUID,
                        "status": _STATUS,
                        "video_urls": _TEXTS,
                        "prompt": _TEXT_OR_NULL,
                        "created_at": _TIME,
                        "progress": _SHARE,
                        "clip_count": _WHOLE,
                        "size_bytes": _WHOLE,
                    },
                    {"error_message": _TEXT},
                ),
            },
        }
    ),
    "Deleted": _object({"success": {"const": True}}),
    "Health": _object({"status": {"const": "ok"}}),
    "Error": _object(
        {
            "error": _object(
                {"type": _TEXT, "message": _TEXT, "param": _TEXT_OR_NULL},
                {"details": {"type": "array", "items": _object({"param": _TEXT_OR_NULL, "message": _TEXT})}},
            )
        }
    ),
}
