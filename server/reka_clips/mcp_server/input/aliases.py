"""Words that agents and people use for the names and values of the options: looked up by `hints`."""

from __future__ import annotations

from typing import Final

# fmt: off
OTHER_NAMES: Final = {
    "url": "video_urls", "urls": "video_urls", "link": "video_urls", "links": "video_urls", "video": "video_urls",
    "videos": "video_urls", "source": "video_urls", "sources": "video_urls", "inputurl": "video_urls",
    "instruction": "prompt", "instructions": "prompt", "query": "prompt", "text": "prompt", "description": "prompt",
    "count": "num_generations", "n": "num_generations", "numclips": "num_generations", "clips": "num_generations",
    "numberofclips": "num_generations", "clipcount": "num_generations", "numoutputs": "num_generations",
    "duration": "max_duration_seconds", "length": "max_duration_seconds", "maxlength": "max_duration_seconds",
    "minlength": "min_duration_seconds", "start": "source_start_time", "starttime": "source_start_time",
    "from": "source_start_time", "end": "source_end_time", "endtime": "source_end_time", "to": "source_end_time",
    "language": "translated_subtitles_target_language", "lang": "translated_subtitles_target_language",
    "targetlanguage": "translated_subtitles_target_language", "locale": "translated_subtitles_target_language",
    "subtitlelanguage": "translated_subtitles_target_language",
    "subtitleslanguage": "translated_subtitles_target_language",
    "caption": "subtitles", "captions": "subtitles", "watermark": "show_watermark", "ratio": "aspect_ratio",
    "aspect": "aspect_ratio", "orientation": "aspect_ratio", "format": "aspect_ratio", "quality": "resolution",
    "height": "resolution", "size": "resolution", "font": "font_family", "fontsize": "desired_font_size",
    "color": "text_color", "style": "caption_style", "captionstyles": "caption_style",
    "config": "generation_config", "generation": "generation_config", "rendering": "rendering_config",
    "render": "rendering_config", "timeout": "wait_seconds", "wait": "wait_seconds", "maxwait": "wait_seconds",
    "streaming": "stream", "force": "force_new", "generationid": "id", "clipid": "id", "jobid": "id",
    "reelid": "id", "taskid": "id", "uuid": "id", "deletesource": "delete_input_video",
    "deletevideo": "delete_input_video", "deleteinput": "delete_input_video", "page": "offset", "skip": "offset",
    "pagesize": "limit", "max": "limit", "state": "status", "filter": "status", "folder": "directory",
    "dir": "directory", "path": "directory", "outputdir": "directory", "index": "clip", "clipindex": "clip",
    "clipnumber": "clip", "number": "clip",
}
"""Names of fields, written without anything but letters and digits."""

OTHER_VALUES: Final[dict[str, tuple[str, ...]]] = {
    "vertical": ("9:16",), "portrait": ("9:16",), "tall": ("9:16",), "story": ("9:16",), "stories": ("9:16",),
    "tiktok": ("9:16",), "reels": ("9:16",), "square": ("1:1",), "feed": ("4:5",), "horizontal": ("16:9",),
    "landscape": ("16:9",), "widescreen": ("16:9",), "wide": ("16:9",), "split": ("9:16-split",),
    "highlight": ("moments",), "highlights": ("moments",), "clips": ("moments",), "shorts": ("moments", "9:16"),
    "reel": ("compilation", "9:16"), "highlight_reel": ("compilation",), "montage": ("compilation",),
    "summary": ("compilation",), "supercut": ("compilation",), "narration": ("voiceover",),
    "captions": ("caption_only",), "subtitles": ("caption_only",),
    "sd": ("480",), "hd": ("720", "1080"), "full_hd": ("1080",), "fullhd": ("1080",), "fhd": ("1080",),
    "2k": ("1080",), "4k": ("1080",), "8k": ("1080",), "uhd": ("1080",), "high": ("1080",), "low": ("480",),
    "crop": ("ai",), "fill": ("ai",), "cover": ("ai",), "smart": ("ai",), "track": ("ai",),
    "letterbox": ("fit",), "pad": ("fit",), "contain": ("fit",), "bars": ("fit",),
    "upper": ("uppercase", "top"), "caps": ("uppercase",), "all_caps": ("uppercase",), "capitals": ("uppercase",),
    "lower": ("lowercase", "bottom"), "none": ("initial",), "normal": ("initial",), "original": ("initial",),
    "center": ("middle",), "centre": ("middle",),
    "done": ("completed",), "finished": ("completed",), "ready": ("completed",), "success": ("completed",),
    "succeeded": ("completed",), "error": ("failed",), "pending": ("queued",), "waiting": ("queued",),
}
"""Values of closed sets, in lower case."""

LANGUAGES: Final = {
    "arabic": "ar", "czech": "cs", "danish": "da", "german": "de", "deutsch": "de", "greek": "el", "english": "en",
    "spanish": "es", "español": "es", "castilian": "es", "finnish": "fi", "filipino": "fil", "tagalog": "fil",
    "tl": "fil", "french": "fr", "français": "fr", "hebrew": "he", "iw": "he", "hindi": "hi", "hungarian": "hu",
    "indonesian": "id", "italian": "it", "italiano": "it", "japanese": "ja", "korean": "ko", "malay": "ms",
    "dutch": "nl", "norwegian": "no", "nb": "no", "nn": "no", "polish": "pl", "portuguese": "pt", "português": "pt",
    "romanian": "ro", "russian": "ru", "swedish": "sv", "thai": "th", "turkish": "tr", "ukrainian": "uk",
    "vietnamese": "vi", "chinese": "zh", "mandarin": "zh",
}
"""By a language's name or another code: the code that its locales begin with."""

COLORS: Final = {
    "white": "#FFFFFF", "black": "#000000", "red": "#FF0000", "green": "#00FF00", "blue": "#0000FF",
    "yellow": "#FFFF00", "orange": "#FFA500", "pink": "#FFC0CB", "purple": "#800080",
}
NUMBERS: Final = {"one": 1, "two": 2, "three": 3, "first": 1, "second": 2, "third": 3}
TRUE: Final = frozenset({"yes", "on", "1", "y", "enabled"})
FALSE: Final = frozenset({"no", "off", "0", "n", "none", "disabled"})
NO_CHOICE: Final = frozenset({"auto", "automatic", "default", "none", "null", "any", "undefined", "best"})
"""Words by which one leaves the choice to the service: here a field is left out for that."""
