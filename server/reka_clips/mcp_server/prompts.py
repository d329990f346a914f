"""Prompts that a person picks in a client: whole jobs, from the link to the captions."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, Final

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from pydantic import Field

from reka_clips.contract import ASPECT_RATIOS, SUBTITLE_LANGUAGES
from reka_clips.contract.suggestions import did_you_mean
from reka_clips.mcp_server.output.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp.server.mcpserver import MCPServer

PLATFORMS: Final = {
    "tiktok": ("TikTok", "9:16", 60),
    "instagram-reels": ("Instagram Reels", "9:16", 60),
    "youtube-shorts": ("YouTube Shorts", "9:16", 60),
    "instagram-feed": ("the Instagram feed", "4:5", 60),
    "linkedin": ("LinkedIn", "1:1", 90),
    "x": ("X", "16:9", 90),
}
"""By argument: name, aspect ratio, longest useful clip in seconds."""

VALUES: Final[dict[str, tuple[str, ...]]] = {
    "length": ("30", "60", "90"),
    "shape": ASPECT_RATIOS,
    "platform": tuple(PLATFORMS),
    "count": ("1", "2", "3"),
    "language": SUBTITLE_LANGUAGES,
}
"""By argument: what a client may offer while it is typed. Other words go to the model as they are."""

Link = Annotated[str, Field(description="Link to the video, or file:///path with the embedded engine.")]
Focus = Annotated[str, Field(description="What to look for, such as: the goals, the funniest answers.")]
Length = Annotated[str, Field(description="Length in seconds, such as 60.")]
Shape = Annotated[str, Field(description=f"Format: {', '.join(ASPECT_RATIOS)}.")]
Language = Annotated[
    str, Field(description="Language to translate the subtitles into, such as es_ES; blank: as spoken.")
]
Platform = Annotated[str, Field(description=f"Where they will be published: {', '.join(PLATFORMS)}.")]
Count = Annotated[str, Field(description="How many clips, 1 to 3.")]


def highlight_reel(link: Link, focus: Focus = "", length: Length = "60", shape: Shape = "9:16") -> str:
    """Return the request for one reel compiled from a video's best moments."""
    about = f" Look for: {_argument(focus)}." if focus.strip() else ""
    return (
        f"Make one highlight reel of about {_argument(length)} seconds from {_argument(link)}, in the format "
        f"{_argument(shape)}.{about}\n\nUse create_clips with the template compilation and num_generations 1, and wait "
        "with get_clip_status if it is not finished. Then give me the link, the title and a caption to publish it with."
    )


def social_shorts(link: Link, platform: Platform = "tiktok", count: Count = "3", language: Language = "") -> str:
    """Return the request for short clips that suit a platform."""
    place, shape, seconds = PLATFORMS.get(platform.strip().lower(), (_argument(platform), "9:16", 60))
    translated = f" Translate the subtitles into {_argument(language)}." if language.strip() else ""
    return (
        f"Make {_argument(count)} short clips for {place} from {_argument(link)}: {shape}, at most {seconds} seconds "
        f"each, each one complete in itself.{translated}\n\nUse create_clips with the template moments, and wait with "
        "get_clip_status if it is not finished. Then list the clips, best score first, each with its link and a post "
        "ready to publish: caption and hashtags."
    )


PROMPTS: Final = {
    "highlight_reel": (
        highlight_reel,
        "Highlight reel from a link",
        "One reel compiled from the best moments of a video.",
    ),
    "social_shorts": (
        social_shorts,
        "Shorts for social media",
        "Short clips with posts ready to publish, for one platform.",
    ),
}
"""By name: what writes the request, title, description."""


def add_prompts(server: MCPServer[Any]) -> None:
    """Register the prompts."""
    for name, (write, title, description) in PROMPTS.items():
        server.prompt(name, title, description)(write)


def arguments_of(name: str) -> list[str]:
    """Return the names of a prompt's arguments, the required one first; none for an unknown prompt."""
    return list(inspect.signature(PROMPTS[name][0]).parameters) if name in PROMPTS else []


def filled_in(name: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the arguments that a person filled in: clients send those left blank, too.

    Raises MCPError, in plain words, for an unknown prompt or argument and for a link that is missing.
    """
    if name not in PROMPTS:
        raise _refusal(f"There is no prompt {_short(name)}", did_you_mean(name, list(PROMPTS)), list(PROMPTS))
    known = arguments_of(name)
    for argument in given:
        if argument not in known:
            refused = f"{name} has no argument {_short(argument)}"
            raise _refusal(refused, did_you_mean(argument, known), known)
    filled = {argument: value for argument, value in given.items() if value.strip()}
    if "link" not in filled:
        raise MCPError(INVALID_PARAMS, f"{name} needs a link to the video, such as https://example.com/video.mp4.")
    return filled


def _refusal(refused: str, end: str, known: list[str]) -> MCPError:
    return MCPError(INVALID_PARAMS, f"{refused}{end} There are {', '.join(known)}.")


def _short(text: str) -> str:
    return clean(text, max_characters=60)


def _argument(text: str) -> str:
    return clean(text, max_characters=2000)
