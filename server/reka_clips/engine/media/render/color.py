"""Colours: sources of any depth, range and matrix become 8-bit BT.709, which every screen and site shows right.

Clips are BT.709 whatever their size: many players go by that alone, and the conversion costs next to nothing.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from reka_clips.engine.media.ffmpeg.media_info import VideoStream

TAGS: Final = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"  # tells players

_TO_BT709: Final = "out_color_matrix=bt709:out_range=tv"
_HD_WIDTH_PX: Final = 1280
_HD_HEIGHT_PX: Final = 720
# What `scale` calls a matrix, by what the stream's dump calls it.
_MATRICES: Final = MappingProxyType({"bt709": "bt709", "smpte170m": "smpte170m", "bt470bg": "bt470bg"})
_WIDE_MATRICES: Final = frozenset({"bt2020nc", "bt2020c", "bt2020_ncl", "bt2020_cl"})


def conversion(video: VideoStream, features: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Return how a picture's colours become BT.709 in video range: options of its `scale` filter, and filters after.

    features: what this ffmpeg has. A source that names no matrix has BT.709 if it is HD, BT.601 else: so do players
    read it. An HDR source is toned behind the scaling, where there are fewest pixels.
    """
    if video.is_hdr:
        return "", (*_toning(video, features), f"scale={_TO_BT709}")
    if _is_rgb(video):
        return f":{_TO_BT709}", ()
    own = "bt2020" if video.color_matrix in _WIDE_MATRICES else _MATRICES.get(video.color_matrix, "")
    return f":in_color_matrix={own or _matrix_by_size(video)}:{_TO_BT709}", ()


def _toning(video: VideoStream, features: Collection[str]) -> tuple[str, ...]:
    """Return the filters that tone an HDR picture (PQ or HLG, BT.2020) down to SDR BT.709.

    Without zscale a lookup table per channel does it, with less exact colours.
    """
    if {"zscale", "tonemap"} <= set(features):
        source = f"zscale=tin={video.color_transfer}:pin=bt2020:min=bt2020nc:rin=tv:t=linear:npl=203"
        return (
            source,
            "format=gbrpf32le",
            "zscale=p=bt709",
            "tonemap=tonemap=mobius:param=0.5:desat=0",
            "zscale=t=bt709:m=bt709:r=tv",
        )
    curve = _PQ_CURVE if video.color_transfer == "smpte2084" else _HLG_CURVE
    lookup = ":".join(f"{channel}='{curve}'" for channel in "rgb")
    return ("scale=in_color_matrix=bt2020", "format=gbrp", f"lutrgb={lookup}", _BT2020_TO_BT709)


# From a code value, 0 to 255, over light, where 1 is the white of paper (203 cd/m2, ITU-R BT.2408), through a
# shoulder that leaves the dark half alone, back to a code value. Source: SMPTE ST 2084; ITU-R BT.2100 for HLG.
# ffmpeg asks for values far above 255 as well, and takes no NaN for an answer.
_SHOULDER: Final = "255*pow(clip(ld(0)*(1+ld(0)/16)/(1+ld(0)*0.75),0,1),1/2.2)"
_PQ_CURVE: Final = (
    "st(1,pow(min(val/255,1),1/78.84375));"
    "st(0,49.26*pow(max(ld(1)-0.8359375,0)/(18.8515625-18.6875*ld(1)),1/0.1593017578125));" + _SHOULDER
)
_HLG_CURVE: Final = (
    "st(1,min(val/255,1));st(0,4.93*pow(if(lte(ld(1),0.5),ld(1)*ld(1)/3,"
    "(exp((ld(1)-0.55991073)/0.17883277)+0.28466892)/12),1.2));" + _SHOULDER
)
# ITU-R BT.2087, meant for linear light; close enough on toned values.
_BT2020_TO_BT709: Final = (
    "colorchannelmixer=rr=1.6605:rg=-0.5876:rb=-0.0728:gr=-0.1246:gg=1.1329:gb=-0.0083:br=-0.0182:bg=-0.1006:bb=1.1187"
)


def _is_rgb(video: VideoStream) -> bool:
    return video.pixel_format.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "pal8", "0rgb", "0bgr"))


def _matrix_by_size(video: VideoStream) -> str:
    is_hd = video.width_px >= _HD_WIDTH_PX or video.height_px >= _HD_HEIGHT_PX
    return "bt709" if is_hd else "smpte170m"
