"""Draws the demo: four short clips of dancers, with tracks and annotation in the dataset's formats.

    python tools/make_demo.py [OUTPUT] [--frames N]

With the same libraries, each run gives the same bytes. With `--frames`, the frames and tracks that
are made are the same, too. The files are made in a folder beside the target and moved at the end,
so nothing is left half-written.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from demo_drawing.bodies import Body, keypoints
from demo_drawing.cast import CLIPS, LOOKS, Clip
from demo_drawing.dancers import draw_dancer
from demo_drawing.moves import Vector
from demo_drawing.renderer import Layer, Plane
from demo_drawing.scenes import HEIGHT, SCENES, VIEW, WIDTH, Picture, Scene
from tqdm import tqdm

from dancereid_pipeline.formats.npy_tracks import write_tracks

DEMO = Path(__file__).resolve().parents[1] / "dancereid_pipeline" / "demo"
SIZE = (640, 360)
FPS = 30
_GRAIN = 1.3  # grey levels
# The part of a dancer that must be visible: for a detection, and to be annotated as valid.
_FOUND = 0.2
_VALID = 0.60
_STRIDE = 5

# Settings of x264. It uses one thread, as the bytes depend on the number of threads.
_CODEC = {
    "preset": "slower",
    "crf": "22",
    "threads": "1",
    "x264-params": "bframes=3:b-pyramid=normal:keyint=60:aq-mode=3:psy-rd=0.6,0",
}
_COLUMNS = (
    "video_id", "download_id", "people", "split", "published_splits", "frames", "annotated",
    "annotated_every_5th", "song", "style", "occluded", "tracks_lost",
)  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """One dancer in one frame.

    Attributes:
        box: x1, x2, y1, y2, float32 `[4]`.
        joints: x, y, float32 `[17, 2]`.
        visible: the part of the body that is in the frame and not hidden.
    """

    box: Plane
    joints: Plane
    visible: float


def render(clip: Clip, frames: Iterable[int]) -> Iterator[tuple[Picture, list[Seen]]]:
    """Draws the given frames, in any order.

    Yields:
        The frame, uint8 `[360, 640, 3]`, blue, green, red, and what each dancer shows in it.
    """
    rng = np.random.default_rng(clip.seed)
    scene = SCENES[clip.scene](rng)
    phases = rng.uniform(0, 2 * np.pi, 6)
    grain = rng.normal(0, _GRAIN, (SIZE[1] + 64, SIZE[0] + 64, 1)).astype(np.float32)
    shifts = rng.integers(0, 64, (clip.frames, 2))  # of the grain
    for frame in frames:
        second = frame / FPS
        bodies = [dancer.body(second) for dancer in clip.dancers]
        layers = [
            draw_dancer(body, LOOKS[dancer.look], VIEW, scene.light)
            for body, dancer in zip(bodies, clip.dancers, strict=True)
        ]
        canvas = scene.picture.copy()
        _reflect(canvas, scene, clip, bodies)
        _cast_shadows(canvas, scene, bodies)
        order = np.argsort([body.points["root"][2] for body in bodies]).tolist()
        for index in order:
            if scene.gloss:
                _gloss(canvas, layers[index], bodies[index], scene.gloss)
        for index in order:
            _put(canvas, layers[index])
        camera = _camera(second, phases)
        dx, dy = shifts[frame]
        picture = _film(canvas, camera) + grain[dy : dy + SIZE[1], dx : dx + SIZE[0]]
        seen = [
            _seen(layers[i], bodies[i], [layers[j] for j in order[order.index(i) + 1 :]], camera)
            for i in range(len(bodies))
        ]
        yield np.clip(np.rint(picture), 0, 255).astype(np.uint8), seen


def _camera(second: float, phases: Vector) -> Vector:
    """Canvas -> twice the frame, `[2, 3]`: as if held by hand, with a zoom that slowly changes."""
    x, y = (
        10 * np.sin(0.9 * second + phases[i]) + 2.5 * np.sin(2.3 * second + phases[i + 1])
        for i in (0, 2)
    )
    zoom = 1.012 + 0.01 * np.sin(0.7 * second + phases[4])
    shift_x = SIZE[0] - zoom * WIDTH / 2 + x
    shift_y = SIZE[1] - zoom * HEIGHT / 2 + 0.6 * y
    return np.round(np.array([[zoom, 0, shift_x], [0, zoom, shift_y]]) * 4096) / 4096


def _film(canvas: Picture, camera: Vector) -> Plane:
    double = (2 * SIZE[0], 2 * SIZE[1])
    moved = cv2.warpAffine(canvas, camera, double, flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(moved, SIZE, interpolation=cv2.INTER_AREA), np.float32)


def _filmed(points: Vector, camera: Vector) -> Vector:
    """Canvas coordinates `[N, 2]` -> the frame's, to 1/16 pixel."""
    double = points @ camera[:, :2].T + camera[:, 2]
    # In both, 0 is the centre of the first pixel.
    return np.asarray(np.round((double - 0.5) / 2 * 16) / 16)


