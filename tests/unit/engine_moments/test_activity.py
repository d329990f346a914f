"""How much moves, told by frames or by packets."""

from __future__ import annotations

from pathlib import Path

import pytest

from reka_clips.engine.media.analyze.motion import (
    Packets,
    frame_activity,
    packet_activity,
    read_packets,
    sampled_activity,
)


def packets(*entries: tuple[float, int, bool]) -> Packets:
    made = Packets()
    for start, size_bytes, is_key in entries:
        made.add(start, 0.04, size_bytes, is_key=is_key)
    return made


def test_a_cut_says_nothing_of_motion() -> None:
    seconds = [index / 8 for index in range(16)]
    changes = [0.0, *[2.0] * 15]
    changes[8] = 60.0
    assert list(frame_activity(changes, seconds, {8}, 8)) == pytest.approx([2.0] * 8)


def test_a_flash_counts_no_more_than_fast_motion() -> None:
    assert max(frame_activity([0.0, 1.0, 99.0, 1.0], [0.0, 0.25, 0.5, 0.75], set(), 4)) == 15.0


def test_where_no_frame_was_shown_the_one_before_holds() -> None:
    assert list(frame_activity([0.0, 3.0, 5.0], [0.0, 0.1, 1.1], set(), 6)) == [3.0, 3.0, 3.0, 3.0, 5.0, 5.0]


def test_keyframes_do_not_count_as_motion() -> None:
    made = packets((0.0, 50_000, True), (0.1, 100, False), (0.3, 300, False), (0.35, 500, False))
    assert list(packet_activity(made, 3)) == [100, 400, 400]
    assert made.frames == 4


def test_what_follows_a_keyframe_stands_for_all_until_the_next() -> None:
    changes = [0.0, 1.0, 30.0, 5.0, 30.0, 1.0]
    seconds = [0.0, 0.1, 2.0, 2.1, 4.0, 4.1]
    activity = list(sampled_activity(changes, seconds, [0, 2, 4], Packets(), 24))
    assert activity[:8] == [activity[0]] * 8
    assert activity[8:16] == [activity[8]] * 8
    assert activity[8] == pytest.approx(5 * activity[0])
    assert activity[16] == pytest.approx(activity[0])


def test_packets_tell_when_between_two_keyframes_it_became_more() -> None:
    made = packets(*((index / 4, 1000 if 8 <= index < 12 else 100, False) for index in range(40)))
    activity = list(sampled_activity([0.0, 1.0], [0.0, 0.1], [0], made, 40))
    assert min(activity[8:12]) > 2 * max(activity[:8] + activity[12:])


def test_a_list_of_packets_is_read_whatever_stands_in_it(tmp_path: Path) -> None:
    path = tmp_path / "packets.txt"
    path.write_text(
        "#software: x\n#tb 0: 1/1000\n0, 0, 0, 40, 9000, 0xabc\n0, 40, 40, 40, 500, 0xabc, F=0x0\nnonsense\n0,x,y,z,1,2\n"
        "0, 80, 99000000000000, 40, 500, 0xabc, F=0x0\n0, 120, -40, 40, 500, 0xabc, F=0x0\n0, 80, 80, 40, 700, 0xa, F=0x0"
    )
    found = read_packets(path)
    assert (found.frames, found.end_seconds) == (3, pytest.approx(0.12))
    assert list(packet_activity(found, 1)) == [600]
