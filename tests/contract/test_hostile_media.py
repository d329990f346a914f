"""Files that try to make the engine read another file or reach a server, and paths that try to leave a folder.

Each names a canary: a server that counts its visitors, and a file whose words must turn up nowhere.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import pytest

from engine_jobs import a_request
from file_server import FileServer, answer, redirect, serve_files
from made_films.plain import write_plain_film
from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import find_ffmpeg
from reka_clips.engine.service.models import COMPLETED, FAILED, JobRecord, SourcePolicy
from reka_clips.engine.service.service import ClipService
from reka_clips.engine.service.sources import SourceError, local_file
from reka_clips.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

SECRET = "root:x:0:0:planted"  # noqa: S105 - what must not be seen
ANYWHERE = SourcePolicy(allow_private=True)
QUICK = {
    "generation_config": {"num_generations": 1, "min_duration_seconds": 1, "max_duration_seconds": 2},
    "rendering_config": {"aspect_ratio": "1:1", "resolution": 480},
}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_plain_film(tmp_path_factory.mktemp("films") / "film.mp4", seconds=3)


@pytest.fixture
async def canary(film: Path) -> AsyncIterator[FileServer]:
    async with serve_files({"/v.ts": answer(film.read_bytes())}) as server:
        yield server


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text(f"{SECRET}\n" * 40)
    return path


def hls(url: str) -> bytes:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n".encode()


def concat(url: str) -> bytes:
    return f"ffconcat version 1.0\nfile '{url}'\nduration 9\n".encode()


def dash(url: str) -> bytes:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" mediaPresentationDuration="PT9S"><Period>'
        '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1">'
        f"<BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>"
    ).encode()


def sdp(url: str) -> bytes:
    port = url.rpartition(":")[2].partition("/")[0]
    return f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n".encode()


def asx(url: str) -> bytes:
    return f'<asx version="3.0"><entry><ref href="{url}"/></entry></asx>'.encode()


PLAYLISTS: dict[str, Callable[[str], bytes]] = {"hls": hls, "concat": concat, "dash": dash, "sdp": sdp, "asx": asx}


@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".ts"])
@pytest.mark.parametrize("playlist", PLAYLISTS)
async def test_a_playlist_is_opened_by_nobody_whatever_it_is_called(
    playlist: str, suffix: str, canary: FileServer, film: Path, tmp_path: Path
) -> None:
    ffmpeg = find_ffmpeg()
    other = tmp_path / "other.mp4"  # what ffmpeg by itself would play
    other.write_bytes(film.read_bytes())
    for target in (other.name, str(other), other.as_uri(), "/etc/passwd", f"{canary.url}/v.ts"):
        path = tmp_path / f"film{suffix}"
        path.write_bytes(PLAYLISTS[playlist](target))
        with pytest.raises(SourceError, match=r"playlist|text"):  # the engine looks at its first bytes …
            local_file(path.as_uri(), ANYWHERE)
        with pytest.raises(MediaError):  # … and ffmpeg would not open it, either
            await probe(ffmpeg, path)
    assert canary.requests == []


async def test_a_playlist_behind_bytes_that_hide_it_is_not_opened(
    canary: FileServer, secret: Path, tmp_path: Path
) -> None:
    """Demuxers look for their marks past an ID3 tag, or at any offset; the list of allowed ones has none of these."""
    tag = b"ID3\x04\x00\x00\x00\x00\x00\x00"
    for content in (tag + hls(f"{canary.url}/v.ts"), tag + hls(secret.as_uri()), b"\0" * 600 + hls(secret.as_uri())):
        path = tmp_path / "film.mp4"
        path.write_bytes(content)
        assert local_file(path.as_uri(), ANYWHERE) == path
        with pytest.raises(MediaError):
            await probe(find_ffmpeg(), path)
    assert canary.requests == []


async def test_an_mp4_whose_samples_stand_in_another_file_gets_none_of_them(film: Path, tmp_path: Path) -> None:
    """QuickTime data references: `alis` names a file on the disk, beside the film or by its whole path."""
    (tmp_path / "private.mp4").write_bytes(film.read_bytes())
    path = tmp_path / "alias.mp4"
    path.write_bytes(with_alias(film.read_bytes(), str(tmp_path / "private.mp4")))
    async with ClipService(Settings(data_dir=tmp_path / "data"), find_ffmpeg()) as service:
        last = await end_of(service, path.as_uri(), ANYWHERE)
    assert last.status == FAILED
    assert "private" not in (last.error_message or "")


@pytest.mark.parametrize(
    "name", ["concat:a|b.mp4", "-y.mp4", "film%03d.mp4", "pipe:0", "http:x.mp4", "a'b;c.mp4", "ä 🎬.mp4"]
)
async def test_a_name_that_means_something_to_ffmpeg_is_only_a_name(name: str, film: Path, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(film.read_bytes())
    assert (await probe(find_ffmpeg(), local_file(path.as_uri(), ANYWHERE))).video.codec == "h264"


async def test_a_picture_of_four_thousand_million_pixels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.gif"
    frame = b"\x2c\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x44\x01\0"
    path.write_bytes(b"GIF89a\xff\xff\xff\xff\x80\0\0" + b"\0" * 6 + frame * 3 + b";")
    with anyio.fail_after(60), pytest.raises(MediaError):
        await probe(find_ffmpeg(), path)


class TestServedToOthers:
    """`file://` sources of a served engine come from its folders only; links lead to the public internet only."""

    @pytest.fixture
    def shared(self, tmp_path: Path) -> Path:
        folder = tmp_path / "shared"
        folder.mkdir()
        return folder

    @pytest.fixture
    def policy(self, shared: Path) -> SourcePolicy:
        return SourcePolicy(folders=(str(shared),))

    def test_a_film_inside_is_taken(self, film: Path, shared: Path, policy: SourcePolicy) -> None:
        (shared / "sub folder").mkdir()
        path = shared / "sub folder" / "ä 100%.mp4"
        path.write_bytes(film.read_bytes())
        (shared / "alias.mp4").symlink_to(path)
        assert local_file(path.as_uri(), policy) == path
        assert local_file(path.as_uri().replace("file:///", "file://localhost/"), policy) == path
        assert local_file((shared / "alias.mp4").as_uri(), policy) == path
        assert local_file(f"{shared.as_uri()}/sub%20folder/../alias.mp4", policy) == path

    @pytest.mark.parametrize(
        "to",
        [
            "{shared}/../film.mp4",
            "{shared}/%2e%2e/film.mp4",
            "{shared}/..%2ffilm.mp4",
            "{shared}/%2E%2E%2Ffilm.mp4",
            "{shared}/./sub/.././../film.mp4",
            "{shared}-beside/film.mp4",
            "{shared}/link.mp4",
            "{shared}/door/film.mp4",
            "{shared}//../film.mp4",
            "file:///etc/passwd",
            "file:///proc/self/environ",
            "file:///dev/zero",
            "file://localhost/etc/passwd",
            "file:////etc/passwd",
            "file:///C:/Windows/win.ini",
            "file:///C%3A/Windows/win.ini",
            "file:///..%5c..%5cetc%5cpasswd",
            "{shared}/..%5c..%5cfilm.mp4",
            "{shared}/%252e%252e/film.mp4",
            "{shared}/film.mp4%00.mp4",
            "{shared}/%ff%fe.mp4",
            "{shared}/" + "n" * 5000,
        ],
    )
    def test_whatever_leads_outside_is_refused_and_tells_nothing(
        self, to: str, film: Path, shared: Path, policy: SourcePolicy
    ) -> None:
        outside = shared.parent / "film.mp4"
        outside.write_bytes(film.read_bytes())
        (shared.parent / "shared-beside").mkdir()
        (shared.parent / "shared-beside" / "film.mp4").write_bytes(film.read_bytes())
        (shared / "sub").mkdir()
        (shared / "link.mp4").symlink_to(outside)
        (shared / "door").symlink_to(shared.parent)
        with pytest.raises(SourceError) as caught:
            local_file(to.format(shared=shared.as_uri()), policy)
        assert str(caught.value).startswith(
            ("This file is outside the folders", "There is no such file", "The address of this file must ")
        )
        assert str(shared.parent) not in str(caught.value)

    def test_outside_nobody_learns_what_is_there(self, secret: Path, policy: SourcePolicy) -> None:
        """The same words for a file, for a folder and for nothing: the disk cannot be felt over from outside."""
        told = set[str]()
        for path in (secret, secret.parent, secret.parent / "nothing"):
            with pytest.raises(SourceError) as caught:
                local_file(path.as_uri(), policy)
            told.add(str(caught.value))
        assert len(told) == 1

    def test_without_folders_no_file_is_read_at_all(self, film: Path) -> None:
        with pytest.raises(SourceError, match="REKA_CLIPS_ENGINE_FOLDERS"):
            local_file(film.as_uri(), SourcePolicy(folders=()))

    async def test_subtitles_that_lead_outside_are_not_read(
        self, film: Path, shared: Path, policy: SourcePolicy, tmp_path: Path
    ) -> None:
        (tmp_path / "private.srt").write_text(f"1\n00:00:00,100 --> 00:00:02,900\n{SECRET}\n")
        (shared / "talk.mp4").write_bytes(film.read_bytes())
        (shared / "talk.srt").symlink_to(tmp_path / "private.srt")
        async with ClipService(Settings(data_dir=tmp_path / "data"), find_ffmpeg()) as service:
            last = await end_of(service, (shared / "talk.mp4").as_uri(), policy)
        assert last.status == COMPLETED
        assert SECRET not in repr(last)
        assert any("no captions" in warning for warning in last.warnings)

    async def test_a_link_is_followed_to_the_public_internet_only(
        self, canary: FileServer, policy: SourcePolicy, tmp_path: Path
    ) -> None:
        canary.routes["/hop"] = redirect(f"{canary.url}/v.ts")
        async with ClipService(Settings(data_dir=tmp_path / "data"), find_ffmpeg()) as service:
            last = await end_of(service, f"{canary.url}/v.ts", policy)
        assert last.status == FAILED
        assert "an address inside this machine or its network, which is not allowed" in (last.error_message or "")
        assert canary.requests == []


async def end_of(service: ClipService, url: str, policy: SourcePolicy) -> JobRecord:
    job = await service.submit(a_request(url, **QUICK), policy)
    with anyio.fail_after(120):
        *_, last = [state async for state in service.follow(job.id)]
    return last


def with_alias(mp4: bytes, target: str) -> bytes:
    """Return an MP4 that says of its samples, by an alias record, that they stand in another file.

    Source: ffmpeg's mov_read_dref, which opens that file if `enable_drefs` is set.
    """
    at = mp4.index(b"dref") - 4
    size = struct.unpack(">I", mp4[at : at + 4])[0]
    volume, name = b"root", target.rpartition("/")[2].encode()[:63]
    record = bytes(10) + bytes([len(volume)]) + volume.ljust(27, b"\0") + bytes(12)
    record += bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16) + struct.pack(">hh", 1, 1) + bytes(16)
    path = volume + target.replace("/", ":").encode()
    record += struct.pack(">hH", 2, len(path)) + path + bytes(len(path) % 2) + struct.pack(">hH", -1, 0)
    entry = struct.pack(">I4sI", 12 + len(record), b"alis", 0) + record
    dref = struct.pack(">I4sII", 16 + len(entry), b"dref", 0, 1) + entry
    grown = len(dref) - size
    patched = bytearray(mp4[:at] + dref + mp4[at + size :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):  # every box around it has grown
        position = mp4.index(box) - 4
        length = struct.unpack(">I", patched[position : position + 4])[0]
        patched[position : position + 4] = struct.pack(">I", length + grown)
    assert mp4.index(b"mdat") < mp4.index(b"moov"), "samples in front: their places do not change"
    return bytes(patched)
