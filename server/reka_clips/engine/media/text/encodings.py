"""Which characters the bytes of a subtitle file are: UTF-8 and UTF-16 for certain, older encodings by statistics."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.languages import base_language

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_BOMS: Final = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# What stands in every subtitle file, as UTF-16 without a byte order mark has it.
_WIDE_SIGNS: Final = tuple(
    (sign.encode(encoding), encoding) for encoding in ("utf-16-le", "utf-16-be") for sign in ("-->", "Dialogue:")
)
_SAMPLE_BYTES: Final = 32 * 1024
_NOT_ASCII: Final = re.compile(rb"[\x80-\xff]")
_SEQUENCE: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_VALID_PER_BAD: Final = 3  # UTF-8 has so many whole characters for each broken one, at least
_MAX_BAD_SHARE: Final = 0.02  # of the characters of an older encoding
_SURE_CHARACTERS: Final = 60  # beyond ASCII, from which on statistics are believed without a word
_PUNCTUATION: Final = frozenset(
    "\u00a0\u00ab\u00bb\u2018\u2019\u201a\u201c\u201d\u201e\u2013\u2014\u2026\u00a1\u00bf\u00b7\u2022\u00b0\u20ac\u00a3"
)

# Language: its encodings, the commonest first, and the letters beyond ASCII that it is written in; none where a
# whole script belongs to it. Order decides between equals.
_LANGUAGES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "fr": (("cp1252",), "àâæçéèêëîïôœùûüÿ"),
    "de": (("cp1252",), "äöüßéà"),
    "es": (("cp1252",), "áéíñóúü"),
    "pt": (("cp1252",), "áâãàçéêíóôõú"),
    "it": (("cp1252",), "àèéìíîòóùú"),
    "sv": (("cp1252",), "åäöé"),
    "no": (("cp1252",), "åæøéòô"),
    "da": (("cp1252",), "åæøé"),
    "fi": (("cp1252",), "åäö"),
    "nl": (("cp1252",), "áéëïóöüèê"),
    "is": (("cp1252",), "áðéíóúýþæö"),
    "ca": (("cp1252",), "àçèéíïòóúü·"),
    "pl": (("cp1250",), "ąćęłńóśźż"),
    "cs": (("cp1250",), "áčďéěíňóřšťúůýž"),
    "sk": (("cp1250",), "áäčďéíĺľňóôŕšťúýž"),
    "hu": (("cp1250",), "áéíóöőúüű"),
    "ro": (("cp1250",), "ăâîşţșț"),
    "hr": (("cp1250",), "čćđšž"),
    "sl": (("cp1250",), "čšžćđ"),
    "sq": (("cp1252",), "çë"),
    "tr": (("cp1254",), "çğ\u0131iöşüâîû"),
    "lv": (("cp1257",), "āčēģīķļņšūž"),
    "lt": (("cp1257",), "ąčęėįšųūž"),
    "et": (("cp1257",), "äõöüšž"),
    "vi": (("cp1258",), "àáâãèéêìíòóôõùúýăđơưạảấầẩậắằẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỷỹ\u0300\u0301\u0303\u0309\u0323"),
    "ru": (("cp1251", "koi8_r", "cp866", "iso8859_5"), "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"),
    "uk": (("cp1251", "koi8_u"), "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя"),
    "bg": (("cp1251",), "абвгдежзийклмнопрстуфхцчшщъьюя"),
    "sr": (("cp1251", "cp1250"), "абвгдђежзијклљмнњопрстћуфхцчџшčćđšž"),
    "mk": (("cp1251",), "абвгдѓежзѕијклљмнњопрстќуфхцчџш"),
    "be": (("cp1251",), "абвгдеёжзійклмнопрстуўфхцчшыьэюя"),
    "el": (("cp1253", "iso8859_7"), "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"),
    "he": (("cp1255", "iso8859_8"), ""),
    "ar": (("cp1256", "iso8859_6"), ""),
    "fa": (("cp1256",), ""),
    "ur": (("cp1256",), ""),
    "th": (("cp874",), ""),
    "ja": (("cp932", "euc_jp"), ""),
    "ko": (("cp949",), ""),
    "zh": (("gb18030", "big5"), ""),
}
_SCRIPTS: Final = {
    "he": ("\u0590", "\u05ff"),
    "ar": ("\u0600", "\u06ff"),
    "fa": ("\u0600", "\u06ff"),
    "ur": ("\u0600", "\u06ff"),
    "th": ("\u0e00", "\u0e7f"),
    "ja": ("\u3000", "\u9fff"),
    "ko": ("\uac00", "\ud7a3"),
    "zh": ("\u3000", "\u9fff"),
}
# The letters that are half of any text: they tell scripts apart whose bytes are the same.
_COMMON: Final = {
    "ru": "оеаинтсрвл",
    "uk": "оанивітерс",
    "bg": "аиоентрсвл",
    "sr": "аиоенсрјту",
    "mk": "аоиентрсвл",
    "be": "аніоерскцд",
    "el": "αοιετσνηυρ",
    "he": "יוהלאמרתבש",
    "ar": "اليمنرتوبع",
    "fa": "ایرندمهوتس",
    "ur": "ایرنکہومتس",
}
_WITHOUT_COMMON: Final = 1.5  # stands for the share of known letters and that of common ones, where there is no list
_NAMES: Final = {
    "cp1252": "Windows-1252 (Western European)",
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "koi8_r": "KOI8-R (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)",
    "cp874": "Windows-874 (Thai)",
    "gb18030": "GB 18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "cp932": "Shift-JIS (Japanese)",
    "cp949": "EUC-KR (Korean)",
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a file. doubt: what may be wrong with it, as the end of a sentence about the file; else empty."""

    text: str
    encoding: str
    doubt: str = ""


