"""The demo's film: a minute of calm in which three things happen, with sound and subtitles, drawn by ffmpeg."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg.process import output_argument

if TYPE_CHECKING:
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

_FORM: Final = "s=640x360:r=25"


@dataclass(frozen=True, slots=True)
class Scene:
    """A stretch of the film. picture: a source of ffmpeg's. is_planted: whether something happens in it."""

    name: str
    seconds: int
    picture: str
    line: str
    is_planted: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """A planted stretch, in seconds of the film."""

    name: str
    start_seconds: int
    end_seconds: int


def _sky(colours: str) -> str:
    return f"gradients={_FORM}:{colours}:nb_colors=2:speed=0.006:seed=3"


SCENES: Final = (
    Scene("dawn", 12, _sky("c0=0x2b3a67:c1=0xe8a87c"), "The morning is quiet over the bay."),
    Scene(
        "sparks", 7, "life=s=160x90:r=25:seed=11:ratio=0.16:mold=24:life_color=#ffd166", "Look at those sparks!", True
    ),
    Scene("noon", 13, _sky("c0=0x3a7ca5:c1=0xd9dcd6"), "Noon again, and the sea is flat."),
    Scene("spin", 7, f"testsrc2={_FORM},rotate='0.5*sin(5*t)'", "Hold tight, now it spins!", True),
    Scene("dusk", 13, _sky("c0=0x355070:c1=0xeaac8b"), "The boats return without a hurry."),
    Scene("dance", 7, f"testsrc2={_FORM},hue='h=360*t'", "And now everybody dances!", True),
    Scene("night", 11, _sky("c0=0x0b132b:c1=0x3a506b"), "Good night, little bay."),
)
_STARTS: Final = tuple(accumulate((scene.seconds for scene in SCENES), initial=0))


def moments() -> tuple[Moment, ...]:
    """Return the planted moments, in the order of the film."""
    return tuple(
        Moment(scene.name, start, start + scene.seconds)
        for scene, start in zip(SCENES, _STARTS, strict=False)
        if scene.is_planted
    )


async def make_film(ffmpeg: Ffmpeg, path: Path) -> tuple[Moment, ...]:
    """Write the film to `path` and its subtitles beside it (.srt); return the planted moments.

    Raises MediaError where ffmpeg fails.
    """
    path.with_suffix(".srt").write_text(_subtitles(), encoding="utf-8")
    chains = [
        f"{scene.picture},scale=640:360:flags=neighbor,trim=duration={scene.seconds},format=yuv420p,setsar=1[v{number}]"
        for number, scene in enumerate(SCENES)
    ]
    pads = "".join(f"[v{number}]" for number in range(len(SCENES)))
    planted = "+".join(f"between(t,{moment.start_seconds},{moment.end_seconds})" for moment in moments())
    # A soft tone throughout; four drum beats a second where something happens.
    sound = f"0.04*sin(2*PI*165*t)+({planted})*0.6*random(0)*exp(-9*mod(t,0.25))"
    graph = ";".join(
        [
            *chains,
            f"{pads}concat=n={len(SCENES)}[v]",
            f"aevalsrc='{sound}':s=48000:d={_STARTS[-1]},aformat=channel_layouts=stereo[a]",
        ]
    )
    encoding = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "23", "-c:a", "aac", "-movflags", "+faststart"]
    await ffmpeg.run(["-filter_complex", graph, "-map", "[v]", "-map", "[a]", *encoding, output_argument(path)])
    return moments()


def _subtitles() -> str:
    return "\n".join(
        f"{number}\n00:{start // 60:02}:{start % 60:02},500 --> 00:{(start + 4) // 60:02}:{(start + 4) % 60:02},500\n"
        f"{scene.line}\n"
        for number, (scene, start) in enumerate(zip(SCENES, _STARTS, strict=False), start=1)
    )
