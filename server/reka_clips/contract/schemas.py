"""JSON schemas that every MCP client accepts, made from the pydantic models that check the arguments.

Some clients or their models refuse whole requests over `$ref`, `anyOf`, unions with null, integer or const
enums, `exclusiveMinimum`, `default: null` or a `title` in every corner; a flat schema has none of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pydantic import BaseModel
    from pydantic.json_schema import JsonSchemaMode

JsonSchema = dict[str, Any]

_KEPT_KEYS: Final = ("type", "enum", "minimum", "maximum", "minItems", "pattern")
# Below a BeforeValidator pydantic writes the bounds under its own names.
_RENAMED_KEYS: Final = {"ge": "minimum", "le": "maximum"}


@cache
def flat_schema(
    model: type[BaseModel], *, mode: JsonSchemaMode = "validation", with_descriptions: bool = False
) -> JsonSchema:
    """Return the model's schema without references, unions or titles; do not change it.

    An optional field is one that is not required. A closed set of numbers becomes a set of texts. mode: as pydantic's.
    with_descriptions: keep those of the fields.
    """
    schema = model.model_json_schema(mode=mode)
    flat = _flat(schema, cast("dict[str, JsonSchema]", schema.get("$defs", {})), with_descriptions=with_descriptions)
    flat.pop("description", None)
    return flat


def described(schema: JsonSchema, descriptions: Mapping[str, str]) -> JsonSchema:
    """Return a copy of a flat schema in which every property is described.

    descriptions: by path, as in `rendering_config.caption_style.position`.
    Raises KeyError where a property has no description, ValueError where a description has no property.
    """
    unused = dict(descriptions)
    result = _described(schema, unused, prefix="")
    if unused:
        raise ValueError(f"described, but not in the schema: {', '.join(sorted(unused))}")
    return result


def without(schema: JsonSchema, paths: Collection[str], prefix: str = "") -> JsonSchema:
    """Return a copy of a flat schema without the properties at these paths, as in `generation_config.template`."""
    if schema.get("type") != "object" or "properties" not in schema:
        return dict(schema)
    children = cast("dict[str, JsonSchema]", schema["properties"])
    kept = {
        name: without(child, paths, f"{prefix}{name}.")
        for name, child in children.items()
        if prefix + name not in paths
    }
    return schema | {"properties": kept}


def field_schema(schema: JsonSchema, path: tuple[str | int, ...]) -> JsonSchema | None:
    """Return the part of a flat schema that describes the value at a path, or None if it describes none."""
    node: JsonSchema | None = schema
    for step in path:
        if node is None:
            return None
        node = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step)
    return node


@dataclass(frozen=True, slots=True)
class Option:
    """One property of a described schema, as people read of it. kind: its type and bounds, such as `integer 1 to 3`."""

    path: str
    kind: str
    meaning: str
    values: tuple[str, ...]
    is_required: bool


def options(schema: JsonSchema, prefix: str = "") -> Iterator[Option]:
    """Yield every property of a described schema, each before those inside it."""
    for name, node in cast("dict[str, JsonSchema]", schema.get("properties", {})).items():
        is_required = name in schema.get("required", ())
        values = tuple(node.get("enum", ()))
        yield Option(prefix + name, _kind(node), node["description"], values, is_required)
        yield from options(node, f"{prefix}{name}.")


def places(schema: JsonSchema, parent: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """Return the path of every property of a flat schema by its name, at whatever depth it stands."""
    found: dict[str, tuple[str, ...]] = {}
    for name, node in cast("dict[str, JsonSchema]", schema.get("properties", {})).items():
        found[name] = (*parent, name)
        found |= places(node, (*parent, name))
    return found


def _kind(node: JsonSchema) -> str:
    if node["type"] == "array":
        return f"list of {node['items']['type']}s"
    low, high = node.get("minimum"), node.get("maximum")
    bounds = f" {low:g} to {high:g}" if high is not None else f" from {low:g}" if low is not None else ""
    return node["type"] + bounds


def _flat(node: JsonSchema, definitions: Mapping[str, JsonSchema], *, with_descriptions: bool) -> JsonSchema:
    def inner(child: JsonSchema) -> JsonSchema:
        return _flat(child, definitions, with_descriptions=with_descriptions)

    branches = [branch for branch in node.get("anyOf", ()) if branch.get("type") != "null"]
    if "$ref" in node:
        branches = [definitions[node["$ref"].rpartition("/")[2]]]
    if branches:
        [only] = branches  # our models have no other unions than the one with null
        described_here = {key: node[key] for key in ("description",) if key in node and with_descriptions}
        shared = {key: value for key, value in inner(only).items() if key != "description" or "$ref" not in node}
        return described_here | shared
    flat = {key: node[key] for key in (("description",) if with_descriptions else ()) if key in node}
    flat |= {key: node[key] for key in _KEPT_KEYS if key in node}
    flat |= {key: node[own] for own, key in _RENAMED_KEYS.items() if own in node}
    if "enum" in flat and flat["type"] != "string":
        flat |= {"type": "string", "enum": [str(value) for value in flat["enum"]]}
    if "items" in node:
        flat["items"] = inner(node["items"])
        flat["items"].pop("description", None)
    if flat["type"] == "object":
        if node.get("additionalProperties") is True:
            return flat  # whatever upstream puts there
        properties = cast("dict[str, JsonSchema]", node.get("properties", {}))
        flat["properties"] = {name: inner(child) for name, child in properties.items()}
        if node.get("required"):
            flat["required"] = node["required"]
        flat["additionalProperties"] = False
    return flat


def _described(node: JsonSchema, unused: dict[str, str], *, prefix: str) -> JsonSchema:
    if node.get("type") == "array" and node["items"].get("type") == "object":
        return node | {"items": _described(node["items"], unused, prefix=f"{prefix.removesuffix('.')}[].")}
    if node.get("type") != "object":
        return dict(node)
    properties: dict[str, JsonSchema] = {}
    for name, child in cast("dict[str, JsonSchema]", node["properties"]).items():
        path = prefix + name
        properties[name] = {"description": unused.pop(path)} | _described(child, unused, prefix=path + ".")
    return node | {"properties": properties}
