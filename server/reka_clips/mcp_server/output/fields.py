"""Upstream's fields as they go into a result: cleaned and bounded by what the contract says of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import BaseModel

from reka_clips.contract import GenerationConfig, RenderingConfig
from reka_clips.contract.requests import CaptionStyle
from reka_clips.contract.snapshots import LINK, SUBTITLES
from reka_clips.mcp_server.output.text import CUT_MARK, clean, safe_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ESSENTIAL: Final = frozenset(
    {"id", "status", "title", "video_url", "caption", "hashtags", "ai_score", "error_message"}
)
_MAX_WORD_CHARACTERS: Final = 60
_MAX_SOURCE_URL_CHARACTERS: Final = 300
_MAX_ITEMS: Final = 5
_NOT_IN_HASHTAGS: Final = re.compile(r"""[\s"'`<>(){}\[\]:;,=|/\\]""")
_CONFIGURATIONS: Final[dict[str, type[BaseModel]]] = {
    "generation_config": GenerationConfig,
    "rendering_config": RenderingConfig,
    "caption_style": CaptionStyle,
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of upstream's text a result takes. has_details: more than the essential fields."""

    clips: int
    caption_characters: int
    prompt_characters: int
    title_characters: int = 150
    hashtags: int = 30
    link_characters: int = 8192
    subtitle_characters: int = 6000
    has_links: bool = True
    has_details: bool = True

    def characters(self, name: str) -> int:
        """Return how long the text of a field may be."""
        return {
            "title": self.title_characters,
            "caption": self.caption_characters,
            "prompt": self.prompt_characters,
            "error_message": 500,
            "reasons": 120,
            "warnings": max(40, min(300, self.caption_characters)),
            "video_url": self.link_characters,
            "poster_url": self.link_characters,
            "video_urls": _MAX_SOURCE_URL_CHARACTERS,
            "source_url": _MAX_SOURCE_URL_CHARACTERS,
        }.get(name, _MAX_WORD_CHARACTERS)


def shown(told: BaseModel, bounds: Bounds) -> dict[str, Any]:
    """Return the fields of a model of the contract that upstream reported, cleaned, bounded, in JSON types."""
    fields: dict[str, Any] = {}
    for name, info in type(told).model_fields.items():
        if not bounds.has_details and name not in _ESSENTIAL:
            continue
        value = getattr(told, name)
        if SUBTITLES in info.metadata:
            value = _lines(value, bounds.subtitle_characters)
        else:
            value = _shown(value, name, bounds, is_link=LINK in info.metadata)
        if value is not None:
            fields[name] = value
    return fields


def shown_clip(output: BaseModel, bounds: Bounds, *, link: str | None) -> dict[str, Any]:
    """Return the fields of one clip; title, video_url, caption and hashtags always ("" and [] where not reported)."""
    always: dict[str, Any] = {"title": "", "caption": "", "hashtags": []}
    fields = always | shown(output, bounds)
    fields.pop("signed_s3_video_url", None)
    return fields | {"video_url": safe_url(link, max_characters=bounds.link_characters) or ""}


def _shown(value: object, name: str, bounds: Bounds, *, is_link: bool) -> Any:
    if isinstance(value, str):
        characters = bounds.characters(name)
        return safe_url(value, max_characters=characters) if is_link else clean(value, max_characters=characters)
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        if name == "hashtags":
            return [tag for tag in map(_hashtag, items[: bounds.hashtags]) if tag]
        return _shown_items(items, name, bounds, is_link=is_link)
    if isinstance(value, dict):
        return _known_options(cast("dict[str, Any]", value), _CONFIGURATIONS[name])
    if isinstance(value, BaseModel):
        return shown(value, bounds)
    return round(value, 3) if isinstance(value, float) else value


def _lines(text: str | None, characters: int) -> str | None:
    """Return subtitles line by line, cleaned; None where they do not fit: half of them would be taken for all."""
    if text is None or len(text) > characters:
        return None
    return "\n".join(clean(line, max_characters=1000) if line.strip() else "" for line in text.split("\n"))


def _shown_items(items: Iterable[object], name: str, bounds: Bounds, *, is_link: bool) -> list[Any] | None:
    """Return the first items that can be shown; links only whole. None where there are none."""
    each = (_shown(item, name, bounds, is_link=is_link) for item in items)
    return [item for item in each if item not in (None, "")][:_MAX_ITEMS] or None


def _known_options(config: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Return the known options of a configuration with plain values; whatever else upstream put there is left out."""
    known: dict[str, Any] = {}
    for name in model.model_fields:
        value = config.get(name)
        if isinstance(value, str):
            known[name] = clean(value, max_characters=_MAX_WORD_CHARACTERS)
        elif isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < 10**9):
            known[name] = value
        elif isinstance(value, dict) and name in _CONFIGURATIONS:
            known[name] = _known_options(cast("dict[str, Any]", value), _CONFIGURATIONS[name])
    return known


def _hashtag(text: object) -> str:
    return _NOT_IN_HASHTAGS.sub("", clean(str(text), max_characters=40).removesuffix(CUT_MARK))
