"""Flat schemas: what clients choke on is not in them, and nothing is lost on the way."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel, Field

from reka_clips.contract import RESOLUTIONS, CreateRequest
from reka_clips.contract.schemas import described, field_schema, flat_schema, places
from reka_clips.mcp_server.input.arguments import CreateArguments


def test_every_field_of_the_api_is_there_with_its_bounds():
    schema = flat_schema(CreateArguments)
    assert set(CreateRequest.model_fields) <= set(schema["properties"])
    assert schema["required"] == ["video_urls"]
    assert field_schema(schema, ("video_urls",)) == {"type": "array", "minItems": 1, "items": {"type": "string"}}
    assert field_schema(schema, ("generation_config", "num_generations")) == {
        "type": "integer",
        "minimum": 1,
        "maximum": 3,
    }
    assert field_schema(schema, ("rendering_config", "caption_style", "desired_font_size")) == {
        "type": "number",
        "minimum": 60,
        "maximum": 120,
    }


def test_a_set_of_numbers_becomes_a_set_of_texts():
    node = field_schema(flat_schema(CreateArguments), ("rendering_config", "resolution"))
    assert node == {"type": "string", "enum": [str(value) for value in RESOLUTIONS]}


def test_every_field_has_one_place():
    found = places(flat_schema(CreateArguments))
    assert found["template"] == ("generation_config", "template")
    assert found["position"] == ("rendering_config", "caption_style", "position")
    assert found["prompt"] == ("prompt",)


def test_a_path_that_leads_nowhere_has_no_schema():
    schema = flat_schema(CreateArguments)
    assert field_schema(schema, ("generation_config", "nonsense", "deeper")) is None
    assert field_schema(schema, ("video_urls", 3)) == {"type": "string"}


class Small(BaseModel):
    kind: Literal["a", "b"]
    size: int | None = Field(default=None, ge=1)


def test_each_property_needs_a_description_and_each_description_a_property():
    schema = described(flat_schema(Small), {"kind": "The kind.", "size": "The size."})
    assert schema["properties"]["kind"] == {"description": "The kind.", "type": "string", "enum": ["a", "b"]}
    with pytest.raises(KeyError):
        described(flat_schema(Small), {"kind": "The kind."})
    with pytest.raises(ValueError, match="colour"):
        described(flat_schema(Small), {"kind": "The kind.", "size": "The size.", "colour": "None."})