def _windows(layer: Layer, height: int, width: int) -> tuple[Any, Any]:
    """The part of a layer that is on the canvas: its slices in the canvas and in the layer."""
    rows, columns = layer.cover.shape
    top, bottom = max(layer.top, 0), min(layer.top + rows, height)
    left, right = max(layer.left, 0), min(layer.left + columns, width)
    if top >= bottom or left >= right:
        return np.s_[0:0, 0:0], np.s_[0:0, 0:0]
    there = np.s_[top:bottom, left:right]
    here = np.s_[top - layer.top : bottom - layer.top, left - layer.left : right - layer.left]
    return there, here


def _put(canvas: Picture, layer: Layer, much: float | Plane = 1.0) -> None:
    there, here = _windows(layer, *canvas.shape[:2])
    part = canvas[there].astype(np.float32)
    much = much if isinstance(much, float) else much[here[0]]
    part += much * (layer.colour[here] - part * layer.cover[here][..., None])
    canvas[there] = np.rint(part)


def _gloss(canvas: Picture, layer: Layer, body: Body, much: float) -> None:
    """Draws a dancer's reflection in the floor. What is higher is fainter."""
    floor = float(VIEW.project(body.points["root"][None])[0, 1])
    rows = layer.cover.shape[0]
    top = round(2 * floor) - (layer.top + rows - 1)
    flipped = Layer(layer.left, top, layer.colour[::-1], layer.cover[::-1], layer.depth)
    depth = (np.arange(rows, dtype=np.float32) + top - np.float32(floor)) / np.float32(0.8 * rows)
    fade = np.float32(much) * np.clip(1 - depth, 0, 1) * (depth > 0)
    _put(canvas, flipped, np.asarray(fade[:, None, None]))


def _reflect(canvas: Picture, scene: Scene, clip: Clip, bodies: list[Body]) -> None:
    """Draws the dancers in the mirror on the wall."""
    if scene.mirror is None:
        return
    left, top, right, bottom = scene.mirror
    glass = canvas.copy()
    mirrored = [body.mirrored(-scene.wall) for body in bodies]
    for index in np.argsort([body.points["root"][2] for body in mirrored]).tolist():
        look = LOOKS[clip.dancers[index].look]
        _put(glass, draw_dancer(mirrored[index], look, VIEW, scene.light))
    window = np.s_[top:bottom, left:right]
    blurred = cv2.GaussianBlur(glass[window], (0, 0), 1.6)
    canvas[window] = cv2.addWeighted(canvas[window], 0.4, blurred, 0.6, 0)


_BONES = (
    ("pelvis", "chest", 0.085), ("chest", "neck", 0.08), ("neck", "head", 0.055),
    *((f"{side} {a}", f"{side} {b}", r) for side in ("left", "right") for a, b, r in (
        ("shoulder", "elbow", 0.035), ("elbow", "wrist", 0.03), ("wrist", "finger", 0.025),
        ("hip", "knee", 0.06), ("knee", "ankle", 0.04), ("heel", "toe", 0.035),
    )),
)  # fmt: skip


