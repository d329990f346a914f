"""Prompts that a person picks in a client: whole jobs, from the link to the captions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from reka_clips.contract import ASPECT_RATIOS, SUBTITLE_LANGUAGES
from reka_clips.mcp_server.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp.server.mcpserver import MCPServer
    from mcp_types import Prompt

PLATFORMS: Final = {
    "tiktok": ("TikTok", "9:16", 60),
    "instagram-reels": ("Instagram Reels", "9:16", 60),
    "youtube-shorts": ("YouTube Shorts", "9:16", 60),
    "instagram-feed": ("the Instagram feed", "4:5", 60),
    "linkedin": ("LinkedIn", "1:1", 90),
    "x": ("X", "16:9", 90),
}
"""By argument: name, aspect ratio, longest useful clip in seconds."""

LENGTHS_SECONDS: Final = ("30", "60", "90")

Link = Annotated[str, Field(description="Link to the video (or file:///path with the embedded engine).")]
Focus = Annotated[str, Field(description="What to look for, such as: the goals, the funniest answers.")]
Length = Annotated[str, Field(description="Length in seconds, such as 60.")]
Shape = Annotated[str, Field(description=f"Format: {', '.join(ASPECT_RATIOS)}.")]
Language = Annotated[str, Field(description=f"Translate subtitles into, such as es_ES ({len(SUBTITLE_LANGUAGES)}).")]
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
    name, shape, seconds = PLATFORMS.get(platform.strip().lower(), (_argument(platform), "9:16", 60))
    translated = f" Translate the subtitles into {_argument(language)}." if language.strip() else ""
    return (
        f"Make {_argument(count)} short clips for {name} from {_argument(link)}: {shape}, at most {seconds} seconds "
        f"each, each one complete in itself.{translated}\n\nUse create_clips with the template moments, and wait with "
        "get_clip_status if it is not finished. Then list the clips, best score first, each with its link and a post "
        "ready to publish: caption and hashtags."
    )


def add_prompts(server: MCPServer[Any]) -> None:
    """Register the prompts."""
    server.prompt(
        "highlight_reel", "Highlight reel from a link", "One reel compiled from the best moments of a video."
    )(highlight_reel)
    server.prompt(
        "social_shorts", "Shorts for social media", "Short clips with posts ready to publish, for one platform."
    )(social_shorts)


def prompt_refusal(prompts: Sequence[Prompt], name: str, arguments: Mapping[str, str]) -> str | None:
    """Return why a prompt cannot be had with these arguments, in plain words, or None if it can."""
    prompt = next((prompt for prompt in prompts if prompt.name == name), None)
    if prompt is None:
        known = ", ".join(prompt.name for prompt in prompts)
        return f"There is no prompt {clean(name, max_characters=60)}. The prompts are {known}."
    wanted = prompt.arguments or []
    missing = [argument.name for argument in wanted if argument.required and argument.name not in arguments]
    if missing:
        return f"The prompt {name} needs {', '.join(missing)}."
    unknown = sorted(set(arguments) - {argument.name for argument in wanted})
    if unknown:
        told = clean(", ".join(unknown), max_characters=100)
        return f"The prompt {name} takes {', '.join(argument.name for argument in wanted)}; not {told}."
    return None


def _argument(text: str) -> str:
    return clean(text, max_characters=2000)
