"""The closed sets of values that the Clip API's options take, in the API's own spelling.

Source: Reka's Clip API reference and its published OpenAPI document (mid-2026).
"""

from __future__ import annotations

from typing import Literal, get_args

Template = Literal["moments", "compilation", "voiceover", "trailer", "caption_only"]
AspectRatio = Literal["9:16", "9:16-split", "16:9", "4:5", "1:1"]
Resolution = Literal[240, 360, 480, 720, 1080]
Layout = Literal["ai", "fit"]
ReelQuality = Literal["premium", "lite", "fallback", "full_video"]
TextTransform = Literal["initial", "uppercase", "lowercase"]
TextPosition = Literal["top", "middle", "bottom"]
FontFamily = Literal["BebasNeue", "Bangers", "RobotoCondensed", "Lato", "CaptionFont"]
# fmt: off
SubtitleLanguage = Literal[
    "ar_SA", "cs_CZ", "da_DK", "de_DE", "el_GR", "en_GB", "en_US", "es_ES", "es_MX", "fi_FI", "fil_PH", "fr_CA",
    "fr_FR", "he_IL", "hi_IN", "hu_HU", "id_ID", "it_IT", "ja_JP", "ko_KR", "ms_MY", "nl_NL", "no_NO", "pl_PL",
    "pt_BR", "pt_PT", "ro_RO", "ru_RU", "sv_SE", "th_TH", "tr_TR", "uk_UA", "vi_VN", "zh_CN", "zh_TW",
]
# fmt: on

TEMPLATES: tuple[str, ...] = get_args(Template)
ASPECT_RATIOS: tuple[str, ...] = get_args(AspectRatio)
RESOLUTIONS: tuple[int, ...] = get_args(Resolution)
LAYOUTS: tuple[str, ...] = get_args(Layout)
REEL_QUALITIES: tuple[str, ...] = get_args(ReelQuality)
TEXT_TRANSFORMS: tuple[str, ...] = get_args(TextTransform)
TEXT_POSITIONS: tuple[str, ...] = get_args(TextPosition)
FONT_FAMILIES: tuple[str, ...] = get_args(FontFamily)
SUBTITLE_LANGUAGES: tuple[str, ...] = get_args(SubtitleLanguage)
