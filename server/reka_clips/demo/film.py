"""The demo's film: calm scenes with three planted bursts of action, sound and subtitles, drawn by ffmpeg."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg.process import output_argument

if TYPE_CHECKING:
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

_SIZE: Final = "640x360"
_FPS: Final = 25


@dataclass(frozen=True, slots=True)
class Scene:
    """A stretch of the film. `burst`: whether it is one of the planted moments; `lines`: its subtitles."""

    name: str
    seconds: int
    picture: str
    burst: bool
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """A planted burst of action, in seconds of the film."""

    name: str
    start_seconds: int
    end_seconds: int


# The pictures are drawn small and enlarged: drawing them is most of the work.
_ENLARGE: Final = f"scale={_SIZE}:flags=bicubic"


def _sky(colours: str, seed: int) -> str:
    return f"gradients=s=160x90:r={_FPS}:{colours}:nb_colors=3:speed=0.006:seed={seed}:type=linear,{_ENLARGE}"


_SPARKS: Final = (
    f"life=s=160x90:r={_FPS}:seed=11:ratio=0.16:mold=24:death_color=#5b1a00:life_color=#ffd166:mold_color=#1a0b2e,"
    f"scale={_SIZE}:flags=neighbor"
)
_DIVE: Final = (
    f"mandelbrot=s=320x180:r={_FPS}:start_scale=2.2:end_scale=0.02:end_pts=110:maxiter=160:inner=black,"
    f"hue=s=1.4,{_ENLARGE}"
)
_DANCE: Final = f"testsrc2=s={_SIZE}:r={_FPS},rotate='0.5*sin(5*t)':c=0x101020,hue='h=260*t'"

SCENES: Final = (
    Scene(
        "dawn",
        16,
        _sky("c0=0x2b3a67:c1=0xe8a87c:c2=0xf6d8ae", 3),
        burst=False,
        lines=("The morning is quiet over the bay.", "Nothing moves but the light.", "Three surprises lie ahead."),
    ),
    Scene("sparks", 7, _SPARKS, burst=True, lines=("Look at those sparks!", "They jump from wall to wall!")),
    Scene(
        "noon",
        18,
        _sky("c0=0x3a7ca5:c1=0x81c3d7:c2=0xd9dcd6", 5),
        burst=False,
        lines=("Noon again, and the sea is flat.", "A good hour to think.", "Or to sleep a little in the shade."),
    ),
    Scene(
        "dive",
        7,
        _DIVE,
        burst=True,
        lines=("Hold tight, here comes the dive!", "Deeper, faster, round the bend!"),
    ),
    Scene(
        "dusk",
        19,
        _sky("c0=0x355070:c1=0xb56576:c2=0xeaac8b", 8),
        burst=False,
        lines=("The evening comes slowly.", "Boats return without a hurry.", "One surprise is left."),
    ),
    Scene(
        "dance",
        8,
        _DANCE,
        burst=True,
        lines=("And now everybody dances!", "Left, right, and once around!"),
    ),
    Scene(
        "night",
        15,
        _sky("c0=0x0b132b:c1=0x1c2541:c2=0x3a506b", 13),
        burst=False,
        lines=("The night closes the day.", "Good night, little bay."),
    ),
)


def moments() -> tuple[Moment, ...]:
    """Return the planted moments, in the order of the film."""
    found: list[Moment] = []
    start = 0
    for scene in SCENES:
        if scene.burst:
            found.append(Moment(scene.name, start, start + scene.seconds))
        start += scene.seconds
    return tuple(found)


async def make_film(ffmpeg: Ffmpeg, path: Path) -> tuple[Moment, ...]:
    """Write the film to `path` and its subtitles beside it (.srt); return the planted moments.

    Raises MediaError where ffmpeg fails.
    """
    path.with_suffix(".srt").write_text(_subtitles(), encoding="utf-8")
    seconds = sum(scene.seconds for scene in SCENES)
    encoding = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    outputs = ["-map", "[v]", "-map", "[a]", *encoding, "-movflags", "+faststart", output_argument(path)]
    await ffmpeg.run(["-filter_complex", _graph(), *outputs], duration_seconds=seconds)
    return moments()


def _graph() -> str:
    chains: list[str] = []
    for number, scene in enumerate(SCENES):
        chains.append(f"{scene.picture},trim=duration={scene.seconds},format=yuv420p,setsar=1[v{number}]")
        chains.append(f"{_sound(scene)},aformat=sample_rates=48000:channel_layouts=stereo[a{number}]")
    pads = "".join(f"[v{number}][a{number}]" for number in range(len(SCENES)))
    return ";".join([*chains, f"{pads}concat=n={len(SCENES)}:v=1:a=1[v][a]"])


def _sound(scene: Scene) -> str:
    """Calm: a soft chord that swells like waves. Burst: a quick drum with a rising tone."""
    if scene.burst:
        drum = "0.55*random(0)*exp(-9*mod(t,0.24))"
        tone = "0.22*sin(2*PI*(220+60*floor(mod(t*4.17,5)))*t)*exp(-5*mod(t,0.24))"
        return f"aevalsrc='{drum}+{tone}':s=48000:d={scene.seconds}"
    swell = "(0.5+0.5*sin(2*PI*t/9))"
    chord = "(sin(2*PI*110*t)+0.6*sin(2*PI*165*t)+0.4*sin(2*PI*220*t))"
    return f"aevalsrc='0.04*{swell}*{chord}+0.01*random(1)':s=48000:d={scene.seconds}"


def _subtitles() -> str:
    blocks: list[str] = []
    scene_start = 0.0
    for scene in SCENES:
        each = scene.seconds / len(scene.lines)
        for number, line in enumerate(scene.lines):
            start = scene_start + number * each + 0.3
            end = scene_start + (number + 1) * each - 0.3
            blocks.append(f"{len(blocks) + 1}\n{_clock(start)} --> {_clock(end)}\n{line}\n")
        scene_start += scene.seconds
    return "\n".join(blocks)


def _clock(seconds: float) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{milliseconds:03}"