def _cast_shadows(canvas: Picture, scene: Scene, bodies: list[Body]) -> None:
    """Draws soft shadows: the light throws every bone onto the floor."""
    top = round(VIEW.horizon + VIEW.height * VIEW.focal / scene.wall) + 2
    mask: Any = np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8)
    for body in bodies:
        for first, last, radius in _BONES:
            ends = np.stack([body.points[first], body.points[last]])
            ends[:, 0] += ends[:, 1] * scene.shadow[0]
            ends[:, 2] = np.maximum(ends[:, 2] - ends[:, 1] * scene.shadow[1], -scene.wall)
            ends[:, 1] = 0
            points = VIEW.project(ends)
            (x0, y0), (x1, y1) = (points[:, :2] * 8).astype(int).tolist()
            width = max(1, round(radius * body.height * float(points[0, 2]) * 0.8))
            cv2.line(mask, (x0, y0), (x1, y1), 255, width, cv2.LINE_AA, 4)
    mask = cv2.GaussianBlur(mask, (0, 0), scene.soft / 2)
    mask = cv2.resize(mask, (WIDTH, HEIGHT))[top:]
    keep = 1 - mask[..., None].astype(np.float32) * np.float32(scene.shade / 255)
    canvas[top:] = np.rint(canvas[top:] * keep)


def _seen(layer: Layer, body: Body, in_front: list[Layer], camera: Vector) -> Seen:
    solid = layer.cover > 0.5
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    corners = np.column_stack([columns[[0, -1]] + layer.left, rows[[0, -1]] + layer.top])
    margin = round(0.01 * int(rows[-1] - rows[0]))
    (x1, y1), (x2, y2) = _filmed(corners.astype(float), camera)
    # As detectors do: a little more than the body, but hardly outside of the frame.
    x1, x2 = np.clip([x1 - margin, x2 + margin], -3, SIZE[0] + 2)
    y1, y2 = np.clip([y1 - margin, y2 + margin], -3, SIZE[1] + 2)
    joints = _filmed(VIEW.project(keypoints(body))[:, :2], camera)
    hidden = _hidden(layer, in_front, camera)
    return Seen(
        np.array([x1, x2, y1, y2], np.float32),
        joints.astype(np.float32),
        float(np.count_nonzero(solid & ~hidden) / np.count_nonzero(solid)),
    )


def _hidden(layer: Layer, in_front: list[Layer], camera: Vector) -> Any:
    """Which pixels of a layer are covered by another layer, or are outside of the frame."""
    hidden = np.zeros(layer.cover.shape, bool)
    rows, columns = layer.cover.shape
    for other in in_front:
        moved = Layer(
            other.left - layer.left, other.top - layer.top, other.colour, other.cover, other.depth
        )
        there, here = _windows(moved, rows, columns)
        hidden[there] |= other.cover[here] > 0.5
    x = (np.arange(columns) + layer.left) * camera[0, 0] + camera[0, 2]
    y = (np.arange(rows) + layer.top) * camera[1, 1] + camera[1, 2]
    hidden[:, (x < 0) | (x >= 2 * SIZE[0])] = True
    hidden[(y < 0) | (y >= 2 * SIZE[1])] = True
    return hidden


def tracks(clip: Clip, seen: list[list[Seen]]) -> dict[int, dict[int, dict[str, Any]]]:
    """The tracks that a tracker would give: frame -> key -> detection."""
    rng = np.random.default_rng(clip.seed + 1)
    frames: dict[int, dict[int, dict[str, Any]]] = {}
    for frame, people in enumerate(seen):
        ids = list(range(1, len(people) + 1))
        for first, end, one, other in clip.swaps:
            if first <= frame < end:
                ids[one], ids[other] = ids[other], ids[one]
        frames[frame] = {
            key: {
                "id": ids[key],
                "box_pos": person.box,
                "box_score": round(0.99 - 0.4 * (1 - person.visible) + rng.uniform(-0.01, 0), 4),
                "pose_pos": person.joints,
                "pose_score": round(2.9 * person.visible + rng.uniform(-0.05, 0), 4),
            }
            for key, person in enumerate(people)
            if person.visible >= _FOUND
        }
    return frames


