"""Upstream's texts cut to sizes that can be held for a thousand generations. Pure."""

from __future__ import annotations

import json
from typing import Any, Final, TypeVar

from reka_clips.contract import ClipOutput, Snapshot

ToldT = TypeVar("ToldT", Snapshot, ClipOutput)

MAX_TEXT_CHARACTERS: Final = 20_000
MAX_TITLE_CHARACTERS: Final = 1_000
MAX_REASON_CHARACTERS: Final = 2_000
MAX_URL_CHARACTERS: Final = 8_192
MAX_CONFIG_CHARACTERS: Final = 8_192
MAX_OUTPUTS: Final = 50
MAX_TEXTS: Final = 50


def trimmed(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with long texts cut and long lists shortened; a link too long to hold is left out.

    One of ordinary size is returned as it is, the very same object.
    """
    return _with(
        snapshot,
        id=_cut(snapshot.id, 128),
        created_at=_cut(snapshot.created_at, 64),
        updated_at=_cut(snapshot.updated_at, 64),
        generation_config=_config(snapshot.generation_config),
        rendering_config=_config(snapshot.rendering_config),
        video_urls=_links(snapshot.video_urls),
        prompt=_cut(snapshot.prompt, MAX_TEXT_CHARACTERS),
        output=_outputs(snapshot.output),
        error_message=_cut(snapshot.error_message, MAX_REASON_CHARACTERS),
        error=_cut(snapshot.error, MAX_REASON_CHARACTERS),
        warnings=_texts(snapshot.warnings),
    )


def _output(output: ClipOutput) -> ClipOutput:
    return _with(
        output,
        title=_cut(output.title, MAX_TITLE_CHARACTERS),
        caption=_cut(output.caption, MAX_TEXT_CHARACTERS),
        hashtags=_texts(output.hashtags),
        video_url=_link(output.video_url),
        signed_s3_video_url=_link(output.signed_s3_video_url),
        poster_url=_link(output.poster_url),
        source_url=_link(output.source_url),
    )


def _with(told: ToldT, **kept: object) -> ToldT:
    changed = {name: value for name, value in kept.items() if value != getattr(told, name)}
    return told.model_copy(update=changed) if changed else told


def _outputs(outputs: tuple[ClipOutput, ...]) -> tuple[ClipOutput, ...]:
    return tuple(_output(output) for output in outputs[:MAX_OUTPUTS])


def _cut(text: str | None, limit: int) -> str | None:
    return text if text is None or len(text) <= limit else text[: limit - 1] + "…"


def _link(url: str | None) -> str | None:
    return url if url is None or len(url) <= MAX_URL_CHARACTERS else None


def _links(urls: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(url for url in urls[:MAX_TEXTS] if len(url) <= MAX_URL_CHARACTERS)


def _texts(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text[:MAX_TITLE_CHARACTERS] for text in texts[:MAX_TEXTS])


def _config(config: dict[str, Any] | None) -> dict[str, Any] | None:
    fits = config is None or len(json.dumps(config, default=str)) <= MAX_CONFIG_CHARACTERS
    return config if fits else None
