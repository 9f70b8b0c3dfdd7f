"""The bodies of the demo's dancers: poses on the beat -> joints in space.

Lengths are in body heights until `Dancer.body` scales them to metres. In space, x is
to the right of the picture, y up from the floor, z toward the camera (minus the distance).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from .moves import Vector, keys

SIDES = {"left": 1.0, "right": -1.0}  # the dancer's own, along the axis `left`
HEAD_RADIUS = 0.064


@dataclass(frozen=True)
class Axes:
    """The directions of a body part in space, as unit vectors `[3]`."""

    left: Vector
    up: Vector
    front: Vector


@dataclass(frozen=True)
class Body:
    """A body in space, in metres.

    Attributes:
        points: by name: root, pelvis, waist, chest, neck, head, and for "left" and
            "right" a shoulder, elbow, wrist, finger, hip, knee, ankle, heel and toe,
            e.g. "left knee".
        trunk: directions of the shoulders.
        pelvis: directions of the hips.
        head: directions of the head.
        height: of the dancer.
    """

    points: dict[str, Vector]
    trunk: Axes
    pelvis: Axes
    head: Axes
    height: float

    def mirrored(self, wall_z: float) -> Body:
        """The body in a mirror that faces the camera."""
        flip = np.array([1.0, 1.0, -1.0])
        shift = np.array([0.0, 0.0, 2 * wall_z])
        trunk, pelvis, head = (
            Axes(a.left * flip, a.up * flip, a.front * flip)
            for a in (self.trunk, self.pelvis, self.head)
        )
        points = {name: point * flip + shift for name, point in self.points.items()}
        return Body(points, trunk, pelvis, head, self.height)


@dataclass
class Dancer:
    """A dancer: the look, the routine, and the position.

    Attributes:
        look: name of the looks.
        routine: moves and their beats, e.g. "step:4 spin:2".
        path: (second, x, distance) in metres on the floor; between them, smoothly.
        tempo: beats a second.
        size: of the movements; 1 is as the keys say.
        snap: 0 glides from pose to pose, 1 jerks and holds.
        facing: turns to the left at the start.
        height: metres.
        shoulder: half the shoulders' width, in heights.
        hip: half the hips' width, in heights.
    """

    look: str
    routine: str
    path: tuple[tuple[float, float, float], ...]
    tempo: float = 2.0
    size: float = 1.0
    snap: float = 0.4
    facing: float = 0.0
    height: float = 1.7
    shoulder: float = 0.105
    hip: float = 0.052
    _keys: list[Vector] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._keys = list(keys(self.routine, self.size))

    def body(self, second: float) -> Body:
        """The body at a point in time, in seconds."""
        pose, place, axes = self._pose(second)
        up = np.array([0.0, 1.0, 0.0])
        jump = up * pose[7]
        feet = {name: self._foot(name, second) + jump for name in SIDES}
        pelvis = place + axes.left * pose[0] + jump
        reach = _pelvis_height(pelvis, axes, feet, self.hip)
        pelvis = pelvis + up * min(reach, 0.511 - pose[1])
        spine = _unit(up + axes.left * math.tan(pose[2]) + axes.front * math.tan(pose[3]))
        trunk = _turned(axes, pose[4], spine)
        head = _turned(axes, 0.4 * pose[4], _unit(spine + 0.9 * up))
        neck = pelvis + spine * 0.285
        points = {
            "root": place,
            "pelvis": pelvis,
            "waist": pelvis + spine * 0.11 + axes.front * pose[5],
            "chest": pelvis + spine * 0.20 + axes.front * (0.012 - 0.4 * pose[5]),
            "neck": neck,
            "head": neck + head.up * 0.112 + head.front * 0.012,
        }
        for name, side in SIDES.items():
            hand = pose[8:11] if name == "left" else pose[11:14]
            arm = _arm(neck - spine * 0.02 + trunk.left * side * self.shoulder, hand, trunk, side)
            hip = pelvis + axes.left * side * self.hip
            leg = _leg(hip, feet[name], axes, side, pose[15 if name == "left" else 18])
            points |= {f"{name} {part}": point for part, point in (arm | leg).items()}
        points = {name: point * self.height for name, point in points.items()}
        return Body(points, trunk, axes, head, self.height)

    def _pose(self, second: float) -> tuple[Vector, Vector, Axes]:
        """The mix of the two nearest key poses, the position on the floor, and the direction."""
        beat = max(second * self.tempo, 0.0)
        index = min(int(beat), len(self._keys) - 2)
        share = min(beat - index, 1.0)
        share -= self.snap * math.sin(2 * math.pi * share) / (2 * math.pi)
        pose = (1 - share) * self._keys[index] + share * self._keys[index + 1]
        turned = sum(float(key[6]) for key in self._keys[1 : index + 1])
        turned += share * float(self._keys[index + 1][6])
        yaw = 2 * math.pi * (self.facing + turned)
        left = np.array([math.cos(yaw), 0.0, -math.sin(yaw)])
        front = np.array([math.sin(yaw), 0.0, math.cos(yaw)])
        return pose, self._place(second), Axes(left, np.array([0.0, 1.0, 0.0]), front)

    def _place(self, second: float) -> Vector:
        """The position on the floor, in body heights."""
        times, xs, distances = np.array(self.path).T
        index = int(np.clip(np.searchsorted(times, second) - 1, 0, len(times) - 2))
        share = np.clip((second - times[index]) / (times[index + 1] - times[index]), 0, 1)
        share = share * share * (3 - 2 * share)
        x, distance = (a[index] + share * (a[index + 1] - a[index]) for a in (xs, distances))
        return np.array([x, 0.0, -distance]) / self.height

    def _foot(self, name: str, second: float) -> Vector:
        """The ankle. The foot stays where it is, and steps once a beat if it must."""
        first = 8 + 6 + (0 if name == "left" else 3)
        beat = second * self.tempo - (0.0 if name == "left" else 0.5)
        number = math.floor(beat)
        share = min((beat - number) / 0.5, 1.0)
        share = share * share * (3 - 2 * share)
        delay = 1.0 if name == "left" else 1.25
        start, end = (
            self._foothold(SIDES[name], first, (number + delay + step) / self.tempo)
            for step in (-1, 0)
        )
        foot = start + share * (end - start)
        lift = min(0.07, 0.4 * float(np.linalg.norm(end - start)))
        foot[1] = 0.045 + lift * math.sin(math.pi * share)
        pose, _, _ = self._pose(second)
        raised = min(pose[first + 1] / 0.08, 1.0)
        if raised > 0:
            gesture = self._foothold(SIDES[name], first, second)
            gesture[1] = 0.045 + pose[first + 1]
            foot += raised * (gesture - foot)
        return foot

    def _foothold(self, side: float, first: int, second: float) -> Vector:
        pose, place, axes = self._pose(second)
        out, _, forward = pose[first : first + 3]
        return place + axes.left * side * out + axes.front * forward


def _pelvis_height(pelvis: Vector, axes: Axes, feet: dict[str, Vector], hip: float) -> float:
    """How high the pelvis can be so that both legs, nearly straight, reach their feet."""
    heights = []
    for name, side in SIDES.items():
        offset = feet[name] - (pelvis + axes.left * side * hip)
        flat = min(math.hypot(offset[0], offset[2]), 0.4)
        heights.append(offset[1] + math.sqrt(0.466**2 - flat**2))
    return float(min(heights))


def _arm(shoulder: Vector, hand: Vector, trunk: Axes, side: float) -> dict[str, Vector]:
    out = trunk.left * side
    reach = 0.306 * (out * hand[0] + trunk.up * hand[1] + trunk.front * hand[2])
    pole = out * 0.55 - trunk.up * 0.75 - trunk.front * 0.55
    elbow, wrist = _two_bones(shoulder, shoulder + reach, 0.160, 0.146, pole)
    finger = wrist + 0.055 * _unit(_unit(wrist - elbow) + 0.15 * trunk.front)
    return {"shoulder": shoulder, "elbow": elbow, "wrist": wrist, "finger": finger}


def _leg(hip: Vector, foot: Vector, axes: Axes, side: float, lift: float) -> dict[str, Vector]:
    outward = axes.left * side
    knee, ankle = _two_bones(hip, foot, 0.240, 0.230, axes.front + 0.35 * outward)
    # A foot in the air points down, along the shin.
    down = min(max(lift, 0.0) / 0.2, 1.0) * 0.7
    toward = _unit(axes.front + 0.35 * outward + down * _unit(ankle - knee))
    return {
        "hip": hip,
        "knee": knee,
        "ankle": ankle,
        "heel": ankle - 0.030 * toward + np.array([0.0, -0.020, 0.0]),
        "toe": ankle + 0.090 * toward + np.array([0.0, -0.025, 0.0]),
    }


def _two_bones(
    start: Vector, end: Vector, upper: float, lower: float, pole: Vector
) -> tuple[Vector, Vector]:
    """The joint between two bones, bent toward the pole, and the end, moved into reach."""
    toward = end - start
    whole = upper + lower
    distance = float(np.clip(np.linalg.norm(toward), 0.3 * whole, 0.995 * whole))
    toward = _unit(toward)
    along = (upper**2 - lower**2 + distance**2) / (2 * distance)
    aside = _unit(pole - toward * float(pole @ toward))
    joint = start + toward * along + aside * math.sqrt(max(upper**2 - along**2, 0.0))
    return joint, start + toward * distance


def _turned(axes: Axes, yaw: float, up: Vector) -> Axes:
    """Directions that are turned to the left, and upright along `up`."""
    front = axes.front * math.cos(yaw) + axes.left * math.sin(yaw)
    left = _unit(np.asarray(np.cross(up, front), np.float64))
    return replace(axes, left=left, up=up, front=np.asarray(np.cross(left, up), np.float64))


def keypoints(body: Body) -> Vector:
    """The 17 keypoints of COCO in space, `[17, 3]`."""
    at, axes, radius = body.points, body.head, HEAD_RADIUS * body.height
    eyes, ears = (
        [
            at["head"] + radius * (side * out * axes.left + up * axes.up + front * axes.front)
            for side in SIDES.values()
        ]
        for out, up, front in ((0.37, -0.07, 0.92), (0.98, -0.22, 0.0))
    )
    nose = at["head"] + radius * (1.1 * axes.front - 0.3 * axes.up)
    names = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    rest = [at[f"{side} {name}"] for name in names for side in SIDES]
    return np.stack([nose, *eyes, *ears, *rest])


def _unit(vector: Vector) -> Vector:
    return np.asarray(vector / np.linalg.norm(vector))