def annotation(clip: Clip, seen: list[list[Seen]]) -> dict[str, list[int]]:
    """The valid frames of each person, as somebody who looks at the tracks would mark them."""
    valid: dict[str, list[int]] = {}
    for person in range(len(clip.dancers)):
        good = np.array([people[person].visible >= _VALID for people in seen])
        for first, end, *pair in clip.swaps:
            good[first:end] &= person not in pair
        # Leaves out the frames around a bad one too, and those in which the tracker had just
        # started.
        good = ~np.convolve(~good, np.ones(5), "same").astype(bool)
        good[: 3 + 2 * person] = False
        valid[str(person)] = np.flatnonzero(good).tolist()
    return valid


def annotated(clip: Clip, seen: list[list[Seen]]) -> tuple[dict[str, list[int]], dict[str, Any]]:
    """A clip's annotation and its row of the catalogue."""
    valid = annotation(clip, seen)
    kept = [frame for frames in valid.values() for frame in frames]
    hidden = any(person.visible < _VALID for people in seen for person in people)
    values = (
        clip.video_id, clip.video_id, len(clip.dancers), clip.split, clip.split, len(seen),
        len(kept), sum(frame % _STRIDE == 0 for frame in kept), "", clip.style,
        "yes" if hidden else "no", "yes" if clip.swaps else "no",
    )  # fmt: skip
    return valid, dict(zip(_COLUMNS, values, strict=True))


def write_clip(path: Path, pictures: Iterator[Picture]) -> None:
    """Encodes H.264 with B-frames into an mp4."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options=_CODEC)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        context = stream.codec_context
        context.thread_count = 1
        context.gop_size, context.max_b_frames = 60, 3
        context.color_primaries = context.color_trc = context.colorspace = 6  # SMPTE 170M
        context.color_range = 1
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            container.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU601")))
        container.mux(stream.encode(None))


def make_clip(row: int, folder: Path, limit: int) -> tuple[dict[str, list[int]], dict[str, Any]]:
    """Makes one clip and its tracks; returns its annotation and its row of the catalogue."""
    clip = CLIPS[row]
    seen: list[list[Seen]] = []

    def pictures() -> Iterator[Picture]:
        for picture, people in render(clip, range(min(clip.frames, limit))):
            seen.append(people)
            yield picture

    write_clip(folder / "videos" / f"{row:03d}_{clip.video_id}.mp4", pictures())
    write_tracks(folder / "npy" / f"333_00_{clip.video_id}_matching.npy", tracks(clip, seen))
    return annotated(clip, seen)


def make_demo(output: Path, limit: int = 10**9) -> list[Path]:
    """Makes the demo, with at most `limit` frames of each clip; returns its files."""
    output.parent.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as temporary:
        folder = Path(temporary)
        for name in ("videos", "npy"):
            (folder / name).mkdir()
        with ProcessPoolExecutor() as pool:
            rows = range(len(CLIPS))
            clips = pool.map(partial(make_clip, folder=folder, limit=limit), rows)
            made = list(tqdm(clips, desc="Drawing", unit="clip", total=len(rows)))
        annotation = {clip.video_id: valid for clip, (valid, _) in zip(CLIPS, made, strict=True)}
        text = json.dumps(annotation, separators=(",", ":")) + "\n"
        (folder / "annotation.json").write_text(text, "utf-8", newline="\n")
        with (folder / "video_data.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(row for _, row in made)
        paths = sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
        for path in paths:
            (output / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).replace(output / path)
    return [output / path for path in paths]


def main() -> None:
    """Parses the command line, and makes the demo."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("output", nargs="?", type=Path, default=DEMO, help="default: %(default)s")
    parser.add_argument(
        "--frames",
        type=int,
        default=10**9,
        metavar="N",
        help="make only the first N frames of each clip",
    )
    arguments = parser.parse_args()
    if arguments.frames < 1:
        parser.error("--frames: expected a number from 1")
    paths = make_demo(arguments.output, arguments.frames)
    for path in paths:
        print(f"{path.stat().st_size:>9,}  {path}")
    print(f"{sum(path.stat().st_size for path in paths):>9,}  in all")


if __name__ == "__main__":
    main()
