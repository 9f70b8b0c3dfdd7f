"""Where the demo's dancers dance: four settings, each painted once, larger than the frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .renderer import Light, Plane, View, bgr

Picture = NDArray[np.uint8]

# Twice the frame's 640 x 360, and room for the camera to sway.
WIDTH, HEIGHT = 1360, 784
VIEW = View(focal=1060.0, centre=WIDTH / 2, horizon=268.0, height=1.35)


@dataclass(frozen=True)
class Scene:
    """A setting.

    Attributes:
        picture: blue, green, red `[HEIGHT, WIDTH, 3]`.
        light: on the dancers.
        shadow: where the shadow of a point 1 m up falls: metres right and back.
        shade: how dark shadows are, 0 to 1.
        soft: blur of shadows, pixels.
        gloss: how much the floor mirrors, 0 to 1.
        mirror: left, top, right and bottom of a mirror on the wall, or None.
        wall: distance of the wall, metres.
    """

    picture: Picture
    light: Light
    shadow: tuple[float, float]
    shade: float
    soft: float
    gloss: float = 0.0
    mirror: tuple[int, int, int, int] | None = None
    wall: float = 8.5


def _blank(colour: str) -> Picture:
    return np.full((HEIGHT, WIDTH, 3), bgr(colour)).astype(np.uint8)


def _floor_row(distance: float) -> int:
    return round(VIEW.horizon + VIEW.height * VIEW.focal / distance)


def _floor(top: int) -> tuple[Plane, Plane]:
    """The x and the distance, metres, of each floor pixel from row `top` down."""
    rows = np.arange(top, HEIGHT, dtype=np.float32)[:, None]
    columns = np.arange(WIDTH, dtype=np.float32)[None, :]
    distance = np.float32(VIEW.height * VIEW.focal) / (rows - np.float32(VIEW.horizon))
    return (columns - np.float32(VIEW.centre)) * distance / np.float32(VIEW.focal), distance


def _cells(rng: np.random.Generator, a: Plane, b: Plane, spread: float) -> Plane:
    """A random lightness for each cell of whole (a, b)."""
    table = rng.uniform(1 - spread, 1 + spread, (64, 64)).astype(np.float32)
    i, j = np.broadcast_arrays(np.floor(a).astype(int) % 64, np.floor(b).astype(int) % 64)
    return np.asarray(table[i, j])


def _lay(picture: Picture, top: int, colour: str, lightness: Plane) -> None:
    """Paints everything from row `top` down."""
    picture[top:] = np.clip(bgr(colour) * lightness[..., None], 0, 255)


def _rectangle(picture: Picture, x0: int, y0: int, x1: int, y1: int, colour: str) -> None:
    picture[max(y0, 0) : y1, max(x0, 0) : x1] = bgr(colour)


def _blobs(
    picture: Picture, rng: np.random.Generator, centre: tuple[int, int], size: tuple[int, int],
    colours: tuple[str, ...], count: int, radius: tuple[int, int],
) -> None:  # fmt: skip
    """Foliage: balls around a point, dark below and light above."""
    for index in range(count):
        tone = bgr(colours[index * len(colours) // count])
        reach = 1 - 0.35 * index / count
        x, y = (
            round(c + s * reach * float(rng.uniform(-1, 1)))
            for c, s in zip(centre, size, strict=True)
        )
        y -= round(12 * index / count)
        cv2.circle(picture, (x, y), int(rng.integers(*radius)), tone.tolist(), -1, cv2.LINE_AA)


def _glow(picture: Picture, mask: Plane, colour: str, much: float) -> None:
    """Adds light where the mask is."""
    picture[:] = np.clip(picture + mask[..., None] * bgr(colour) * np.float32(much), 0, 255)


def _ellipse(picture: Picture, at: tuple[int, int], size: tuple[int, int], colour: str) -> None:
    cv2.ellipse(picture, at, size, 0, 0, 360, bgr(colour).tolist(), -1, cv2.LINE_AA)


def _polygon(points: list[tuple[int, int]], blur: float) -> Plane:
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.fillPoly(mask, [np.array(points, np.int32)], 1.0)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), blur) if blur else mask, np.float32)


def studio(rng: np.random.Generator) -> Scene:
    """A dance studio: a mirror, a barre, a window, planks."""
    picture = _blank("#e9dfd0")
    base = _floor_row(8.5)
    _rectangle(picture, 0, 0, WIDTH, 70, "#d8cbb8")
    _rectangle(picture, 0, 66, WIDTH, 72, "#b7a892")
    mirror = (330, 96, 1250, base - 26)
    _rectangle(picture, mirror[0] - 8, mirror[1] - 8, mirror[2] + 8, mirror[3] + 8, "#8a745c")
    _rectangle(picture, *mirror, "#c9cfcf")
    _rectangle(picture, mirror[0], 300, mirror[2], mirror[3], "#b59a78")
    _rectangle(picture, 60, 90, 270, 330, "#8a745c")
    _rectangle(picture, 70, 100, 260, 320, "#cfe6f2")
    _blobs(picture, rng, (165, 300), (90, 22), ("#7fa86f", "#97bd80", "#b2d199"), 40, (10, 26))
    _rectangle(picture, 40, 320, 290, 346, "#b7a892")
    for x in (70, 160, 250):
        _rectangle(picture, x, 100, x + 8, 320, "#a48d70")
    _rectangle(picture, 70, 196, 260, 204, "#a48d70")
    _rectangle(picture, 0, base - 22, WIDTH, base, "#a98f70")
    _rectangle(picture, 0, base - 24, WIDTH, base - 20, "#cdb694")
    across, distance = _floor(base)
    column = across * 4.2
    planks = _cells(rng, column, distance * 0.55 + np.floor(column) * 0.37, 0.09)
    planks *= 1 - 0.22 * (column % 1 < 0.05) * np.clip(5 / distance, 0, 1)
    _lay(picture, base, "#c39a68", planks * (1.12 - 0.035 * distance))
    light = _polygon([(40, base + 50), (250, base + 10), (760, HEIGHT), (240, HEIGHT)], 24)
    _glow(picture, light, "#ffe9c0", 0.16)
    return Scene(
        picture,
        Light((-0.65, -0.6, 0.75), "#8e8690", "#807868", "#fff2d8"),
        shadow=(0.42, 0.16), shade=0.42, soft=7.0, gloss=0.16, mirror=mirror,
    )  # fmt: skip


def street(rng: np.random.Generator) -> Scene:
    """A street: bricks, a shop's window, a door, a painted wall, paving."""
    picture = _blank("#a4583f")
    base = _floor_row(8.5)
    rows = np.arange(base, dtype=np.float32)[:, None] / 15
    columns = np.arange(WIDTH, dtype=np.float32)[None, :] / 42 + 0.5 * (np.floor(rows) % 2)
    bricks = _cells(rng, rows, columns, 0.13)
    mortar = (rows % 1 < 0.13) | (columns % 1 < 0.05)
    wall = np.where(mortar[..., None], bgr("#b98f78"), bgr("#a4583f") * bricks[..., None])
    picture[:base] = np.clip(wall, 0, 255)
    _rectangle(picture, 96, 60, 470, base - 60, "#2c3a40")
    _rectangle(picture, 110, 74, 456, base - 74, "#6f97a3")
    shine = [(110, 260), (250, 74), (330, 74), (150, base - 74), (110, base - 74)]
    _glow(picture, _polygon(shine, 2), "#ffffff", 0.2)
    _rectangle(picture, 278, 74, 288, base - 74, "#2c3a40")
    for index in range(10):
        top, bottom = 84 + 40 * index, 76 + 41 * index
        stripe = np.array([(top, 60), (top + 40, 60), (bottom + 44, 128), (bottom, 128)])
        colour = bgr("#d94f3d" if index % 2 else "#f3ead8").tolist()
        cv2.fillPoly(picture, [stripe], colour, cv2.LINE_AA)
    _rectangle(picture, 1130, 80, 1290, base, "#3b2c2a")
    _rectangle(picture, 1142, 92, 1278, base, "#27605f")
    for top in (112, 290):
        _rectangle(picture, 1160, top, 1260, top + 130, "#1f4f50")
    cv2.circle(picture, (1156, 300), 6, bgr("#e8c877").tolist(), -1, cv2.LINE_AA)
    _graffiti(picture)
    _rectangle(picture, 0, base - 26, WIDTH, base, "#7f7469")
    x, distance = _floor(base)
    slabs = _cells(rng, x * 1.1, distance * 1.1, 0.05)
    slabs *= 1 - 0.2 * (((x * 1.1) % 1 < 0.025) | ((distance * 1.1) % 1 < 0.03))
    _lay(picture, base, "#aaa49b", slabs * (1.1 - 0.03 * distance))
    return Scene(
        picture,
        Light((0.7, -0.75, 0.55), "#7d7f92", "#928872", "#fff0cc"),
        shadow=(-0.5, 0.22), shade=0.5, soft=5.0,
    )  # fmt: skip


