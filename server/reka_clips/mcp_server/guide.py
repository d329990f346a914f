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
        "Exactly two stretches of a local file, with captions of one's own",
        {
            "video_urls": ["file:///home/me/talk.mp4"],
            "generation_config": {"segments": [{"start": 57.4, "end": 72}, {"start": 130, "end": 148.5}]},
            "rendering_config": {"subtitles_srt": "1\n00:00:58,000 --> 00:01:01,000\nBienvenidos a todos\n"},
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

1. To choose first, `find_moments` returns candidates with times, words and a numbered picture (embedded engine, free).
2. `create_clips` starts a generation and waits a while for it, with progress; `segments` cuts exactly the chosen times.
3. If it is not finished by then, `get_clip_status` with the id continues to wait. Nothing is lost in between.
4. The result holds a link for each clip, with title, caption, hashtags and score. Links may expire;
   `get_clip_status` renews them, and shows frames with `preview`. Over stdio, `save_clip` saves the file in a folder.

To change one clip, make it again alone: its `source_start_time` and `source_end_time` as a segment, five seconds
longer for example. To correct or translate its captions, pass its `subtitles_srt`, edited, as
`rendering_config.subtitles_srt`.
With Reka, whose API has no segments, set `source_start_time`, `source_end_time`, and both durations to the length; an
agent that also has Reka's own MCP server (reka-mcp) can look for the seconds in its transcripts.

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
