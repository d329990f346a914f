"""Colours are those that the film has on a screen that shows it right, whoever tells what they are."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from clip_making import make_one_clip
from made_films import FFMPEG
from made_films.oddities import run
from pictures import Color, Picture, frames
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import Ffmpeg

pytestmark = pytest.mark.anyio

PATCHES: tuple[Color, ...] = ((254, 0, 0), (0, 254, 0), (0, 0, 254), (200, 140, 110), (128, 128, 128), (235, 235, 235))
WIDTH = 32 * len(PATCHES)
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:crf=8")


def patches() -> list[str]:
    """Return the input arguments for a still row of patches, in RGB."""
    boxes = ",".join(
        f"drawbox=x={32 * number}:y=0:w=32:h=54:t=fill:color=0x{''.join(f'{value:02x}' for value in color)}"
        for number, color in enumerate(PATCHES)
    )
    return ["-f", "lavfi", "-i", f"color=black:s={WIDTH}x54:r=25:d=1.2,format=gbrp,{boxes}"]


def shown(picture: Picture) -> list[Color]:
    """Return the colours of the patches in a picture that shows all of them side by side."""
    return [picture.at((number + 0.5) / len(PATCHES), 0.5) for number in range(len(PATCHES))]


async def clip_of(ffmpeg: Ffmpeg, film: Path) -> tuple[list[Color], tuple[str, ...]]:
    clip, warnings = await make_one_clip(ffmpeg, film, aspect_ratio="16:9", layout="fit")
    size = (clip.width_px // 2 * 2, clip.height_px // 2 * 2)
    return shown(frames(FFMPEG, clip.path, size)[10]), warnings


def assert_alike(found: list[Color], wanted: list[Color] | tuple[Color, ...], tolerance: int) -> None:
    apart = [max(abs(a - b) for a, b in zip(*pair, strict=True)) for pair in zip(found, wanted, strict=True)]
    assert max(apart) <= tolerance, f"{found} instead of {wanted}"


def _wide(primaries: str, matrix: str, transfer: str) -> str:
    """Return the filters that keep what the patches look like and store them in a wide gamut."""
    return (
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=gbr:range=pc,"
        f"zscale=p={primaries}:t={transfer}:m={matrix}:r=tv,format=yuv444p10"
    )


@pytest.mark.parametrize(
    ("primaries", "matrix", "transfer"),
    [("bt2020", "bt2020nc", "bt709"), ("smpte431", "bt709", "bt709"), ("smpte432", "bt709", "bt709"), ("smpte432", "bt709", "iec61966-2-1"), ("bt2020", "bt2020nc", "bt2020-10")],
)  # fmt: skip
@pytest.mark.parametrize("codec", ["libx265", "ffv1"])
async def test_sdr_in_a_wide_gamut_keeps_its_colors(
    ffmpeg: Ffmpeg, tmp_path: Path, *, primaries: str, matrix: str, transfer: str, codec: str
) -> None:
    film = tmp_path / "wide.mkv"
    tags = ("-color_primaries", primaries, "-color_trc", transfer, "-colorspace", matrix, "-color_range", "tv")
    encode = X265 if codec == "libx265" else ("-c:v", "ffv1")
    run(FFMPEG, [*patches(), "-vf", _wide(primaries, matrix, transfer), *encode, *tags, str(film)])

    found, _ = await clip_of(ffmpeg, film)

    assert_alike(found, PATCHES, 25)  # what is near 0 is stored coarsely


async def test_a_wide_gamut_is_converted_without_zscale_too(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "wide.mkv"
    run(FFMPEG, [*patches(), "-vf", _wide("bt2020", "bt2020nc", "bt709"), "-c:v", "ffv1", str(film)])

    found, _ = await clip_of(replace(ffmpeg, features=ffmpeg.features - {"zscale"}), film)

    assert_alike(found, PATCHES, 70)  # as it is: (207, 79, 45) for red, (159, 243, 92) for green


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m", "bt470bg", "fcc", "smpte240m"])
@pytest.mark.parametrize("value_range", ["tv", "pc"])
async def test_a_films_own_matrix_and_range_are_used(
    ffmpeg: Ffmpeg, tmp_path: Path, matrix: str, value_range: str
) -> None:
    film = tmp_path / "matrix.mkv"
    chain = f"scale=out_color_matrix={matrix}:out_range={value_range},format=yuv444p"
    chain += f",setparams=range={value_range}:colorspace={matrix}"
    run(FFMPEG, [*patches(), "-vf", chain, "-c:v", "ffv1", str(film)])

    found, _ = await clip_of(ffmpeg, film)

    assert_alike(found, PATCHES, 8)


async def test_a_matrix_that_scale_does_not_know_is_used(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "matrix.mkv"
    chain = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=gbr:range=pc,zscale=m=ycgco:r=tv,format=yuv444p"
    run(FFMPEG, [*patches(), "-vf", chain, "-c:v", "libx264", "-qp", "4", "-colorspace", "ycgco", str(film)])
    assert (await probe(ffmpeg, film)).video.color_matrix == "ycgco"

    found, _ = await clip_of(ffmpeg, film)

    assert_alike(found, PATCHES, 12)


@pytest.mark.parametrize("container", ["mp4", "mkv"])
@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
async def test_hdr_that_only_the_container_tells_is_toned_as_if_the_stream_did(
    ffmpeg: Ffmpeg, tmp_path: Path, transfer: str, container: str
) -> None:
    told, untold = tmp_path / "told.mp4", tmp_path / f"untold.{container}"
    chain = (
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=gbr:range=pc,"
        f"zscale=p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"
    )
    tags = ("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc", "-color_range", "tv")
    run(FFMPEG, [*patches(), "-vf", chain, *X265, *tags, str(told)])
    plain = ("-bsf:v", "hevc_metadata=colour_primaries=2:transfer_characteristics=2:matrix_coefficients=2")
    run(FFMPEG, ["-i", str(told), "-c", "copy", *plain, *tags, str(untold)])
    info = await probe(ffmpeg, untold)
    if not info.video.color_transfer:
        assert ffmpeg.version < (6,)  # which forgets what the container said as soon as a frame is decoded
        return
    assert info.video.color_transfer == transfer

    expected, _ = await clip_of(ffmpeg, told)
    found, warnings = await clip_of(ffmpeg, untold)

    assert_alike(found, expected, 4)
    assert found[4][0] == pytest.approx(128, abs=25)
    assert not any("Dolby" in warning for warning in warnings)


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
@pytest.mark.parametrize("stored", ["full", "rgb"])
async def test_hdr_in_full_range_is_toned_as_in_video_range(
    ffmpeg: Ffmpeg, tmp_path: Path, transfer: str, stored: str
) -> None:
    colors: list[list[Color]] = []
    kept = {"video": ":m=bt2020nc:r=tv:npl=203,format=yuv444p10", "full": ":m=bt2020nc:r=pc:npl=203,format=yuv444p10"}
    kept["rgb"] = ":npl=203,format=gbrp10"
    for kind in ("video", stored):
        film = tmp_path / f"{kind}.mkv"
        chain = f"setparams=color_primaries=bt709:color_trc=bt709:colorspace=gbr:range=pc,zscale=p=bt2020:t={transfer}"
        tags = ("-color_primaries", "bt2020", "-color_trc", transfer, "-color_range", "tv" if kind == "video" else "pc")
        matrix = () if kind == "rgb" else ("-colorspace", "bt2020nc")
        run(FFMPEG, [*patches(), "-vf", chain + kept[kind], "-c:v", "ffv1", *tags, *matrix, str(film)])
        colors.append((await clip_of(ffmpeg, film))[0])

    assert_alike(colors[1], colors[0], 25)


async def test_dolby_vision_without_a_base_layer_is_toned_and_warned_about(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    """Greys in IPT with the curve of PQ, in full range; nothing but the container's dvcC box says so."""
    film = tmp_path / "dolby.mp4"
    grey = "color=gray:s=192x54:r=25:d=1.2,format=gbrp,drawbox=x=96:y=0:w=96:h=54:t=fill:color=white"
    chain = (
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=gbr:range=pc,"
        "zscale=p=bt2020:t=smpte2084:m=ictcp:r=pc:npl=203,format=yuv420p10le"
    )
    run(
        FFMPEG,
        ["-f", "lavfi", "-i", grey, "-vf", chain, *X265, "-tag:v", "hvc1", "-color_range", "pc", str(film)],
    )
    film.write_bytes(with_box(film.read_bytes(), b"hvc1", dolby_vision_box(profile=5, compatibility=0)))

    clip, warnings = await make_one_clip(ffmpeg, film, aspect_ratio="16:9", layout="fit")

    picture = frames(FFMPEG, clip.path, (clip.width_px, clip.height_px))[10]
    assert any("Dolby Vision" in warning for warning in warnings)
    assert picture.at(0.25, 0.5)[0] == pytest.approx(128, abs=25)
    assert picture.at(0.75, 0.5)[0] >= 215
    assert max(picture.at(0.75, 0.5)) - min(picture.at(0.75, 0.5)) <= 8


def dolby_vision_box(*, profile: int, compatibility: int) -> bytes:
    """Return a dvcC box: Dolby Vision Streams Within the ISO Base Media File Format, 3.1."""
    content = bytes([1, 0, profile << 1, (6 << 3) | 0b101, compatibility << 4]) + bytes(19)
    return struct.pack(">I", 8 + len(content)) + b"dvcC" + content


def with_box(film: bytes, entry: bytes, box: bytes) -> bytes:
    """Return an MP4 whose `moov` is at its end with one more box in the description of its video."""
    content = bytearray(film)
    place = content.index(entry) - 4
    (size,) = struct.unpack_from(">I", content, place)
    content[place + size : place + size] = box
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", entry):
        at = content.index(name, content.index(b"moov")) - 4
        (length,) = struct.unpack_from(">I", content, at)
        struct.pack_into(">I", content, at, length + len(box))
    return bytes(content)