def _graffiti(picture: Picture) -> None:
    """Letters of no alphabet."""
    colours = ("#f2b233", "#3fa7a0", "#e2557a", "#6d5bd0", "#f2e3c6")
    for index, colour in enumerate(colours):
        x, y = 560 + 104 * index, 190 + 26 * (index % 2)
        shape = [(x, y), (x + 76, y - 40), (x + 118, y + 24), (x + 66, y + 60), (x + 104, y + 118),
                 (x + 20, y + 132), (x - 18, y + 70)]  # fmt: skip
        points = np.array(shape, np.int32)
        cv2.fillPoly(picture, [points], bgr(colour).tolist(), cv2.LINE_AA)
        cv2.polylines(picture, [points], True, bgr("#2b2233").tolist(), 7, cv2.LINE_AA)


def stage(rng: np.random.Generator) -> Scene:
    """A stage: a curtain, spotlights, a glossy floor."""
    base = _floor_row(8.5)
    folds = np.concatenate([[0], np.cumsum(rng.uniform(26, 60, 60))])
    columns = np.arange(WIDTH)
    index = np.searchsorted(folds, columns, side="right") - 1
    place = (columns - folds[index]) / np.diff(folds)[index]
    lightness = 0.42 + 2.4 * place * (1 - place)
    drop = 1.0 - 0.45 * np.arange(HEIGHT)[:, None] / base
    curtain = bgr("#7a2140") * (lightness[None, :] * drop)[..., None]
    picture = np.clip(curtain, 0, 255).astype(np.uint8)
    _rectangle(picture, 0, 0, WIDTH, 40, "#18121f")
    x, distance = _floor(base)
    lines = 1 - 0.25 * (((x * 0.8) % 1 < 0.02) | ((distance * 0.8) % 1 < 0.03))
    pool = np.clip(1.4 - 0.1 * x * x - 0.05 * (distance - 4.6) ** 2, 0.5, 1.6)
    _lay(picture, base, "#4a3d63", lines * pool)
    ends = ((150, 520), (480, 330), (880, 1020), (1210, 860))
    colours = ("#8fb8ff", "#ffd59a", "#ff9ad0", "#9affe4")
    low = base + 190
    for colour, (top, bottom) in zip(colours, ends, strict=True):
        beam = [(top - 10, 30), (top + 10, 30), (bottom + 150, low), (bottom - 150, low)]
        _glow(picture, _polygon(beam, 14), colour, 0.13)
        spot = np.zeros((HEIGHT, WIDTH), np.float32)
        cv2.ellipse(spot, (bottom, base + 200), (210, 70), 0, 0, 360, 1.0, -1)
        _glow(picture, np.asarray(cv2.GaussianBlur(spot, (0, 0), 22)), colour, 0.13)
        _ellipse(picture, (top, 30), (22, 15), "#0d0a12")
        cv2.circle(picture, (top, 36), 9, bgr("#fffbe8").tolist(), -1, cv2.LINE_AA)
    return Scene(
        picture,
        Light((-0.35, -0.8, 0.65), "#6e6484", "#a89a94", "#d8b8ff"),
        shadow=(0.18, 0.2), shade=0.5, soft=9.0, gloss=0.24,
    )  # fmt: skip


