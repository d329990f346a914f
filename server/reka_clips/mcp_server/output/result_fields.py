"""Upstream's fields as they go into a result: cleaned, bounded, of the type the output schema promises."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from reka_clips.contract import GenerationConfig, RenderingConfig
from reka_clips.contract.requests import CaptionStyle
from reka_clips.mcp_server.output.text import CUT_MARK, clean, safe_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel

    from reka_clips.contract import ClipListItem, ClipOutput, Snapshot

CLIP_LINK_HINT: Final = "(no link that can be shown yet; get_clip_status asks for it again)"
_MAX_URL_CHARACTERS: Final = 2000
_MAX_SOURCE_URL_CHARACTERS: Final = 300
_MAX_SOURCES: Final = 5
_MAX_WORD_CHARACTERS: Final = 60
_NOT_IN_HASHTAGS: Final = re.compile(r"""[\s"'`<>(){}\[\]:;,=|/\\]""")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of upstream's words an answer takes. has_details: the engine's fields and the configurations."""

    clips: int
    caption_characters: int
    prompt_characters: int
    title_characters: int = 150
    hashtags: int = 30
    has_links: bool = True
    has_details: bool = True


def generation_fields(snapshot: Snapshot, bounds: Bounds) -> dict[str, Any]:
    """Return the fields of a generation without its clips; only those that upstream told, `id` and `status` always."""
    fields: dict[str, Any] = {
        "id": clean(snapshot.id or "", max_characters=_MAX_WORD_CHARACTERS),
        "status": clean(snapshot.status, max_characters=_MAX_WORD_CHARACTERS) or "queued",
        "created_at": _word(snapshot.created_at),
        "updated_at": _word(snapshot.updated_at),
        "video_urls": source_urls(snapshot.video_urls) or None,
        "prompt": clean(snapshot.prompt, max_characters=bounds.prompt_characters) if snapshot.prompt else None,
        "num_generations": snapshot.num_generations,
    }
    if bounds.has_details:
        fields["generation_config"] = _known_fields(snapshot.generation_config, GenerationConfig)
        fields["rendering_config"] = _known_fields(snapshot.rendering_config, RenderingConfig)
    if not snapshot.is_terminal and snapshot.progress is not None:
        fields["progress"] = round(min(1.0, max(0.0, snapshot.progress)), 3)
    if snapshot.status == "failed" and snapshot.reason:
        fields["error_message"] = clean(snapshot.reason, max_characters=500)
    if snapshot.warnings:
        length = min(300, bounds.caption_characters)
        fields["warnings"] = [clean(warning, max_characters=length) for warning in snapshot.warnings[:5]]
    return {name: value for name, value in fields.items() if value is not None}


def clip_fields(output: ClipOutput, bounds: Bounds) -> dict[str, Any]:
    """Return the fields of one clip: title, video_url, caption and hashtags always ("" and [] where not told)."""
    fields: dict[str, Any] = {
        "title": clean(output.title or "", max_characters=bounds.title_characters),
        "video_url": safe_url(output.link, max_characters=_MAX_URL_CHARACTERS) or "",
        "caption": clean(output.caption or "", max_characters=bounds.caption_characters),
        "hashtags": [tag for tag in map(_hashtag, output.hashtags[: bounds.hashtags]) if tag],
    }
    if output.ai_score is not None:
        fields["ai_score"] = output.ai_score
    if bounds.has_details:
        details = {
            "duration_seconds": _rounded(output.duration_seconds),
            "width": output.width,
            "height": output.height,
            "size_bytes": output.size_bytes,
            "source_start_time": _rounded(output.source_start_time),
            "source_end_time": _rounded(output.source_end_time),
            "source_url": safe_url(output.source_url, max_characters=_MAX_SOURCE_URL_CHARACTERS),
            "poster_url": safe_url(output.poster_url, max_characters=_MAX_URL_CHARACTERS),
        }
        fields |= {name: value for name, value in details.items() if value is not None}
    return fields


def list_item_fields(item: ClipListItem, prompt_characters: int) -> dict[str, Any]:
    """Return the fields of a generation in a list: id, status, video_urls and prompt always."""
    fields: dict[str, Any] = {
        "id": clean(item.id or "", max_characters=_MAX_WORD_CHARACTERS),
        "status": clean(item.status, max_characters=_MAX_WORD_CHARACTERS),
        "video_urls": source_urls(item.video_urls),
        "prompt": clean(item.prompt or "", max_characters=prompt_characters),
        "created_at": _word(item.created_at),
        "clip_count": item.clip_count,
        "size_bytes": item.size_bytes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def source_urls(urls: Iterable[str]) -> list[str]:
    """Return the source links that can be shown whole: at most five, none of them long."""
    shown = (safe_url(url, max_characters=_MAX_SOURCE_URL_CHARACTERS) for url in urls)
    return [url for url in shown if url is not None][:_MAX_SOURCES]


def _known_fields(config: Mapping[str, Any] | None, model: type[BaseModel]) -> dict[str, Any] | None:
    """Return the known options of a configuration with plain values; what else upstream put there is left out."""
    if config is None:
        return None
    known: dict[str, Any] = {}
    for name in model.model_fields:
        value = config.get(name)
        if isinstance(value, str):
            known[name] = clean(value, max_characters=_MAX_WORD_CHARACTERS)
        elif isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < 10**9):
            known[name] = value
        elif name == "caption_style" and isinstance(value, dict):
            known[name] = _known_fields(cast("dict[str, Any]", value), CaptionStyle)
    return known


def _hashtag(text: str) -> str:
    return _NOT_IN_HASHTAGS.sub("", clean(text, max_characters=40).removesuffix(CUT_MARK))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)


def _word(text: str | None) -> str | None:
    return None if text is None else clean(text, max_characters=_MAX_WORD_CHARACTERS)
