"""How the demo's dancers look: a body and a look -> round cones in the picture, coloured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .bodies import HEAD_RADIUS, SIDES, Axes, Body
from .moves import Vector
from .renderer import (
    Cone,
    Layer,
    Light,
    Mask,
    Part,
    Plane,
    Surface,
    View,
    as_seen,
    bgr,
    draw,
    slices,
)

# Where a cloth's second colour is. `along` runs from the hips to the neck, or down a limb;
# `out` is to the dancer's left on the trunk and away from it on limbs.
_PATTERNS: dict[str, Callable[[Surface], Mask]] = {
    "plain": lambda s: np.zeros(s.out.shape, bool),
    "hoops": lambda s: (s.along * 5.5) % 1 < 0.45,
    "band": lambda s: (s.along > 0.52) & (s.along < 0.72),
    "block": lambda s: s.along < 0.45,
    "halves": lambda s: s.out > 0,
    "open": lambda s: (s.front > 0) & (abs(s.out) < 0.12 + 0.3 * s.along) & (s.along < 0.9),
    "checks": lambda s: ((s.along * 5) % 1 < 0.5) ^ ((s.out * 2.2) % 1 < 0.5),
    "seam": lambda s: (s.out > 0.72) & (abs(s.front) < 0.5),
    "sash": lambda s: abs(s.along - 0.5 - 0.45 * s.out) < 0.13,
    "badge": lambda s: (s.out / 0.42) ** 2 + ((s.along - 0.66) / 0.2) ** 2 < 1,
    "cuff": lambda s: s.along > 0.82,
    "patch": lambda s: (s.along > 0.40) & (s.along < 0.56) & (s.front > 0.3),
}


@dataclass(frozen=True)
class Paint:
    """A cloth.

    Attributes:
        colour: "#rrggbb".
        pattern: a name of `_PATTERNS`.
        second: the pattern's colour.
    """

    colour: str
    pattern: str = "plain"
    second: str = "#ffffff"


@dataclass(frozen=True)
class Look:
    """What a dancer looks like. Lengths in body heights.

    Attributes:
        skin: colour, as in `Paint`.
        hair: colour.
        hair_style: a name of `_HEAD_SHAPES`.
        top: on the trunk.
        sleeve: on the arms.
        sleeve_end: how much of the arm it covers.
        bottom: on the hips and legs.
        leg_end: how much of the leg it covers.
        shoe: colour.
        hat: a name of `_HEAD_SHAPES`, or "".
        hat_colour: colour.
        skirt: how far below the waist a skirt reaches, or 0.
        crop: how much of the trunk the top leaves bare, from the waist.
        waist: its half width.
        hips: their half width.
        bulk: thickness of limbs; 1 is average.
        loose: thickness of sleeves and trousers around them.
    """

    skin: str
    hair: str
    hair_style: str
    top: Paint
    sleeve: Paint
    sleeve_end: float
    bottom: Paint
    leg_end: float
    shoe: str
    hat: str = ""
    hat_colour: str = "#222222"
    skirt: float = 0.0
    crop: float = 0.0
    waist: float = 0.066
    hips: float = 0.076
    bulk: float = 1.0
    loose: float = 1.2


# In head radii: left, up and forward of the head's centre, radius, at both ends.
_Ends = tuple[float, float, float, float, float, float, float, float]


def _ring(radius: float, up: float, thickness: float) -> tuple[_Ends, ...]:
    """A ring around the head, higher in front."""
    turns = np.linspace(0, 2 * np.pi, 13)
    left, front = radius * np.sin(turns), radius * np.cos(turns) - 0.1
    balls = [
        (float(x), float(up + 0.12 * z), float(z), thickness)
        for x, z in zip(left, front, strict=True)
    ]
    return tuple((*balls[i], *balls[i + 1]) for i in range(12))


# The hair ends at the face where the ball of hair goes into the ball of the head.
_SHELL: _Ends = (0.0, 0.30, -0.13, 1.07, 0.0, 0.0, -0.34, 1.0)
_VISOR: tuple[_Ends, ...] = (
    (-0.66, 0.28, 0.75, 0.17, 0.0, 0.16, 1.5, 0.17),
    (0.66, 0.28, 0.75, 0.17, 0.0, 0.16, 1.5, 0.17),
    (0.0, 0.30, 0.7, 0.2, 0.0, 0.17, 1.45, 0.17),
)
_HEAD_SHAPES: dict[str, tuple[_Ends, ...]] = {
    "shaved": ((0.0, 0.16, -0.10, 1.0, 0.0, 0.05, -0.2, 0.98),),
    "short": (_SHELL,),
    "quiff": (_SHELL, (-0.35, 0.85, 0.42, 0.40, 0.35, 1.0, 0.25, 0.42)),
    "bob": (
        _SHELL,
        (0.0, -0.1, -0.36, 1.14, 0.0, -0.72, -0.42, 1.0),
        (-0.42, 0.62, 0.50, 0.44, 0.42, 0.62, 0.50, 0.44),
    ),
    "bun": (_SHELL, (0.0, 1.2, -0.45, 0.48, 0.0, 1.25, -0.5, 0.48)),
    "tail": (_SHELL, (0.0, 0.55, -1.15, 0.34, 0.0, -1.5, -1.35, 0.16)),
    "long": (
        _SHELL,
        (0.0, -0.1, -0.40, 1.12, 0.0, -2.0, -0.75, 0.82),
        (0.15, 0.72, 0.52, 0.34, 0.72, 0.25, 0.42, 0.26),
        (0.0, 0.72, 0.52, 0.34, -0.75, 0.2, 0.40, 0.26),
    ),
    "afro": ((0.0, 0.46, -0.32, 1.5, 0.0, 0.1, -0.5, 1.4),),
    "braids": (
        _SHELL,
        (0.75, -0.3, -0.5, 0.32, 1.0, -2.1, -0.1, 0.2),
        (-0.75, -0.3, -0.5, 0.32, -1.0, -2.1, -0.1, 0.2),
    ),
    "cap": ((0.0, 0.38, -0.06, 1.07, 0.0, 0.3, -0.2, 1.04), *_VISOR),
    "beanie": ((0.0, 0.36, -0.13, 1.13, 0.0, 0.78, -0.28, 0.88),),
    "fedora": ((0.0, 0.50, -0.08, 1.0, 0.0, 0.95, -0.1, 0.78), *_ring(1.35, 0.52, 0.16)),
    "headband": _ring(1.06, 0.42, 0.13),
}


def draw_dancer(body: Body, look: Look, view: View, light: Light) -> Layer:
    """Draws a dancer."""
    scale = float(view.project(body.points["pelvis"][None])[0, 2])
    return draw(_Tailor(body, look, view).parts(), light, 0.022 * body.height * scale)


class _Tailor:
    """Makes a dancer's parts from the body and the look."""

    def __init__(self, body: Body, look: Look, view: View) -> None:
        self.body, self.look, self.view = body, look, view
        self.root = float(body.points["root"][2])

    def parts(self) -> list[Part]:
        """All parts."""
        parts = [*self._trunk(), *self._head()]
        for side in SIDES:
            parts += [*self._arm(side), *self._leg(side)]
        return parts

    def _end(self, point: Vector, radius: float) -> tuple[float, float, float, float]:
        """A ball; its radius in body heights."""
        x, y, scale = self.view.project(point[None])[0]
        depth = (float(point[2]) - self.root) * scale
        return float(x), float(y), float(np.round(depth * 16) / 16), self._round(radius * scale)

    def _round(self, radius: float) -> float:
        return float(np.round(radius * self.body.height * 16) / 16)

    def _chain(self, *balls: tuple[Vector, float], flat: float = 1.0) -> list[Cone]:
        """Cones from ball to ball."""
        ends = [self._end(point, radius) for point, radius in balls]
        n = len(ends) - 1
        return [Cone(ends[i], ends[i + 1], i / n, (i + 1) / n, flat) for i in range(n)]

    def _part(self, cones: list[Cone], paint: Paint, axes: Axes, side: float = 1.0) -> Part:
        return Part(cones, _cloth(paint), as_seen(axes, side))

    def _limb(self, balls: list[tuple[Vector, float]], start: float, end: float) -> list[Cone]:
        """A limb of two bones, or a part of it: it begins at 0 and ends at 1."""
        points = np.array([[*point, radius] for point, radius in balls])
        places = [start, *(x for x in (0.5,) if start < x < end), end]
        knots = [0.0, 0.5, 1.0]
        cut = np.column_stack([np.interp(places, knots, points[:, i]) for i in range(4)])
        return self._chain(*((ball[:3], float(ball[3])) for ball in cut))

    def _trunk(self) -> list[Part]:
        look, axes, low = self.look, self.body.trunk, self.body.pelvis
        trunk, split = self._sections(), round(8 * look.crop)
        parts = [self._part(trunk[split:], look.top, axes)]
        if split:
            parts.append(self._part(trunk[:split], Paint(look.skin), axes))
        pelvis, up = self.body.points["pelvis"], self.body.height * axes.up
        # Seen from the side, hips are narrower.
        wide = float(np.sqrt(1 - 0.4 * low.left[2] ** 2))
        seat = self._chain(
            (pelvis - 0.018 * up, look.hips * 0.96 * wide),
            (pelvis + 0.048 * up, look.hips * 1.0 * wide),
            flat=0.68 / wide**2,
        )
        # The waistband ends flat; at 0.3 there is no pattern.
        parts.append(self._part([seat[0]._replace(start=0.3, end=0.3, cut=True)], look.bottom, low))
        if look.skirt:
            parts.append(self._skirt(wide))
        return parts

    def _sections(self) -> list[Cone]:
        """The trunk from the hips to the neck, in slices, as shoulders are not round."""
        at, look, left = self.body.points, self.look, self.body.trunk.left
        spine = np.stack([at[name] for name in ("pelvis", "waist", "chest", "neck")])
        shoulder = np.linalg.norm(at["left shoulder"] - at["right shoulder"]) / 2 / self.body.height
        # Position along it, half the width, half the depth.
        profile = np.array([
            (0.05, look.hips * 0.96, look.hips * 0.74),
            (0.20, look.hips * 0.92, look.hips * 0.74),
            (0.38, look.waist, look.waist * 0.80),
            (0.52, look.waist * 0.6 + 0.032, look.waist * 0.5 + 0.026),
            (0.68, shoulder * 0.85, look.waist * 0.3 + 0.044),
            (0.80, shoulder * 0.97, 0.060),
            (0.88, shoulder * 0.98, 0.054),
            (0.94, shoulder * 0.84, 0.048),
            (0.985, shoulder * 0.58, 0.042),
            (1.05, 0.036, 0.036),
        ])  # fmt: skip
        places = np.linspace(0.17, 1.05, 19)
        widths, depths = (np.interp(places, profile[:, 0], profile[:, i]) for i in (1, 2))
        turned = float(left[2] ** 2)
        seen = np.sqrt(widths**2 * (1 - turned) + depths**2 * turned)
        deep = np.sqrt(depths**2 * (1 - turned) + widths**2 * turned) / seen
        knots = [0, 0.386, 0.70, 1.0]
        points = np.column_stack([np.interp(places, knots, spine[:, i]) for i in range(3)])
        points += (places[:, None] > 1) * (places[:, None] - 1) * (spine[3] - spine[2]) / 0.3
        ends = [self._end(point, radius) for point, radius in zip(points, seen, strict=True)]
        return slices([
            Cone(ends[i], ends[i + 1], places[i], places[i + 1], float(deep[i]))
            for i in range(len(ends) - 1)
        ])  # fmt: skip

    def _skirt(self, wide: float) -> Part:
        at, look = self.body.points, self.look
        waist = at["pelvis"] + 0.05 * self.body.height * self.body.trunk.up
        left, right = at["left knee"], at["right knee"]
        fall = 0.5 * (left + right) - waist
        fall *= look.skirt * self.body.height / float(np.linalg.norm(fall))
        # It stretches over a wide step.
        spread = float(np.linalg.norm((left - right)[:2])) / self.body.height
        hem = look.hips + 0.3 * look.skirt + 0.14 * spread
        places = np.linspace(0, 1, 13)
        radii = np.interp(places, [0, 0.3, 1], [look.hips * wide, look.hips * 1.32 * wide, hem])
        balls = zip([waist + place * fall for place in places], radii, strict=True)
        cones = self._chain(*balls, flat=0.95)
        return self._part(slices(cones), look.bottom, self.body.pelvis)

    def _arm(self, side: str) -> list[Part]:
        at, look = self.body.points, self.look
        points = [at[f"{side} {joint}"] for joint in ("shoulder", "elbow", "wrist")]
        points[0] = points[0] - 0.012 * self.body.height * self.body.trunk.up
        radii = [0.031 * look.bulk, 0.025 * look.bulk, 0.019 * look.bulk]
        # The skin begins a little inside the sleeve.
        skin = self._limb(list(zip(points, radii, strict=True)), max(look.sleeve_end - 0.1, 0), 1)
        palm = at[f"{side} wrist"] + 0.4 * (at[f"{side} finger"] - at[f"{side} wrist"])
        hand = self._chain((palm, 0.021), (at[f"{side} finger"], 0.014))
        parts = [self._part(skin + hand, Paint(look.skin), self.body.trunk)]
        if look.sleeve_end:
            wide = [radii[0] * (0.7 + 0.3 * look.loose), *(r * look.loose for r in radii[1:])]
            cloth = self._limb(list(zip(points, wide, strict=True)), 0, look.sleeve_end)
            cloth[-1] = cloth[-1]._replace(cut=True)
            parts.append(self._part(cloth, look.sleeve, self.body.trunk, SIDES[side]))
        return parts

    def _leg(self, side: str) -> list[Part]:
        at, look = self.body.points, self.look
        points = [at[f"{side} {joint}"] for joint in ("hip", "knee", "ankle")]
        radii = [0.055 * look.bulk, 0.038 * look.bulk, 0.026 * look.bulk]
        balls = list(zip(points, radii, strict=True))
        # The skin begins a little inside the trousers, or under a skirt.
        skin = self._limb(balls, min(max(look.leg_end - 0.01, 1.6 * look.skirt - 0.06), 0.97), 1)
        shoe = self._chain((at[f"{side} heel"], 0.027), (at[f"{side} toe"], 0.024), flat=0.9)
        ankle = self._chain((at[f"{side} ankle"], 0.028), (at[f"{side} heel"], 0.027))
        parts = [
            self._part(skin, Paint(look.skin), self.body.pelvis),
            self._part(shoe + ankle, Paint(look.shoe), self.body.pelvis),
        ]
        if look.leg_end:
            wide = [radii[0] * 1.04, radii[1] * look.loose, radii[2] * (2.2 * look.loose - 1.2)]
            cloth = self._limb(list(zip(points, wide, strict=True)), 0, look.leg_end)
            cloth[-1] = cloth[-1]._replace(cut=True)
            parts.append(self._part(cloth, look.bottom, self.body.pelvis, SIDES[side]))
        return parts

    def _head(self) -> list[Part]:
        look, axes = self.look, self.body.head
        middle, neck = self.body.points["head"], self.body.points["neck"]
        radius = HEAD_RADIUS * self.body.height
        up, front = radius * axes.up, radius * axes.front
        skull = self._chain((middle, HEAD_RADIUS), (middle - 0.62 * up + 0.12 * front, 0.047))
        details = self._chain(
            (middle + 0.96 * front - 0.15 * up, 0.006), (middle + 1.0 * front - 0.32 * up, 0.0085)
        )
        for side in SIDES.values():
            ear = middle + 0.95 * side * radius * axes.left
            details += self._chain((ear - 0.15 * up, 0.013), (ear - 0.3 * up, 0.010))
        throat = self._chain(
            (neck - 0.03 * axes.up, 0.036 * look.bulk), (middle - 0.4 * up, 0.032 * look.bulk)
        )
        skin = Paint(look.skin)
        parts = [Part(skull, _face(look), as_seen(axes))]
        parts += [self._part(details, skin, axes), self._part(throat, skin, axes)]
        for shape, colour in ((look.hair_style, look.hair), (look.hat, look.hat_colour)):
            if shape:
                cones = [self._on_head(ends, radius) for ends in _HEAD_SHAPES[shape]]
                parts.append(self._part(cones, Paint(colour), axes))
        return parts

    def _on_head(self, ends: _Ends, radius: float) -> Cone:
        axes, head = self.body.head, self.body.points["head"]
        first, last = (
            (head + radius * (a * axes.left + b * axes.up + c * axes.front), HEAD_RADIUS * r)
            for a, b, c, r in (ends[:4], ends[4:])
        )
        return self._chain(first, last)[0]


