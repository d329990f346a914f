"""The guide to the options, with examples: the resource `reka-clips://guide`."""

from __future__ import annotations

import json
from typing import Any, Final

from reka_clips.contract.schemas import Option, options
from reka_clips.mcp_server.tools.create_clips import full_schema

_LINK: Final = "https://www.youtube.com/watch?v=VIDEO"

EXAMPLES: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("The best moments, everything else left to the service", {"video_urls": [_LINK]}),
    (
        "A vertical reel of about one minute from minute 5 to 12, with Spanish subtitles",
        {
            "video_urls": [_LINK],
            "prompt": "One reel of the most important arguments",
            "generation_config": {
                "template": "compilation",
                "num_generations": 1,
                "min_duration_seconds": 50,
                "max_duration_seconds": 60,
                "source_start_time": 300,
                "source_end_time": 720,
                "translated_subtitles_target_language": "es_ES",
            },
            "rendering_config": {"aspect_ratio": "9:16"},
        },
    ),
    (
        "Three square clips without captions",
        {
            "video_urls": [_LINK],
            "generation_config": {"num_generations": 3},
            "rendering_config": {"aspect_ratio": "1:1", "subtitles": False},
        },
    ),
    (
        "Two short clips of a local file, whole picture, cut by the embedded engine",
        {
            "video_urls": ["file:///home/me/match.mp4"],
            "generation_config": {"num_generations": 2, "max_duration_seconds": 20},
            "rendering_config": {"aspect_ratio": "16:9", "layout": "fit", "resolution": "480"},
        },
    ),
    (
        "Yellow captions in the middle, in lower case",
        {
            "video_urls": [_LINK],
            "rendering_config": {
                "caption_style": {"text_color": "#FFCC00", "position": "middle", "text_transform": "lowercase"}
            },
        },
    ),
)


def guide(backend_sentence: str) -> str:
    """Return the guide in Markdown. backend_sentence: where clips are made, and what that costs."""
    asked = "\n".join(_line(option) for option in options(full_schema()))
    examples = "\n\n".join(
        f"### {title}\n\n```json\n{json.dumps(arguments, indent=2)}\n```" for title, arguments in EXAMPLES
    )
    return f"""# Making clips

{backend_sentence}

1. `create_clips` starts a generation and waits a while for it, with progress.
2. If it is not finished by then, `get_clip_status` with the id goes on waiting. Nothing is lost in between.
3. The answer holds a link for each clip, with title, caption, hashtags and score. Links may expire;
   `get_clip_status` renews them. Over stdio, `save_clip` writes the file into a folder of this computer.

## What can be asked for

{asked}

## Examples of `create_clips`

{examples}

## Cost

Reka allows ten creations per key in 24 hours and may charge for each; `get_clip_status`, `list_clips` and
`delete_clip` cost nothing. The same create again joins the one that runs, or returns its result if it ended lately,
unless `force_new` is true. The embedded engine is free.
"""


def _line(option: Option) -> str:
    values = f" One of {', '.join(f'`{value}`' for value in option.values)}." if option.values else ""
    return f"- `{option.path}` ({option.kind}): {option.meaning}{values}"
