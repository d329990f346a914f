"""Subtitle files in the encodings that people have."""
# ruff: noqa: RUF001 - letters that look like others are what it is about

from __future__ import annotations

import pytest

from reka_clips.engine.media.text.encodings import decode

CUE = "1\n00:00:01,000 --> 00:00:05,000\n{}\n\n"
SPOKEN = {
    "ru": ("cp1251", "Привет, как у вас дела? Сегодня мы поговорим о телескопе."),
    "ru-koi8": ("koi8-r", "Привет, как у вас дела? Сегодня мы поговорим о телескопе."),
    "uk": ("cp1251", "Він сказав, що їхній дім стоїть біля річки."),
    "zh": ("gb18030", "大家好，今天我们来看望远镜。它很大。"),
    "zh-hant": ("big5", "大家好，今天我們來看望遠鏡。它很大。"),
    "ja": ("cp932", "こんにちは、今日は望遠鏡について話します。"),
    "ja-euc": ("euc_jp", "こんにちは、今日は望遠鏡について話します。"),
    "ko": ("cp949", "안녕하세요, 오늘은 망원경에 대해 이야기하겠습니다."),
    "pl": ("cp1250", "Cześć, dzisiaj porozmawiamy o teleskopie. Zażółć gęślą jaźń."),
    "cs": ("cp1250", "Dobrý den, dnes si budeme povídat o dalekohledu."),
    "hu": ("cp1250", "Jó napot, ma a távcsőről beszélünk."),
    "ar": ("cp1256", "مرحبا، كيف حالكم؟ سنتحدث اليوم عن التلسكوب."),
    "he": ("cp1255", "שלום, מה שלומכם? היום נדבר על הטלסקופ."),
    "el": ("cp1253", "Γεια σας, τι κάνετε; Σήμερα θα μιλήσουμε για το τηλεσκόπιο."),
    "tr": ("cp1254", "Merhaba, nasılsınız? Bugün teleskop hakkında konuşacağız."),
    "th": ("cp874", "สวัสดี วันนี้เราจะพูดถึงกล้องโทรทรรศน์"),
    "fr": ("cp1252", "Bonjour, comment ça va ? Aujourd'hui nous parlerons du télescope."),
    "de": ("cp1252", "Grüß Gott, heute sprechen wir über das Fernrohr."),
    "es": ("cp1252", "¿Cómo estás? Mañana hablaremos del telescopio español."),
}


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("is_known", [False, True], ids=["unknown", "known"])
def test_an_older_encoding_is_told_by_its_letters(language: str, *, is_known: bool) -> None:
    encoding, text = SPOKEN[language]
    decoded = decode(CUE.format(text).encode(encoding), language=language[:2] if is_known else "")
    assert decoded.text == CUE.format(text)
    assert is_known == (decoded.doubt == "")


@pytest.mark.parametrize("language", ["ru", "zh", "pl", "ar", "tr"])
def test_a_file_with_much_text_is_believed_without_a_warning(language: str) -> None:
    encoding, text = SPOKEN[language]
    decoded = decode(CUE.format(text).encode(encoding) * 20)
    assert (decoded.text, decoded.doubt) == (CUE.format(text) * 20, "")


def test_a_guess_is_told_with_its_remedy() -> None:
    doubt = decode(CUE.format("Привет, как у вас дела?").encode("cp1251")).doubt
    assert doubt.startswith(
        "does not say its encoding and was read as Windows-1251 (Cyrillic), a guess; save it as UTF-8"
    )


def test_a_name_that_tells_the_wrong_language_is_not_believed() -> None:
    encoding, text = SPOKEN["ja"]
    assert decode(CUE.format(text).encode(encoding), language="ko").text == CUE.format(text)


@pytest.mark.parametrize("bad", [b"\x92", b"\xe2\x80", b"\xff"])
def test_one_bad_byte_spoils_no_other_character_of_a_utf8_file(bad: bytes) -> None:
    content = CUE.format("Café “naïve”").encode() + CUE.format("not ").encode()[:-2] + bad + b"here\n"
    decoded = decode(content)
    assert decoded.text.replace("\ufffd", "") == CUE.format("Café “naïve”") + CUE.format("not ")[:-2] + "here\n"
    assert decoded.doubt.startswith("was read without 1 character")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["Hello there", "Привет", "大家好"])
def test_utf16_needs_no_mark_at_its_beginning(encoding: str, text: str) -> None:
    assert decode(CUE.format(text).encode(encoding)).text == CUE.format(text)


@pytest.mark.parametrize(
    "content", [b"", b"\x00", b"\xff" * 1000, bytes(range(256)) * 400], ids=["none", "nul", "ff", "all"]
)
def test_any_bytes_have_some_text(content: bytes) -> None:
    assert isinstance(decode(content).text, str)