def _cloth(paint: Paint) -> Callable[[Surface], Plane]:
    first, second, pattern = bgr(paint.colour), bgr(paint.second), _PATTERNS[paint.pattern]

    def colour(surface: Surface) -> Plane:
        return np.where(pattern(surface)[..., None], second, first)

    return colour


def _face(look: Look) -> Callable[[Surface], Plane]:
    """Eyes, brows, mouth and cheeks on the skin, in head radii from the middle."""
    skin, hair = bgr(look.skin), bgr(look.hair)

    def colour(surface: Surface) -> Plane:
        picture = np.broadcast_to(skin, (*surface.out.shape, 3)).copy()
        narrow = 1 - 0.27 * surface.along
        x, y = abs(surface.out) * narrow, surface.up * narrow - 0.62 * surface.along
        ahead = surface.front > 0.15

        def spot(cx: float, cy: float, rx: float, ry: float, paint: Plane, much: float) -> None:
            mask = (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1) & ahead
            picture[mask] += much * (paint - picture[mask])

        spot(0.55, -0.42, 0.22, 0.16, bgr("#e0605a"), 0.25)
        spot(0.37, -0.07, 0.19, 0.14, bgr("#fbf8f2"), 0.95)
        spot(0.36, -0.08, 0.10, 0.13, bgr("#2a1a14"), 1.0)
        spot(0.38, 0.17, 0.22, 0.05, hair * np.float32(0.7), 0.9)
        smile = (abs(y + 0.78 - 1.7 * x * x) < 0.065) & (x < 0.27) & ahead
        picture[smile] = 0.3 * picture[smile] + 0.7 * bgr("#8c2f33")
        return picture

    return colour
