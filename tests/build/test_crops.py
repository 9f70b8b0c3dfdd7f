from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dancereid_pipeline.build.crops import (
    Window,
    crop_window,
    exact_keypoints,
    published_keypoints,
    resize,
)
from dancereid_pipeline.build.draw_pose import draw_skeleton
from dancereid_pipeline.formats.npy_tracks import read_tracks
from dancereid_pipeline.formats.video import Clip

SIZE = (256, 128)
FRAME = (360, 640)


def edges(*box: float, frame: tuple[int, int] = FRAME) -> Window | None:
    return crop_window(np.array(box, np.float64), frame, SIZE)


# -- worked by hand, from the formulas


def test_a_box_inside_of_the_crops_aspect_is_its_own_window() -> None:
    # 50 x 100: L_h = max(100, 50 * 2) = 100, L_w = 50; centre (150, 225).
    assert edges(200, 100, 250, 200) == Window(100, 200, 200, 250)


def test_a_wide_box_gets_a_higher_window() -> None:
    # 80 x 100: L_h = max(100, 160) = 160, L_w = 80; centre y 150 -> 70 .. 230.
    assert edges(200, 100, 280, 200) == Window(70, 230, 200, 280)


def test_edges_are_cut_toward_zero() -> None:
    # y: centre 150.3, L_h 100.4 -> trunc(100.1), trunc(200.5); x: 225.4 -+ 25.1.
    assert edges(200.3, 100.1, 250.5, 200.5) == Window(100, 200, 200, 250)


def test_at_the_top_the_window_is_slid_down() -> None:
    # 40 x 100.5: centre y 30.25 -> top max(0, trunc(-20)) = 0, so bottom = L_h = 100.5.
    found = edges(200, -20, 240, 80.5)
    assert found == Window(0, 100.5, 194, 245)
    assert found.pixels == (0, 100, 194, 245)


def test_at_the_bottom_the_window_is_slid_up_and_its_top_is_fractional() -> None:
    # L_h = 100.5, centre y 329.75: bottom trunc(380) -> 359, so top = 360 - 100.5 = 259.5.
    found = edges(200, 279.5, 240, 380)
    assert found == Window(259.5, 359, 194, 245)
    assert found.pixels == (259, 359, 194, 245)


def test_a_window_larger_than_the_frame_is_cut() -> None:
    # L_h = 500: top 0, bottom min(500, 359); L_w = 250 about x 300.
    assert edges(200, -50, 400, 450) == Window(0, 359, 175, 425)


@pytest.mark.parametrize(
    "box",
    [
        (-50, 10, 0, 90), (640, 10, 700, 90), (10, -90, 50, 0), (10, 360, 50, 460),
        (-50, -50, -1, -1), (1e9, 10, 2e9, 90), (10, 10, 10, 90), (50, 10, 10, 90),
    ],
)  # fmt: skip
def test_a_box_without_area_in_the_frame_has_no_window(box: tuple[float, ...]) -> None:
    assert edges(*box) is None


def test_the_two_keypoint_mappings_by_hand() -> None:
    # Rows 259 .. 359 and columns 194 .. 245: 100 and 51 pixels; exact edges 259.5 and 194.
    at_bottom = Window(259.5, 359, 194, 245)
    joint = np.array([[220.0, 300.0]])
    assert exact_keypoints(joint, at_bottom, SIZE)[0] == pytest.approx(
        [(220 - 194) * 128 / 51, (300 - 259) * 256 / 100]
    )
    # Middle (219.5, 309.25); the scales are swapped.
    assert published_keypoints(joint, at_bottom, SIZE)[0] == pytest.approx(
        [(220 - 219.5) * 256 / 100 + 64, (300 - 309.25) * 128 / 51 + 128]
    )


# -- properties

lengths = st.floats(0.01, 2000, allow_nan=False)
places = st.floats(-1500, 2500, allow_nan=False)
frame_sizes = st.tuples(st.integers(16, 1100), st.integers(16, 2000))
image_sizes = st.sampled_from([(256, 128), (128, 64), (384, 128), (224, 224)])


def reference(box: tuple[float, ...], frame: tuple[int, int], size: tuple[int, int]) -> tuple:
    """The formulas once more, as plainly as can be."""
    x1, y1, x2, y2 = box
    (H, W), (h, w) = frame, size  # noqa: N806  # the formulas' letters
    L_h = max(y2 - y1, (x2 - x1) * h / w)  # noqa: N806
    L_w = L_h * w / h  # noqa: N806
    c_y, c_x = (y1 + y2) / 2, (x1 + x2) / 2
    top, bottom = max(0, int(c_y - L_h / 2)), min(H - 1, int(c_y + L_h / 2))
    left, right = max(0, int(c_x - L_w / 2)), min(W - 1, int(c_x + L_w / 2))
    if top == 0:
        bottom = min(L_h, H - 1)
    elif bottom == H - 1:
        top = max(H - L_h, 0)
    if left == 0:
        right = min(L_w, W - 1)
    elif right == W - 1:
        left = max(W - L_w, 0)
    return top, bottom, left, right


