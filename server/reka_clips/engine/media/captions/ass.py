"""Captions and watermark as an ASS script, for libass to draw.

Sizes are design pixels: the shorter side of the picture is 1080 of them, whatever the clip's resolution.
Source: "Sub Station Alpha v4.00+ Script Format", and libass's own rules for `PlayResX`, `WrapStyle` and font sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.captions.fonts import typeface
from reka_clips.engine.media.captions.pages import Page, Token

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reka_clips import contract
    from reka_clips.engine.media.captions.fonts import Typeface
    from reka_clips.engine.media.captions.pages import Transform

DESIGN_SIDE_PX: Final = 1080
DEFAULT_FONT_SIZE_PX: Final = 120.0
_STROKE_EM: Final = 0.06
_SHADOW_EM: Final = 0.025
_WATERMARK_TEXT: Final = "reka-clips-mcp"
_WATERMARK_SIZE_PX: Final = 34
_WORD_JOINER: Final = "\u2060"

# Margins as shares of the height. Phone apps cover the top and the bottom of a portrait picture with their own
# buttons and texts (TikTok, Reels and Shorts all stay within these); other shapes stand in feeds and players.
_PORTRAIT_MARGINS: Final = {"top": 0.13, "middle": 0.0, "bottom": 0.24}
_OTHER_MARGINS: Final = {"top": 0.07, "middle": 0.0, "bottom": 0.08}
_SIDE_MARGIN: Final = 0.1
_WIDEST_LINE: Final = 0.7  # of a landscape picture's width: the eye should not wander
_STYLE_FORMAT: Final = (
    "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, "
    "Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, "
    "MarginR, MarginV, Encoding"
)
_ALIGNMENT: Final = {"top": 8, "middle": 5, "bottom": 2}


@dataclass(frozen=True, slots=True)
class ResolvedCaptionStyle:
    """A caption style with every field decided. Colours as `#RRGGBB`; `font_size_px` in design pixels, the em."""

    face: Typeface
    family: str
    font_size_px: float = DEFAULT_FONT_SIZE_PX
    transform: Transform = "uppercase"
    text_color: str = "#FFFFFF"
    highlight_color: str = "#FFD60A"
    stroke_color: str = "#000000"
    position: str = "bottom"

    @property
    def stroke_px(self) -> float:
        """How wide the stroke around the letters is, in design pixels."""
        return self.font_size_px * _STROKE_EM


@dataclass(frozen=True, slots=True)
class Canvas:
    """The design canvas of a clip of a given size in pixels."""

    width_px: int
    height_px: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in design pixels; the shorter is 1080."""
        scale = Fraction(DESIGN_SIDE_PX, min(self.width_px, self.height_px))
        return round(self.width_px * scale), round(self.height_px * scale)

    @property
    def line_width(self) -> float:
        """How wide a line of captions may be, in design pixels, stroke included."""
        width, height = self.size
        return width * (1 - 2 * _SIDE_MARGIN if width <= height else _WIDEST_LINE)

    def vertical_margin(self, position: str) -> int:
        """How far captions stay from the top or bottom edge, in design pixels."""
        width, height = self.size
        is_tall = height / width > 1.5  # noqa: PLR2004 - between 4:5, for feeds, and 9:16, for the full screen
        return round(height * (_PORTRAIT_MARGINS if is_tall else _OTHER_MARGINS)[position])


def resolve_look(style: contract.CaptionStyle | None, family: str | None = None) -> ResolvedCaptionStyle:
    """Return the style with the engine's defaults for what was left out. family: used instead of the style's."""
    set_fields = {} if style is None else style.model_dump(exclude_none=True)
    family = str(family or set_fields.get("font_family", "CaptionFont"))
    names = {"desired_font_size": "font_size_px", "text_transform": "transform"}
    fields = {names.get(name, name): value for name, value in set_fields.items() if name != "font_family"}
    return ResolvedCaptionStyle(face=typeface(family), family=family, **fields)


def script(
    pages: Iterable[Page], look: ResolvedCaptionStyle, canvas: Canvas, *, watermark_seconds: Fraction | None = None
) -> str:
    """Return the ASS script that draws the pages; with `watermark_seconds`, a watermark for that long as well."""
    width, height = canvas.size
    lines = [
        "[Script Info]",
        "ScriptType: v4.00+",
        f"PlayResX: {width}",
        f"PlayResY: {height}",
        "WrapStyle: 2",  # lines break where we break them
        "ScaledBorderAndShadow: yes",
        "YCbCr Matrix: None",
        "",
        "[V4+ Styles]",
        _STYLE_FORMAT,
        _caption_style(look, canvas),
        _watermark_style(canvas),
        "",
        "[Events]",
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
    ]
    for page in pages:
        lines += _page_events(page, look)
    if watermark_seconds is not None:
        lines.append(_event(Fraction(0), watermark_seconds, "watermark", _WATERMARK_TEXT))
    return "\n".join(lines) + "\n"