def decode(content: bytes, *, language: str = "") -> Decoded:
    """Return the text of a subtitle file; never fails.

    language: of the file, as `language_tag` gives it, if it is known; it decides between encodings that only differ
    in what the letters are. Bytes that are no text in the encoding are left out, which `doubt` tells.
    """
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            # With its mark taken off, UTF-8 may still have bad bytes.
            return _utf8(content[3:]) if encoding == "utf-8" else Decoded(content.decode(encoding, "replace"), encoding)
    for sign, encoding in _WIDE_SIGNS:
        at = content.find(sign, 0, _SAMPLE_BYTES)
        if at >= 0 and at % 2 == 0:
            return Decoded(content.decode(encoding, "replace"), encoding)
    try:
        return Decoded(content.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        sample = _sample(content)
        whole = len(_SEQUENCE.findall(sample))
        bad = sample.decode("utf-8", "replace").count("\ufffd")
        if whole >= _VALID_PER_BAD * bad or (whole and bad == 1):
            return _utf8(content)
        return _legacy(content, sample, language)


def _utf8(content: bytes) -> Decoded:
    text = content.decode("utf-8", "replace")
    bad = text.count("\ufffd") - content.count("\ufffd".encode())
    return Decoded(text, "utf-8", _left_out(bad, "UTF-8") if bad else "")


def _left_out(bad: int, encoding: str) -> str:
    noun = "1 character that is" if bad == 1 else f"{bad} characters that are"
    return f"was read without {noun} not valid {encoding}"


def _sample(content: bytes) -> bytes:
    """Return as much as tells the encoding: lines that are not only ASCII."""
    lines: list[bytes] = []
    size = 0
    for line in content.split(b"\n"):
        if _NOT_ASCII.search(line):
            lines.append(line[:_SAMPLE_BYTES])
            size += len(line)
            if size > _SAMPLE_BYTES:
                break
    return b"\n".join(lines)


def _legacy(content: bytes, sample: bytes, language: str) -> Decoded:
    """Return the text in one of the encodings that were used before UTF-8.

    charset-normalizer names those that the bytes could be, by how much sense they make as text. Which one it is
    depends on a few letters («ş» and «þ» are the same byte), so the alphabets of single languages decide.
    """
    hinted = _LANGUAGES.get(base_language(language))
    encodings = hinted[0] if hinted else tuple(dict.fromkeys(e for names, _ in _LANGUAGES.values() for e in names[:2]))
    candidates = _plausible(sample, encodings) if len(encodings) > 1 else list(encodings)
    languages = [base_language(language)] if hinted else list(_LANGUAGES)
    best = max(candidates or encodings, key=lambda encoding: _score(sample, encoding, languages))
    text = content.decode(best, "replace")
    name = _NAMES.get(best, best)
    bad = text.count("\ufffd")
    foreign = sum(not character.isascii() for character in sample.decode(best, "ignore"))
    if bad > _MAX_BAD_SHARE * max(1, foreign) and hinted:
        return _legacy(content, sample, "")  # the language on the file is not the one in it
    if bad:
        return Decoded(text, best, _left_out(bad, name))
    if hinted or foreign >= _SURE_CHARACTERS:
        return Decoded(text, best)
    guess = f"does not say its encoding and was read as {name}, a guess; save it as UTF-8 if the captions are wrong"
    return Decoded(text, best, guess)


def _plausible(sample: bytes, encodings: Iterable[str]) -> list[str]:
    from charset_normalizer import from_bytes  # takes a while to import, and few files need it

    return [match.encoding for match in from_bytes(sample, cp_isolation=list(encodings), enable_fallback=False)]


def _score(sample: bytes, encoding: str, languages: Sequence[str]) -> float:
    """Return how well the letters fit the best of the languages that are written in an encoding; 0 and up."""
    text = sample.decode(encoding, "replace")
    foreign = [at for at, character in enumerate(text) if not character.isascii() and character not in _PUNCTUATION]
    if not foreign:
        return 1.0
    # No word is half Latin and half of another script.
    apart = [text[at] for at in foreign if not _beside_latin(text, at)]
    scores = [0.0]
    for language in languages:
        names, letters = _LANGUAGES[language]
        if encoding not in names:
            continue
        if language in _COMMON:
            first, last = _SCRIPTS.get(language, ("", ""))
            known = sum(first <= character <= last or character.lower() in letters for character in apart)
            common = sum(character in _COMMON[language] for character in apart)
            scores.append((known + common) / len(foreign))
        elif letters:
            scores.append(_WITHOUT_COMMON * sum(text[at].lower() in letters for at in foreign) / len(foreign))
        else:
            first, last = _SCRIPTS[language]
            known = sum(first <= character <= last or "\uff00" <= character <= "\uffef" for character in apart)
            scores.append(_WITHOUT_COMMON * known / len(foreign))
    return max(scores)


def _beside_latin(text: str, at: int) -> bool:
    return any(c.isascii() and c.isalpha() for c in (text[at - 1 : at], text[at + 1 : at + 2]))
