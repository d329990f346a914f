"""Languages as files, tracks and people write them: `en`, `eng`, `pt-BR`, `zh_Hans`, `English`."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

# ISO 639-1 code, the three-letter codes of ISO 639-2, the English name, and names that files bear.
_TABLE: Final = """
af afr Afrikaans|ar ara Arabic|az aze Azerbaijani|be bel Belarusian|bg bul Bulgarian|bn ben Bengali|bs bos Bosnian
ca cat Catalan catala|cs ces cze Czech cesky|cy cym wel Welsh|da dan Danish dansk|de deu ger German deutsch
el ell gre Greek|en eng English|eo epo Esperanto|es spa Spanish espanol castellano|et est Estonian|eu eus baq Basque
fa fas per Persian farsi|fi fin Finnish suomi|fil fil Filipino tagalog|fr fra fre French francais|ga gle Irish
gl glg Galician|gu guj Gujarati|he heb Hebrew|hi hin Hindi|hr hrv Croatian hrvatski|hu hun Hungarian magyar
hy hye arm Armenian|id ind Indonesian|is isl ice Icelandic|it ita Italian italiano|ja jpn Japanese
ka kat geo Georgian|kk kaz Kazakh|km khm Khmer|kn kan Kannada|ko kor Korean|lt lit Lithuanian|lv lav Latvian
mk mkd mac Macedonian|ml mal Malayalam|mn mon Mongolian|mr mar Marathi|ms msa may Malay|my mya bur Burmese
nb nob Norwegian norsk|ne nep Nepali|nl nld dut Dutch nederlands|nn nno Nynorsk|no nor Norwegian
pa pan Punjabi|pl pol Polish polski|pt por Portuguese portugues|ro ron rum Romanian romana|ru rus Russian
si sin Sinhala|sk slk slo Slovak|sl slv Slovenian|sq sqi alb Albanian|sr srp Serbian srpski|sv swe Swedish svenska
sw swa Swahili|ta tam Tamil|te tel Telugu|th tha Thai|tl tgl Tagalog|tr tur Turkish turkce|uk ukr Ukrainian
ur urd Urdu|uz uzb Uzbek|vi vie Vietnamese|yue yue Cantonese|zh zho chi Chinese mandarin
"""
_UNKNOWN: Final = frozenset({"", "und", "mis", "mul", "zxx", "unk", "unknown"})
_TAG: Final = re.compile(r"([a-z]{2,12})(?:[-_]([a-z0-9]{2,8}(?:[-_][a-z0-9]{2,8})*))?")
# Macro-languages and near-twins that stand for one another: a Norwegian film has `nor` sound and `nb` subtitles.
_SAME: Final = {"nb": "no", "nn": "no", "tl": "fil", "yue": "zh", "cmn": "zh"}
_HAN: Final = {"cn": "hans", "sg": "hans", "tw": "hant", "hk": "hant", "mo": "hant", "chs": "hans", "cht": "hant"}


@cache
def _codes() -> dict[str, str]:
    codes: dict[str, str] = {"cmn": "zh", "chs": "zh", "cht": "zh"}
    for entry in _TABLE.replace("\n", "|").split("|"):
        words = entry.split()
        codes.update((word.casefold(), words[0]) for word in words)
    return codes


@cache
def _names() -> dict[str, str]:
    entries = [entry.split() for entry in _TABLE.replace("\n", "|").split("|") if entry]
    return {words[0]: next(word for word in words if word[0].isupper()) for words in entries}


def language_tag(text: str) -> str:
    """Return a language as `en`, `pt-br` or `zh-hans`; empty when the text names none that is known.

    text: a code of two or three letters, with or without a region or script, or a language's name, in any case.
    """
    found = _TAG.fullmatch(text.strip().casefold())
    if not found or found[1] in _UNKNOWN:
        return ""
    code = _codes().get(found[1], "")
    region = (found[2] or "").replace("_", "-")
    if code == "zh":
        region = next((_HAN.get(part, part) for part in [*region.split("-"), found[1]] if part in _HAN), region)
    return f"{code}-{region}" if code and region else code


def language_name(tag: str) -> str:
    """Return what people call a language tag: `Portuguese (br)`."""
    code, _, region = tag.partition("-")
    name = _names().get(code, tag)
    return f"{name} ({region.upper() if len(region) == 2 else region})" if region else name  # noqa: PLR2004 - a country


def base_language(tag: str) -> str:
    """Return the language of a tag without its region: `pt-br` and `pt` have the same one; `nb` and `nn` are `no`."""
    code = tag.partition("-")[0]
    return _SAME.get(code, code)