def question(characters: Iterable[str], look: ResolvedCaptionStyle) -> str:
    """Return a script that has libass look for the glyphs of the characters, to read in its log what it found."""
    token = Token(Fraction(0), Fraction(1), " ".join(characters))
    return script([Page(token.start, token.end, ((token,),))], look, Canvas(DESIGN_SIDE_PX, DESIGN_SIDE_PX))


def escape(text: str) -> str:
    r"""Return text that libass draws as it stands: `{`, `}` and `\` start no command, and there is no line break.

    libass knows `\{` and `\}`; it has no escape for a backslash, but a word joiner behind one, which is invisible,
    keeps it from being read together with what follows.
    """
    text = text.replace("\\", f"\\{_WORD_JOINER}").replace("{", "\\{").replace("}", "\\}")
    return " ".join(text.split())


def color(hex_color: str, *, transparency: int = 0) -> str:
    """Return `#RRGGBB` as ASS writes it: `&HAABBGGRR`. transparency: 0 opaque, 255 invisible."""
    red, green, blue = hex_color[1:3], hex_color[3:5], hex_color[5:7]
    return f"&H{transparency:02X}{blue}{green}{red}".upper()


def timestamp(seconds: Fraction) -> str:
    """Return a time as ASS writes it, `h:mm:ss.cc`, rounded to a hundredth of a second."""
    hundredths = round(seconds * 100)
    minutes, rest = divmod(hundredths, 6000)
    return f"{minutes // 60}:{minutes % 60:02}:{rest // 100:02}.{rest % 100:02}"


def _caption_style(look: ResolvedCaptionStyle, canvas: Canvas) -> str:
    width, _ = canvas.size
    size = look.font_size_px
    side = round((width - canvas.line_width) / 2)
    fields = [
        "caption",
        look.face.name,
        f"{size * look.face.line_height_em:.2f}",
        color(look.text_color),
        color(look.text_color),
        color(look.stroke_color),
        color("#000000", transparency=110),
        "-1" if look.face.bold else "0",
        "0,0,0,100,100,0,0,1",
        f"{look.stroke_px:.2f}",
        f"{size * _SHADOW_EM:.2f}",
        str(_ALIGNMENT[look.position]),
        str(side),
        str(side),
        str(canvas.vertical_margin(look.position)),
        "-1",  # the direction of writing follows the text
    ]
    return "Style: " + ",".join(fields)


def _watermark_style(canvas: Canvas) -> str:
    face = typeface("CaptionFont")
    side, top = 48, max(48, canvas.vertical_margin("top") // 2)
    size = f"{_WATERMARK_SIZE_PX * face.line_height_em:.2f}"
    white, black = color("#FFFFFF", transparency=100), color("#000000", transparency=150)
    colors = f"{white},{white},{black},{black}"
    return f"Style: watermark,{face.name},{size},{colors},-1,0,0,0,100,100,1,0,1,1.5,0,7,{side},{side},{top},-1"


def _page_events(page: Page, look: ResolvedCaptionStyle) -> Iterator[str]:
    """Yield an event per token: the whole page each time, with that token lit up."""
    tokens = page.tokens
    starts = [page.start, *(token.start for token in tokens[1:]), page.end]
    for index, (start, end) in enumerate(pairwise(starts)):
        if timestamp(start) != timestamp(end):
            yield _event(start, end, "caption", _page_text(page, tokens[index], look))


def _page_text(page: Page, lit: Token, look: ResolvedCaptionStyle) -> str:
    size = f"{{\\fs{look.font_size_px * look.face.line_height_em * page.scale:.2f}}}" if page.scale < 1 else ""
    return size + "\\N".join(_line_text(line, lit, look) for line in page.lines)


def _line_text(tokens: Sequence[Token], lit: Token, look: ResolvedCaptionStyle) -> str:
    parts: list[str] = []
    for index, token in enumerate(tokens):
        space = " " if index > 0 and not token.is_glued else ""
        text = escape(token.text)
        if token is lit:
            # `&HBBGGRR&`, without the transparency of a style's colour.
            text = f"{{\\c&H{color(look.highlight_color)[4:]}&}}{text}{{\\c&H{color(look.text_color)[4:]}&}}"
        parts.append(space + text)
    return "".join(parts)


def _event(start: Fraction, end: Fraction, style: str, text: str) -> str:
    return f"Dialogue: 0,{timestamp(start)},{timestamp(end)},{style},,0,0,0,,{text}"
