"""A small renderer: round cones, shaded by their surface, with a depth for every pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .bodies import Axes
from .moves import Vector

Plane = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


class Cone(NamedTuple):
    """A round cone in the picture: x, y, depth toward the camera and radius at both ends.

    `start` and `end` say how far along its garment the ends are; `flat` how deep it is
    against its width; if `cut`, the last end is flat, like a hem. With a `bow` it is a
    slice of a larger body, with no balls at its ends, and hangs so much lower in front.
    """

    first: tuple[float, float, float, float]
    last: tuple[float, float, float, float]
    start: float = 0.0
    end: float = 1.0
    flat: float = 1.0
    cut: bool = False
    bow: float = 0.0


class Part(NamedTuple):
    """Cones that form one surface, the function that colours it, and its directions in view."""

    cones: list[Cone]
    colour: Callable[[Surface], Plane]
    axes: Axes


class Surface(NamedTuple):
    """The points to colour, one plane for each value: along the garment, outward, up, forward."""

    along: Plane
    out: Plane
    up: Plane
    front: Plane


@dataclass(frozen=True)
class Light:
    """The light of a setting.

    Attributes:
        toward: direction to the sun or lamp: right, down, toward the camera.
        ambient: colour of the light in shadow.
        sun: colour that the lamp adds.
        rim: colour of the light from behind.
    """

    toward: tuple[float, float, float]
    ambient: str
    sun: str
    rim: str


@dataclass(frozen=True)
class View:
    """A level camera. In pixels of the canvas.

    Attributes:
        focal: length, pixels.
        centre: x of the middle.
        horizon: y.
        height: above the floor, metres.
    """

    focal: float
    centre: float
    horizon: float
    height: float

    def project(self, points: Vector) -> Vector:
        """`[N, 3]` metres -> `[N, 3]`: x and y, to 1/16 pixel, and pixels a metre."""
        scale = self.focal / -points[:, 2]
        x = self.centre + points[:, 0] * scale
        y = self.horizon + (self.height - points[:, 1]) * scale
        return np.column_stack([np.round(x * 16) / 16, np.round(y * 16) / 16, scale])


@dataclass
class Layer:
    """A drawn dancer.

    Attributes:
        left: x of its first column on the canvas.
        top: y of its first row.
        colour: blue, green, red, times `cover`, float32 `[h, w, 3]`.
        cover: 0 to 1, float32 `[h, w]`.
        depth: toward the camera, float32 `[h, w]`.
    """

    left: int
    top: int
    colour: Plane
    cover: Plane
    depth: Plane


def bgr(colour: str) -> Plane:
    """Blue, green, red of a colour "#rrggbb"."""
    return np.array([int(colour[i : i + 2], 16) for i in (5, 3, 1)], np.float32)


def slices(cones: list[Cone]) -> list[Cone]:
    """One body of many slices. We look down on it a little, so that its lines are bowed."""
    bow = 0.1 * max(cone.last[3] for cone in cones)
    return [cone._replace(bow=bow) for cone in cones]


def as_seen(axes: Axes, side: float = 1.0) -> Axes:
    """Directions in space as right, down, toward the camera."""
    down = np.array([1.0, -1.0, 1.0])
    return Axes(axes.left * down * side, axes.up * down, axes.front * down)


def draw(parts: list[Part], light: Light, step: float) -> Layer:
    """Parts drawn together.

    Args:
        parts: in any order.
        light: on them.
        step: how far one thing is behind another, in pixels, for its edge to be drawn.
    """
    ends = [end for part in parts for cone in part.cones for end in (cone.first, cone.last)]
    left = int(min(x - r for x, _, _, r in ends)) - 4
    top = int(min(y - r for _, y, _, r in ends)) - 4
    width = int(max(x + r for x, _, _, r in ends)) + 5 - left
    height = int(max(y + r for _, y, _, r in ends)) + 5 - top
    colour = np.zeros((height, width, 3), np.float32)
    cover, depth = np.zeros((height, width), np.float32), np.full((height, width), -1e6, np.float32)
    layer = Layer(left, top, colour, cover, depth)
    # From back to front, so that soft edges have the right thing behind them.
    for part in sorted(parts, key=lambda part: max(c.first[2] + c.last[2] for c in part.cones)):
        _draw(layer, part, light)
    _ink(layer, step)
    return layer


def _draw(layer: Layer, part: Part, light: Light) -> None:
    ends = [end for cone in part.cones for end in (cone.first, cone.last)]
    x0 = int(min(x - r for x, _, _, r in ends)) - 2 - layer.left
    x1 = int(max(x + r for x, _, _, r in ends)) + 3 - layer.left
    y0 = int(min(y - r for _, y, _, r in ends)) - 2 - layer.top
    y1 = int(max(y + r for _, y, _, r in ends)) + 3 - layer.top
    xs = np.arange(x0, x1, dtype=np.float32)[None, :] + np.float32(layer.left)
    ys = np.arange(y0, y1, dtype=np.float32)[:, None] + np.float32(layer.top)
    q, nx, ny, depth, radius, along = _nearest(part.cones, xs, ys)
    nz = np.sqrt(np.maximum(1 - q, 0))
    cover = np.clip((1 - np.sqrt(q)) * radius + 0.5, 0, 1)
    window = np.s_[y0:y1, x0:x1]
    cover[(depth <= layer.depth[window]) | (cover <= 0)] = 0
    out, up, front = (
        np.asarray(nx * np.float32(a[0]) + ny * np.float32(a[1]) + nz * np.float32(a[2]))
        for a in (part.axes.left, part.axes.up, part.axes.front)
    )
    picture = part.colour(Surface(along, out, up, front)) * _lit(nx, ny, nz, light)
    share = cover[..., None]
    layer.colour[window] += share * (np.minimum(picture, 255) - layer.colour[window])
    layer.cover[window] += cover * (1 - layer.cover[window])
    layer.depth[window] = np.where(cover > 0.5, depth, layer.depth[window])


def _nearest(cones: list[Cone], xs: Plane, ys: Plane) -> list[Plane]:
    """For each pixel, the point on the cone whose axis is nearest. So limbs have no knots.

    Returns:
        Squared distance from the axis in radii, the surface's direction to the right and
        down, depth, radius, and how far along the garment.
    """
    shape = (ys.shape[0], xs.shape[1])
    best: list[Plane] = [np.full(shape, fill, np.float32) for fill in (9, 0, 0, 0, 1, 0)]
    for cone in cones:
        window = _window(cone, float(xs[0, 0]), float(ys[0, 0]))
        shape_at = _slice if cone.bow else _round_cone
        planes = shape_at(cone, xs[:, window[1]], ys[window[0]])
        nearer = planes[0] < best[0][window]
        for plane, new in zip(best, planes, strict=True):
            np.copyto(plane[window], new, where=nearer)
    return best


def _window(cone: Cone, left: float, top: float) -> tuple[slice, slice]:
    """The rows and columns that a cone touches, of planes that start at (left, top)."""
    (ax, ay, _, ar), (bx, by, _, br) = cone.first, cone.last
    wide = tall = radius = max(ar, br) + 3
    if cone.bow:
        length = float(np.hypot(bx - ax, by - ay)) + 0.5
        right, down = abs(bx - ax) / length, abs(by - ay) / length
        wide = radius * down + (cone.bow + 4) * right + 3
        tall = radius * right + (cone.bow + 4) * down + 3
    rows = slice(max(int(min(ay, by) - tall - top), 0), max(int(max(ay, by) + tall - top) + 1, 0))
    columns = slice(
        max(int(min(ax, bx) - wide - left), 0), max(int(max(ax, bx) + wide - left) + 1, 0)
    )
    return rows, columns


def _round_cone(cone: Cone, xs: Plane, ys: Plane) -> list[Plane]:
    """The planes of `_nearest` for two balls and the space between them."""
    (ax, ay, az, ar), (bx, by, bz, br) = cone.first, cone.last
    dx, dy, dz = bx - ax, by - ay, bz - az
    x, y = xs - np.float32(ax), ys - np.float32(ay)
    place = (x * np.float32(dx) + y * np.float32(dy)) / np.float32(dx * dx + dy * dy + 0.01)
    t = np.clip(place, 0, 1)
    radius = np.float32(ar) + t * np.float32(br - ar)
    nx, ny = (x - t * np.float32(dx)) / radius, (y - t * np.float32(dy)) / radius
    q = nx * nx + ny * ny
    bulge = np.sqrt(np.maximum(1 - q, 0)) * radius * np.float32(cone.flat)
    if cone.cut:
        # A hem is a circle around the axis in space, seen from a little above.
        length = dx * dx + dy * dy + dz * dz + 0.01
        ahead = place * np.float32((length - dz * dz) / length)
        ahead += (t * np.float32(dz) + bulge) * np.float32(dz / length)
        q = np.where(ahead > 1 + 0.1 * bulge * np.float32(length**-0.5), np.float32(9), q)
    depth = np.float32(az) + t * np.float32(dz) + bulge
    along = np.float32(cone.start) + t * np.float32(cone.end - cone.start)
    return [q, nx, ny, depth, radius, along]


def _slice(cone: Cone, xs: Plane, ys: Plane) -> list[Plane]:
    """The planes of `_nearest` for the space between two circles, seen from a little above."""
    (ax, ay, az, ar), (bx, by, bz, br) = cone.first, cone.last
    length = float(np.hypot(bx - ax, by - ay)) + 0.5
    dx, dy = np.float32((bx - ax) / length), np.float32((by - ay) / length)
    x, y = xs - np.float32(ax), ys - np.float32(ay)
    across = y * dx - x * dy
    front = np.sqrt(np.maximum(1 - (across / np.float32(10 * cone.bow)) ** 2, 0))
    place = (x * dx + y * dy - np.float32(cone.bow) * front * np.sign(dy)) / np.float32(length)
    radius = np.float32(ar) + np.clip(place, -0.5, 1.5) * np.float32(br - ar)
    side = across / radius
    q = side * side
    nz = np.sqrt(np.maximum(1 - q, 0))
    # Slices overlap, so that nothing shows through where they bend.
    q = np.where(abs(place - 0.5) > np.float32(0.5 + 2 / length), np.float32(9), q)
    slope = np.float32(0.5 * np.clip((ar - br) / length, -1, 1))
    nx, ny = slope * dx - side * dy, slope * dy + side * dx
    depth = np.float32(az) + place * np.float32(bz - az) + nz * radius * np.float32(cone.flat)
    along = np.float32(cone.start) + place * np.float32(cone.end - cone.start)
    return [q, nx, ny, depth, radius, along]


def _lit(nx: Plane, ny: Plane, nz: Plane, light: Light) -> Plane:
    """The light on a surface, `[h, w, 3]`; 1 leaves a colour as it is."""
    toward = np.array(light.toward, np.float32)
    toward /= np.float32(np.sqrt(float(toward @ toward)))
    facing = np.clip(nx * toward[0] + ny * toward[1] + nz * toward[2], 0, 1)
    # Between soft and a cartoon's two tones.
    facing = facing * facing * (3 - 2 * facing)
    rim = np.clip(1 - nz, 0, 1) ** 3 * np.clip(-nx * toward[0] + 0.35, 0, 1)
    shade = (bgr(light.ambient) + facing[..., None] * bgr(light.sun)) / 255
    return np.asarray(shade + rim[..., None] * bgr(light.rim) / 255)


def _ink(layer: Layer, step: float) -> None:
    """Darkens the outline, and the pixels just behind an edge."""
    size = 3 if step < 12 else 5
    kernel = np.ones((size, size), np.uint8)
    behind = cv2.dilate(layer.depth, kernel) - layer.depth
    edge = np.clip((behind - step) / step, 0, 1) * 0.38
    edge[layer.depth < -1e5] = 0
    outline = (layer.depth - cv2.erode(layer.depth, np.ones((3, 3), np.uint8)) > 1e5) * 0.35
    layer.colour *= (1 - np.maximum(edge, outline))[..., None].astype(np.float32)
