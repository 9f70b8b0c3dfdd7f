"""What the demo's dancers do: key poses on the beat.

Lengths are in body heights, angles in radians.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

# Where a hand is, seen from its shoulder: outward, up, forward, in arm lengths.
_HANDS = {
    "low": (0.25, -0.93, 0.10),
    "hip": (0.16, -0.70, 0.10),
    "back": (0.25, -0.78, -0.42),
    "side": (0.94, 0.02, 0.15),
    "vee": (0.66, 0.70, 0.12),
    "high": (0.22, 0.95, 0.08),
    "front": (0.05, 0.08, 0.88),
    "swing": (-0.05, -0.45, 0.72),
    "cross": (-0.55, -0.20, 0.50),
    "chest": (-0.28, -0.38, 0.42),
    "head": (0.22, 0.52, 0.10),
    "hook": (0.62, 0.28, 0.34),
    "drop": (0.62, -0.52, 0.28),
    "reach": (0.80, 0.42, 0.25),
}  # fmt: skip
# Where a foot is, seen from below the pelvis: outward, lift, forward, in body heights.
_FEET = {
    "in": (0.055, 0.0, 0.0),
    "hip": (0.095, 0.0, 0.0),
    "wide": (0.19, 0.0, 0.0),
    "lunge": (0.27, 0.0, 0.03),
    "fwd": (0.07, 0.0, 0.15),
    "rear": (0.07, 0.0, -0.14),
    "cross": (-0.05, 0.0, 0.09),
    "knee": (0.10, 0.24, 0.16),
    "kick": (0.14, 0.17, 0.28),
    "flick": (0.12, 0.22, -0.20),
    "point": (0.30, 0.10, 0.05),
}  # fmt: skip


@dataclass(frozen=True)
class Key:
    """The pose on one beat.

    Attributes:
        limbs: left hand, right hand, left foot, right foot, by name.
        sway: of the pelvis, toward the dancer's left.
        bob: how far the pelvis is below standing.
        lean: of the trunk to the left, radians.
        bend: of the trunk forward, radians.
        twist: of the shoulders to the left, radians.
        roll: of the waist forward, for body rolls.
        turn: how far the dancer has turned to the left since the last beat, in turns.
        jump: of the whole body.
    """

    limbs: str
    sway: float = 0.0
    bob: float = 0.025
    lean: float = 0.0
    bend: float = 0.0
    twist: float = 0.0
    roll: float = 0.0
    turn: float = 0.0
    jump: float = 0.0

    @cached_property
    def numbers(self) -> Vector:
        """The 8 numbers above, then hands and feet, `[20]`."""
        trunk = (self.sway, self.bob, self.lean, self.bend)
        rest = (self.twist, self.roll, self.turn, self.jump)
        names = self.limbs.split()
        limbs = [*(_HANDS[name] for name in names[:2]), *(_FEET[name] for name in names[2:])]
        return np.concatenate([trunk, rest, *limbs])


MOVES: dict[str, tuple[Key, ...]] = {
    "step": (
        Key("hook swing wide in", sway=0.05, lean=0.07, twist=0.2),
        Key("low chest in in", bob=0.05),
        Key("swing hook in wide", sway=-0.05, lean=-0.07, twist=-0.2),
        Key("chest low in in", bob=0.05),
    ),
    "walk": (
        Key("swing back hip hip", bob=0.02, twist=-0.2),
        Key("back swing hip hip", bob=0.02, twist=0.2),
    ),
    "sway": (
        Key("vee side hip wide", sway=0.05, lean=0.16),
        Key("side vee wide hip", sway=-0.05, lean=-0.16),
    ),
    "wave": (
        Key("reach drop hip hip", sway=0.03, lean=0.10),
        Key("side side hip hip", bob=0.05, roll=0.03),
        Key("drop reach hip hip", sway=-0.03, lean=-0.10),
        Key("high high hip hip", bob=0.01, bend=-0.08),
    ),
    "jump": (
        Key("drop drop hip hip", bob=0.13, bend=0.22),
        Key("vee vee wide wide", bob=0.0, jump=0.15),
        Key("low low hip hip", bob=0.11, bend=0.15),
        Key("hip hip hip hip", bob=0.02),
    ),
    "spin": (
        Key("side chest in in", turn=0.5, bob=0.02),
        Key("chest chest in in", turn=0.5, bob=0.0),
    ),
    "twirl": (
        Key("high side in in", turn=0.34, bob=0.0, lean=-0.08),
        Key("side high in in", turn=0.33, bob=0.02, lean=0.08),
        Key("vee vee in in", turn=0.33, bob=0.0),
    ),
    "turn": (Key("swing back hip hip", turn=0.25), Key("chest low hip hip", turn=0.25)),
    "roll": (
        Key("head hip hip hip", roll=0.06, bend=-0.18),
        Key("chest hip wide hip", roll=0.0, bend=0.22, bob=0.07),
        Key("hip head hip hip", roll=-0.04, bend=0.30, bob=0.12),
        Key("hip chest hip wide", roll=0.02, bend=0.0, bob=0.05),
    ),
    "lock": (
        Key("reach hip lunge hip", sway=0.05, lean=0.15, twist=0.3, bob=0.06),
        Key("hook hook hip hip", bob=0.02),
        Key("hip reach hip lunge", sway=-0.05, lean=-0.15, twist=-0.3, bob=0.06),
        Key("front front hip hip", bob=0.12, bend=0.25),
    ),
    "point": (
        Key("high hip hip point", sway=0.03, lean=-0.12),
        Key("cross cross hip hip", bob=0.06, twist=0.4),
        Key("hip high point hip", sway=-0.03, lean=0.12),
        Key("drop drop wide wide", bob=0.10, twist=-0.3),
    ),
    "kick": (
        Key("back front hip kick", bob=0.02, bend=-0.08, twist=0.3),
        Key("chest chest hip hip", bob=0.06),
        Key("front back kick hip", bob=0.02, bend=-0.08, twist=-0.3),
        Key("hook hook hip hip", bob=0.06),
    ),
    "house": (
        Key("swing back knee hip", bob=0.03, twist=-0.3, bend=0.06),
        Key("drop drop cross wide", bob=0.08, lean=0.08),
        Key("back swing hip knee", bob=0.03, twist=0.3, bend=0.06),
        Key("drop drop wide cross", bob=0.08, lean=-0.08),
    ),
    "heel": (
        Key("hook back hip flick", bob=0.04, lean=0.14, twist=0.2),
        Key("chest swing hip fwd", bob=0.07),
        Key("back hook flick hip", bob=0.04, lean=-0.14, twist=-0.2),
        Key("swing chest fwd hip", bob=0.07),
    ),
    "groove": (
        Key("chest drop hip hip", bob=0.09, sway=0.03, twist=0.25, bend=0.1),
        Key("drop hook hip hip", bob=0.03, sway=0.0),
        Key("drop chest hip hip", bob=0.09, sway=-0.03, twist=-0.25, bend=0.1),
        Key("hook drop hip hip", bob=0.03, sway=0.0),
    ),
    "waltz": (
        Key("reach side fwd rear", bob=0.05, lean=0.10, turn=0.05),
        Key("side vee hip wide", bob=0.0, lean=-0.06, sway=-0.03),
        Key("vee side in in", bob=-0.01, turn=-0.05),
    ),
    "bow": (Key("reach cross lunge hip", bob=0.13, lean=0.28, twist=0.35, sway=0.04),),
    "stand": (Key("hip low hip hip", bob=0.01),),
}


def keys(routine: str, size: float) -> Iterable[Vector]:
    """The keys of a routine, beat by beat, with their movements made larger or smaller."""
    rest = Key("low low hip hip").numbers
    for item in routine.split():
        move, beats = item.split(":")
        keys = MOVES[move]
        for beat in range(int(beats)):
            numbers = keys[beat % len(keys)].numbers
            scaled = rest + size * (numbers - rest)
            scaled[6] = numbers[6]
            yield scaled
