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
# The matrices that `scale` knows, by what the stream's banner calls them.
_MATRICES: Final = MappingProxyType(
    {name: name for name in ("bt709", "fcc", "bt470bg", "smpte170m", "smpte240m")}
    | dict.fromkeys(("bt2020nc", "bt2020c", "bt2020_ncl", "bt2020_cl"), "bt2020")
)
_SDR_TRANSFERS: Final = frozenset({"bt709", "iec61966-2-1", "bt2020-10", "bt2020-12", "smpte170m", "bt470m", "bt470bg"})
_WIDE_PRIMARIES: Final = frozenset({"bt2020", "smpte431", "smpte432"})


def conversion(video: VideoStream, features: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Return how a picture's colours become BT.709 in video range: options of its `scale` filter, and filters after.

    features: what this ffmpeg has. What the container says counts, as the frames may say nothing. A source that names
    no matrix has BT.709 if it is HD, BT.601 else: so do players read it. An HDR source is toned behind the scaling,
    where there are fewest pixels; a wide gamut (BT.2020, P3) is brought into that of BT.709 there.
    """
    if video.is_hdr or _is_ictcp(video):
        # Named, as older versions of `scale` make video range of a full one on the way.
        return ":in_range=pc:out_range=pc" if video.is_full_range else "", (
            *_toning(video, features),
            f"scale={_TO_BT709}",
        )
    if is_rgb(video):
        return f":{_TO_BT709}", _gamut(video, features)
    if video.color_matrix == "ycgco" and "zscale" in features:
        value_range = "pc" if video.is_full_range else "tv"
        return "", (f"setparams=range={value_range}:colorspace=ycgco", "format=yuv444p", "zscale=m=bt709:r=tv")
    own = _MATRICES.get(video.color_matrix) or ("bt2020" if video.color_primaries == "bt2020" else None)
    in_range = ":in_range=pc" if video.is_full_range else ""
    return f":in_color_matrix={own or _matrix_by_size(video)}{in_range}:{_TO_BT709}", _gamut(video, features)


def color_warning(video: VideoStream) -> str | None:
    """Return what to say of a film whose colours cannot be converted exactly."""
    if _is_ictcp(video):
        return (
            "The film is Dolby Vision (profile 5), whose colours can only be converted roughly: hues and brightness "
            "may be off. A version of it in HDR10 or SDR gives exact colours."
        )
    return None


def _is_ictcp(video: VideoStream) -> bool:
    """Whether only a Dolby Vision screen can show the picture: its base layer is IPT with the curve of PQ.

    ICtCp, which ffmpeg knows, has the same greys and nearly the same hues; the metadata of each scene are passed over.
    """
    return video.dolby_vision is not None and video.dolby_vision.profile == _PROFILE_WITHOUT_BASE


_PROFILE_WITHOUT_BASE: Final = 5


def _gamut(video: VideoStream, features: Collection[str]) -> tuple[str, ...]:
    """Return the filters that convert the primaries of an SDR picture that is BT.709 but for them."""
    if video.color_primaries not in _WIDE_PRIMARIES:
        return ()
    # The white of cinemas (smpte431) is greenish on a screen; films for screens have that of smpte432 all the same.
    primaries = video.color_primaries.replace("smpte431", "smpte432")
    transfer = video.color_transfer if video.color_transfer in _SDR_TRANSFERS else "bt709"
    if "zscale" in features:
        tags = f"setparams=range=tv:color_primaries={primaries}:color_trc={transfer}:colorspace=bt709"
        return ("format=yuv444p16", tags, "zscale=p=bt709:t=bt709:m=bt709:r=tv")
    # This filter takes the curve of cameras for BT.709; screens have about the power of 2.2.
    source = f"ispace=bt709:irange=tv:itrc=gamma22:iprimaries={primaries}"
    return ("format=yuv444p10", f"colorspace={source}:space=bt709:range=tv:trc=gamma22:primaries=bt709")


def _toning(video: VideoStream, features: Collection[str]) -> tuple[str, ...]:
    """Return the filters that tone an HDR picture (PQ or HLG, BT.2020) down to SDR BT.709.

    Without zscale a lookup table per channel does it, with less exact colours.
    """
    transfer = "smpte2084" if _is_ictcp(video) else video.color_transfer
    matrix = video.color_matrix if video.color_matrix.startswith("bt2020") else "bt2020nc"
    if _is_ictcp(video):
        matrix = "ictcp"
    elif is_rgb(video):
        matrix = "gbr"
    primaries = video.color_primaries if video.color_primaries in _WIDE_PRIMARIES else "bt2020"
    value_range = "pc" if video.is_full_range or is_rgb(video) else "tv"
    # Each step goes by the tags of the frames, which are empty where only the container tells.
    tags = f"setparams=range={value_range}:color_primaries={primaries}:color_trc={transfer}:colorspace={matrix}"
    if {"zscale", "tonemap"} <= set(features):
        return (
            tags,
            "zscale=t=linear:npl=203",
            "format=gbrpf32le",
            "zscale=p=bt709",
            "tonemap=tonemap=mobius:param=0.5:desat=0",
            "zscale=t=bt709:m=bt709:r=tv",
        )
    curve = _PQ_CURVE if transfer == "smpte2084" else _HLG_CURVE
    lookup = ":".join(f"{channel}='{curve}'" for channel in "rgb")
    in_range = f"in_range={value_range}"
    return (f"scale=in_color_matrix=bt2020:{in_range}", "format=gbrp", f"lutrgb={lookup}", _BT2020_TO_BT709)


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


def is_rgb(video: VideoStream) -> bool:
    """Whether the stored picture is red, green and blue rather than luma and chroma."""
    return video.pixel_format.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "pal8", "0rgb", "0bgr"))


def _matrix_by_size(video: VideoStream) -> str:
    is_hd = video.width_px >= _HD_WIDTH_PX or video.height_px >= _HD_HEIGHT_PX
    return "bt709" if is_hd else "smpte170m"
