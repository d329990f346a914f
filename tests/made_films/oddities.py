"""Short films of every kind that people have on their disks, odd and broken ones included, made by ffmpeg."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS = 3
STEREO = f"sine=f=330:r=44100:d={SECONDS},aformat=channel_layouts=stereo"
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
AAC = ("-c:a", "aac", "-b:a", "96k")


@dataclass(frozen=True)
class Oddity:
    """A film and what the engine is to make of it.

    name: of the file. encode: output arguments. refusal: words of the error, where no clip can be made of it.
    sound: whether its clip has a sound track. then: what is done to the finished file.
    """

    name: str
    encode: tuple[str, ...] = (*X264, *AAC)
    picture: str | None = f"testsrc2=s=320x180:r=25:d={SECONDS}"
    tone: str | None = STEREO
    inputs: tuple[str, ...] = ()
    then: Callable[[str, Path], None] | None = None
    refusal: str | None = None
    sound: bool = True

    def write(self, ffmpeg: str, directory: Path) -> Path:
        """Write the film into the directory and return its path."""
        path = directory / self.name
        arguments = [*self.inputs]
        for lavfi in (self.picture, self.tone):
            if lavfi is not None:
                arguments += ["-f", "lavfi", "-i", lavfi]
        if arguments:
            run(ffmpeg, [*arguments, *self.encode, str(path)])
        if self.then is not None:
            self.then(ffmpeg, path)
        return path


def run(ffmpeg: str, arguments: Sequence[str]) -> None:
    """Run ffmpeg; raise RuntimeError with its last words when it fails."""
    command = [ffmpeg, "-nostdin", "-y", "-v", "error", *arguments]
    made = subprocess.run(command, capture_output=True, timeout=120, check=False)
    if made.returncode != 0:
        raise RuntimeError(made.stderr.decode(errors="replace")[-1500:])


def remake(ffmpeg: str, path: Path, *, before: Sequence[str] = (), arguments: Sequence[str] = ("-c", "copy")) -> None:
    """Pass a film through ffmpeg once more. before: input options."""
    whole = path.with_name(f"whole-{path.name}")
    path.rename(whole)
    run(ffmpeg, [*before, "-i", str(whole), *arguments, str(path)])
    whole.unlink()


def _turned(degrees: int) -> Callable[[str, Path], None]:
    return lambda ffmpeg, path: remake(ffmpeg, path, before=("-display_rotation", str(degrees)))


def _truncated(share: float) -> Callable[[str, Path], None]:
    def cut(_ffmpeg: str, path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return cut


def _holding(content: bytes) -> Callable[[str, Path], None]:
    return lambda _ffmpeg, path: path.write_bytes(content) and None


def _with_cover(ffmpeg: str, path: Path) -> None:
    cover = path.with_suffix(".png")
    run(ffmpeg, ["-f", "lavfi", "-i", "smptebars=s=640x640", "-frames:v", "1", str(cover)])
    maps = ("-map", "1", "-map", "0", "-c", "copy", "-disposition:v:0", "attached_pic")
    whole = path.with_name(f"whole-{path.name}")
    path.rename(whole)
    run(ffmpeg, ["-i", str(whole), "-i", str(cover), *maps, str(path)])


def _changing_size(ffmpeg: str, path: Path) -> None:
    """A stream whose pictures become larger on the way, as a recording of a call does."""
    parts = [path.with_name(f"{size}.ts") for size in ("320x180", "480x270")]
    for part in parts:
        picture = f"testsrc2=s={part.stem}:r=25:d=2"
        run(ffmpeg, ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=d=2", *X264, *AAC, str(part)])
    path.write_bytes(b"".join(part.read_bytes() for part in parts))


# A third of the frames dropped without order, their times kept: what phones and screen recorders write.
_VARYING = "select='not(between(mod(n\\,11)\\,3\\,6))+eq(mod(n\\,4)\\,0)'"
_X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error")
_TEN_BIT = "yuv420p10le"


def _hdr(transfer: str) -> tuple[str, ...]:
    colors = ("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc")
    return ("-vf", f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc", *_X265, *colors)


ODDITIES = (
    Oddity("plain.mp4"),
    Oddity("hevc.mp4", (*_X265, "-tag:v", "hvc1", *AAC)),
    Oddity("vp9.webm", ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime", "-c:a", "libopus")),
    Oddity("vp8.webm", ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libvorbis")),
    Oddity("av1.mkv", ("-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "lp=1", "-c:a", "libopus")),
    Oddity("mpeg2.ts", ("-c:v", "mpeg2video", "-b:v", "1M", "-c:a", "mp2")),
    Oddity("interlaced.mpg", ("-vf", "fps=50,interlace", "-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-c:a", "mp2")),
    Oddity("xvid.avi", ("-c:v", "mpeg4", "-vtag", "XVID", "-c:a", "libmp3lame")),
    Oddity("flash.flv", ("-c:v", "flv", "-c:a", "libmp3lame")),
    Oddity("windows.wmv", ("-c:v", "wmv2", "-c:a", "wmav2")),
    Oddity("theora.ogv", ("-c:v", "libtheora", "-c:a", "libvorbis")),
    Oddity("prores.mov", ("-c:v", "prores", "-profile:v", "0", "-c:a", "pcm_s16le")),
    Oddity("camera.mov", ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-c:a", "pcm_s16be")),
    Oddity("animated.gif", (), tone=None, sound=False),
    Oddity("varying-rate.mp4", ("-vf", _VARYING, "-fps_mode", "vfr", *X264, *AAC)),
    Oddity("film-rate.mp4", picture=f"testsrc2=s=320x180:r=24000/1001:d={SECONDS}"),
    Oddity("slow-rate.mp4", picture=f"testsrc2=s=320x180:r=5:d={SECONDS}"),
    Oddity("fast-rate.mp4", picture=f"testsrc2=s=320x180:r=120:d={SECONDS}"),
    Oddity("turned-left.mp4", then=_turned(90)),
    Oddity("turned-right.mp4", then=_turned(-90)),
    Oddity("upside-down.mp4", then=_turned(180)),
    Oddity("anamorphic.mp4", ("-vf", "setsar=4/3", *X264, *AAC), picture=f"testsrc2=s=180x144:r=25:d={SECONDS}"),
    Oddity("odd-size.mkv", ("-c:v", "ffv1", "-c:a", "flac"), picture=f"testsrc2=s=321x181:r=25:d={SECONDS}"),
    Oddity("tiny.avi", ("-c:v", "mpeg4", "-c:a", "pcm_s16le"), picture=f"testsrc2=s=32x18:r=25:d={SECONDS}"),
    Oddity("ten-bit.mp4", (*_X265, "-pix_fmt", _TEN_BIT, *AAC)),
    Oddity("full-chroma.mkv", (*X264[:4], "-pix_fmt", "yuv444p", *AAC)),
    Oddity("hdr-pq.mp4", (*_hdr("smpte2084"), "-pix_fmt", _TEN_BIT, *AAC)),
    Oddity("hdr-hlg.mp4", (*_hdr("arib-std-b67"), "-pix_fmt", _TEN_BIT, *AAC)),
    Oddity("silent.mp4", X264, tone=None, sound=False),
    Oddity("mono.mp4", tone=f"sine=r=22050:d={SECONDS}"),
    Oddity("surround.mkv", (*X264, "-c:a", "ac3"), tone=f"sine=r=48000:d={SECONDS},pan=5.1|FC=c0|FL=0.3*c0|LFE=c0"),
    Oddity("short-sound.mp4", tone="sine=d=1"),
    Oddity("cover-art.mp4", then=_with_cover),
    Oddity(
        "two-pictures.mkv",
        ("-map", "0", "-map", "1", "-map", "2", *X264, *AAC),
        inputs=("-f", "lavfi", "-i", f"color=red:s=64x36:r=25:d={SECONDS}"),
    ),
    Oddity("changing-size.ts", picture=None, tone=None, then=_changing_size),
    Oddity("broken-tail.ts", ("-g", "10", *X264, *AAC, "-f", "mpegts"), then=_truncated(0.7)),
    Oddity("broken-tail.mkv", ("-g", "10", *X264, *AAC), then=_truncated(0.7)),
    Oddity("fragmented.mp4", (*X264, *AAC, "-g", "10", "-movflags", "frag_keyframe+empty_moov"), then=_truncated(0.8)),
    Oddity("no-index.mp4", then=_truncated(0.5), refusal="incomplete"),
    Oddity("one-frame.mp4", ("-frames:v", "1", *X264), tone=None, refusal="too short"),
    Oddity("still.png", ("-frames:v", "1"), tone=None, refusal="still picture"),
    Oddity("still.jpg", ("-frames:v", "1"), tone=None, refusal="still picture"),
    Oddity("sound-only.m4a", AAC, picture=None, refusal="no moving picture"),
    Oddity("empty.mp4", picture=None, tone=None, then=_holding(b""), refusal="empty"),
    Oddity("text.mp4", picture=None, tone=None, then=_holding(b"Dear diary,\n" * 500), refusal="a text, not a video"),
    Oddity("noise.mkv", picture=None, tone=None, then=_holding(bytes(range(256)) * 200), refusal="not a video"),
    Oddity(
        "playlist.mp4",
        picture=None,
        tone=None,
        then=_holding(b"#EXTM3U\n#EXTINF:3,\nplain.mp4\n#EXT-X-ENDLIST\n"),
        refusal="playlists and scripts are refused",
    ),
)