@given(places, places, lengths, lengths, frame_sizes, image_sizes)
def test_windows_lie_in_the_frame_and_are_never_empty(
    x: float, y: float, width: float, height: float, frame: tuple[int, int], size: tuple[int, int]
) -> None:
    box = (x, y, x + width, y + height)
    found = crop_window(np.array(box), frame, size)
    touches = x < frame[1] and y < frame[0] and x + width > 0 and y + height > 0
    if not (touches and box[2] > max(x, 0) and box[3] > max(y, 0)):
        assert found is None
        return
    assert found is not None
    top, bottom, left, right = found.pixels
    assert 0 <= top < bottom <= frame[0]
    assert 0 <= left < right <= frame[1]
    assert (found.top, found.bottom, found.left, found.right) == reference(box, frame, size)


@given(st.data())
def test_a_marked_point_is_found_in_the_crop_where_its_keypoint_says(data: st.DataObject) -> None:
    x1 = data.draw(st.integers(-60, 560), "x1")
    y1 = data.draw(st.integers(-100, 280), "y1")
    box = (x1, y1, x1 + data.draw(st.integers(40, 160)), y1 + data.draw(st.integers(80, 300)))
    around = edges(*box)
    assume(around is not None)
    top, bottom, left, right = around.pixels
    x = data.draw(st.integers(left + 6, right - 7), "x")
    y = data.draw(st.integers(top + 6, bottom - 7), "y")
    pixels = np.zeros((*FRAME, 3), np.float32)
    cv2.circle(pixels, (x, y), 3, (255, 255, 255), cv2.FILLED)
    crop = resize(pixels[top:bottom, left:right].astype(np.uint8), SIZE)[:, :, 0].astype(float)
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]]
    found = np.array([(xx * crop).sum(), (yy * crop).sum()]) / crop.sum() + 0.5
    # A pixel's index is its upper left corner in the formula, its middle to the eye.
    expected = exact_keypoints(np.array([[x + 0.5, y + 0.5]]), around, SIZE)[0]
    scale = max(SIZE[0] / (bottom - top), SIZE[1] / (right - left))
    assert np.abs(found - expected).max() < 0.6 * max(1.0, scale)


@given(st.integers(2, 400), st.integers(2, 400))
def test_resizing_takes_bgr_and_gives_rgb(rows: int, columns: int) -> None:
    part = np.broadcast_to(np.array([10, 20, 30], np.uint8), (rows, columns, 3))
    crop = resize(part, SIZE)
    assert crop.shape == (256, 128, 3)
    assert (crop == [30, 20, 10]).all()


# -- against the published code's own results


def test_golden_crops_keypoints_and_skeletons(golden: Path) -> None:
    expected = np.load(golden / "expected.npz")
    (npy,) = (golden / "npy").iterdir()
    (clip_path,) = (golden / "videos").iterdir()
    tracks = read_tracks(npy.read_bytes(), str(npy))
    rows = {(f, p): i for i, (f, p) in enumerate(zip(tracks.frame, tracks.person, strict=True))}
    with Clip(clip_path) as clip:
        frames = dict(clip.read(expected["frame"].tolist()))
    assert len(expected["frame"]) == 37
    for i, (frame, person) in enumerate(zip(expected["frame"], expected["person"], strict=True)):
        row, decoded = rows[frame, person], frames[frame]
        around = crop_window(tracks.bbox[row], (decoded.height, decoded.width), SIZE)
        assert around is not None
        crop = resize(decoded.bgr(*around.pixels), SIZE)
        assert np.array_equal(crop, expected["crop"][i])
        pose = published_keypoints(tracks.keypoints[row], around, SIZE)
        assert np.abs(pose - expected["pose"][i]).max() < 1e-6
        assert np.array_equal(draw_skeleton(crop, pose, int(person)), expected["skeleton"][i])


# -- skeletons


def test_a_joint_at_zero_or_below_is_not_drawn_nor_its_bones() -> None:
    blank = np.zeros((256, 128, 3), np.uint8)
    pose = np.full((17, 2), -5.0)
    assert (draw_skeleton(blank, pose, 0) == 0).all()
    pose[5], pose[6] = (40, 100), (0.9, 120)  # 0.9 is 0 when truncated
    one = draw_skeleton(blank, pose, 0)
    assert one[100, 40].tolist() == [255, 255, 0]  # a left shoulder is yellow
    assert one[:, :30].sum() == 0


def test_a_skeleton_is_drawn_on_a_copy() -> None:
    blank = np.zeros((256, 128, 3), np.uint8)
    assert draw_skeleton(blank, np.full((17, 2), 60.0), 3).any()
    assert not blank.any()


def test_joints_absurdly_far_away_do_not_break_the_drawing() -> None:
    blank = np.zeros((256, 128, 3), np.uint8)
    draw_skeleton(blank, np.full((17, 2), 1e300), 10**6)