def park(rng: np.random.Generator) -> Scene:
    """A park: sky, trees, a lawn, paving."""
    base, lawn = _floor_row(8.5), _floor_row(16)
    share = (np.arange(HEIGHT) / lawn).clip(0, 1)[:, None, None]
    sky = bgr("#8cc4ea") * (1 - share) + bgr("#e2f0ea") * share
    picture = sky.repeat(WIDTH, 1).astype(np.uint8)
    for x, y, size in ((240, 80, 60), (320, 95, 44), (930, 60, 50), (1010, 76, 66), (1090, 70, 40)):
        _ellipse(picture, (x, y), (size, size // 3), "#f7fbfb")
    for centre in range(-40, WIDTH + 60, 90):
        where = (centre, lawn - 70 - int(rng.integers(0, 30)))
        _blobs(picture, rng, where, (70, 40), ("#6f9f86", "#7dab8d", "#8fb998"), 14, (26, 48))
    _rectangle(picture, 0, lawn - 58, WIDTH, base, "#7fb35c")
    for x, top, spread in ((110, 150, 120), (470, 185, 84), (1190, 140, 140), (860, 195, 76)):
        foot = lawn + spread // 2 - 26
        trunk = [(x - 11, foot), (x + 13, foot), (x + 8, top), (x - 6, top)]
        cv2.fillPoly(picture, [np.array(trunk)], bgr("#6a4a35").tolist(), cv2.LINE_AA)
        tones = ("#3f7a45", "#4c8c4b", "#62a355", "#7cb862")
        crown, balls = (spread, spread * 2 // 3), (spread // 5, spread // 3)
        _ellipse(picture, (x, top), crown, tones[1])
        _blobs(picture, rng, (x, top), crown, tones, 46, balls)
    across, distance = _floor(base)
    row = distance * 1.6
    column = across * 1.6 + 0.5 * (np.floor(row) % 2)
    stones = _cells(rng, column, row, 0.06)
    stones *= 1 - 0.16 * ((column % 1 < 0.035) | (row % 1 < 0.04))
    _lay(picture, base, "#cfc2a6", stones * (1.08 - 0.02 * distance))
    _rectangle(picture, 0, base - 6, WIDTH, base + 3, "#b5a98e")
    _rectangle(picture, 590, base - 66, 780, base - 54, "#9a6c45")
    _rectangle(picture, 590, base - 44, 780, base - 34, "#8a5f3c")
    for x_leg in (604, 756):
        _rectangle(picture, x_leg, base - 66, x_leg + 10, base - 4, "#4a4440")
    return Scene(
        picture,
        Light((-0.75, -0.8, 0.45), "#868c9c", "#8a8268", "#fff6d0"),
        shadow=(0.62, 0.1), shade=0.42, soft=5.0,
    )  # fmt: skip


SCENES: dict[str, Callable[[np.random.Generator], Scene]] = {
    "studio": studio,
    "street": street,
    "stage": stage,
    "park": park,
}
