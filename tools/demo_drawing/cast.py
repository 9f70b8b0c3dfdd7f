"""Who is in the demo: twelve looks, and the four clips with what each dancer does in them."""

from __future__ import annotations

from dataclasses import dataclass

from .bodies import Dancer
from .dancers import Look, Paint

LOOKS: dict[str, Look] = {
    # The studio: a company in blue and cream.
    "mara": Look(
        skin="#f0c6a4", hair="#5a3320", hair_style="bun", shoe="#e8d3c0",
        top=Paint("#2f5f96"), sleeve=Paint("#2f5f96"), sleeve_end=0.9,
        bottom=Paint("#5f8fc4", "hoops", "#e9eef4"), leg_end=0.0, skirt=0.24, waist=0.060,
    ),
    "theo": Look(
        skin="#8f5a3c", hair="#201613", hair_style="short", shoe="#2a2522",
        top=Paint("#f1eadc", "open", "#2f5f96"), sleeve=Paint("#f1eadc"), sleeve_end=0.95,
        bottom=Paint("#2b3550"), leg_end=1.0, bulk=1.12, waist=0.074,
    ),
    "ines": Look(
        skin="#e2ac84", hair="#c8782f", hair_style="tail", shoe="#3d3a52",
        top=Paint("#f1eadc", "hoops", "#2f5f96"), sleeve=Paint("#f1eadc", "hoops", "#2f5f96"),
        sleeve_end=0.45, bottom=Paint("#33405f", "seam", "#f1eadc"), leg_end=1.0, waist=0.062,
    ),
    # The street: lockers in black, white and one strong colour.
    "dre": Look(
        skin="#6f4430", hair="#17110f", hair_style="short", shoe="#f4f4f0", hat="fedora",
        hat_colour="#f2b233", top=Paint("#26262c", "halves", "#f3f0e8"), sleeve=Paint("#f2b233"),
        sleeve_end=0.55, bottom=Paint("#26262c", "checks", "#e9e5da"), leg_end=0.68,
        bulk=1.15, loose=1.35, waist=0.078,
    ),
    "suki": Look(
        skin="#f3cfae", hair="#1c1a22", hair_style="bob", shoe="#f2b233",
        top=Paint("#f3f0e8", "block", "#26262c"), sleeve=Paint("#26262c", "cuff", "#f2b233"),
        sleeve_end=0.92, bottom=Paint("#f2b233"), leg_end=1.0, loose=1.45, waist=0.062, crop=0.5,
    ),
    "leon": Look(
        skin="#dca87e", hair="#8a5a2c", hair_style="quiff", shoe="#c63c33",
        top=Paint("#26262c", "open", "#f3f0e8"), sleeve=Paint("#26262c", "hoops", "#c63c33"),
        sleeve_end=0.9, bottom=Paint("#e9e5da", "seam", "#26262c"), leg_end=1.0, waist=0.068,
    ),
    # The stage: white and silver with violet.
    "yuna": Look(
        skin="#f6d6bd", hair="#e08ac0", hair_style="long", shoe="#f5f2fa",
        top=Paint("#f2eef8", "sash", "#7a4fd0"), sleeve=Paint("#f2eef8"), sleeve_end=0.5,
        bottom=Paint("#7a4fd0"), leg_end=0.0, skirt=0.19, waist=0.058, crop=0.35,
    ),
    "kofi": Look(
        skin="#57331f", hair="#140d0a", hair_style="afro", shoe="#d8d4e4",
        top=Paint("#7a4fd0", "badge", "#f4e27a"), sleeve=Paint("#f2eef8", "hoops", "#7a4fd0"),
        sleeve_end=0.95, bottom=Paint("#f2eef8", "seam", "#7a4fd0"), leg_end=1.0,
        bulk=1.08, waist=0.070, loose=1.3,
    ),
    "ren": Look(
        skin="#e9be96", hair="#d9d4cf", hair_style="quiff", shoe="#2b2440",
        top=Paint("#f2eef8", "open", "#2b2440"), sleeve=Paint("#f2eef8", "cuff", "#7a4fd0"),
        sleeve_end=0.9, bottom=Paint("#2b2440", "seam", "#c9c2e6"), leg_end=1.0, waist=0.064,
    ),
    # The park: reds, teal and denim.
    "bea": Look(
        skin="#c98d64", hair="#2a1a16", hair_style="braids", shoe="#f4efe6", hat="headband",
        hat_colour="#1f8a86", top=Paint("#d8492f", "band", "#f4e3c4"), sleeve=Paint("#d8492f"),
        sleeve_end=0.3, bottom=Paint("#3f6288", "cuff", "#9db7d3"), leg_end=0.44,
        hips=0.084, waist=0.066, loose=1.3,
    ),
    "otto": Look(
        skin="#f1c5a5", hair="#b4472a", hair_style="short", shoe="#d8492f", hat="cap",
        hat_colour="#d8492f", top=Paint("#1f8a86", "checks", "#f4e3c4"),
        sleeve=Paint("#1f8a86", "checks", "#f4e3c4"), sleeve_end=0.5,
        bottom=Paint("#7d7464", "patch", "#5d5648"), leg_end=0.56, bulk=1.22, waist=0.088,
        hips=0.086, loose=1.35,
    ),
    "noor": Look(
        skin="#a86f48", hair="#191413", hair_style="shaved", shoe="#22343a", hat="beanie",
        hat_colour="#f0c04a", top=Paint("#f4e3c4", "hoops", "#d8492f"), sleeve=Paint("#1f8a86"),
        sleeve_end=0.95, bottom=Paint("#3f6288"), leg_end=1.0, waist=0.062,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Clip:
    """One video.

    Attributes:
        video_id: as YouTube spells them, 11 characters.
        split: of the catalogue.
        style: of the dance.
        scene: a name of the settings.
        frames: how many, at 30 a second.
        seed: of all that is random in it.
        dancers: persons 0, 1, ...
        swaps: (first, end, person, person): frames `[first, end)` in which the tracks
            take two people for one another.
    """

    video_id: str
    split: str
    style: str
    scene: str
    frames: int
    seed: int
    dancers: tuple[Dancer, ...]
    swaps: tuple[tuple[int, int, int, int], ...] = ()


CLIPS = (
    Clip(
        "demo_Waltz1", "trainval", "Waltz", "studio", 104, 11,
        (
            Dancer("mara", "twirl:3 waltz:3 spin:2 wave:3", ((0, -1.3, 3.5), (0.9, -1.15, 3.4),
                   (2.6, 1.1, 3.2), (3.5, 1.2, 3.2)),
                   tempo=1.9, snap=0.15, height=1.62, shoulder=0.098, hip=0.054),
            Dancer("theo", "waltz:6 bow:2 sway:2", ((0, 0.7, 4.6), (1.2, 0.5, 4.5),
                   (3.0, -1.3, 4.3), (3.5, -1.3, 4.3)),
                   tempo=1.9, snap=0.2, facing=-0.04, height=1.84, shoulder=0.116),
            Dancer("ines", "wave:4 spin:2 sway:4", ((0, 2.4, 6.4), (3.5, 2.9, 6.0)),
                   tempo=2.1, snap=0.3, height=1.70, shoulder=0.102, hip=0.054),
        ),
    ),
    Clip(
        "demo-Lock_2", "trainval", "Locking", "street", 121, 23,
        (
            Dancer("dre", "lock:5 point:4 groove:2", ((0, -1.15, 3.3), (2, -1.0, 3.2),
                   (4, -1.3, 3.3)),
                   tempo=2.3, snap=0.9, facing=0.03, height=1.78, shoulder=0.114, size=1.1),
            Dancer("suki", "groove:4 point:4 lock:3", ((0, 0.9, 4.4), (1.5, 0.8, 4.3),
                   (3.2, 1.3, 4.0), (4.1, 1.3, 4.0)),
                   tempo=2.3, snap=0.8, height=1.58, shoulder=0.096, hip=0.055),
            Dancer("leon", "walk:5 kick:3 lock:4", ((0, 2.7, 5.4), (3.0, -0.2, 5.2),
                   (4.1, -0.4, 5.1)),
                   tempo=2.5, snap=0.7, facing=-0.08, height=1.86, shoulder=0.108, size=0.95),
        ),
        swaps=((36, 49, 1, 2),),
    ),
    Clip(
        "demoKpop_03", "test", "K-POP", "stage", 133, 37,
        (
            Dancer("yuna", "point:4 wave:4 spin:2 step:2", ((0, 0.0, 3.4), (1.4, 0.1, 3.3),
                   (3.2, 1.15, 3.3), (4.5, 1.1, 3.3)),
                   tempo=2.2, snap=0.6, height=1.64, shoulder=0.096, hip=0.055),
            Dancer("kofi", "step:4 jump:4 groove:4", ((0, -1.5, 4.5), (1.2, -1.4, 4.5),
                   (3.0, -0.6, 4.2), (4.5, -0.7, 4.0)),
                   tempo=2.2, snap=0.5, facing=0.03, height=1.82, shoulder=0.113, size=1.1),
            Dancer("ren", "step:4 roll:4 twirl:3 sway:2", ((0, 1.9, 5.5), (1.0, 1.8, 5.5),
                   (3.1, -2.3, 5.3), (4.5, -2.2, 5.0)),
                   tempo=2.2, snap=0.55, facing=-0.03, height=1.74, shoulder=0.106),
        ),
        swaps=((64, 75, 1, 2),),
    ),
    Clip(
        "demo_House4", "test", "House", "park", 147, 53,
        (
            Dancer("bea", "house:5 walk:3 heel:4 house:2", ((0, -0.8, 3.4), (1.2, -0.9, 3.3),
                   (2.3, -1.88, 3.1), (2.9, -1.88, 3.1), (4.2, -0.9, 3.2), (5, -0.9, 3.2)),
                   tempo=2.4, snap=0.45, height=1.66, shoulder=0.100, hip=0.060, size=1.1),
            Dancer("otto", "groove:4 heel:4 kick:4", ((0, 1.4, 4.2), (1.5, 1.3, 4.0),
                   (3.4, 0.1, 3.9), (5, 0.3, 3.8)),
                   tempo=2.0, snap=0.3, facing=-0.03, height=1.74, shoulder=0.118, size=0.9),
            Dancer("noor", "kick:4 turn:4 house:6", ((0, -0.4, 6.2), (1.6, -0.2, 6.0),
                   (3.6, 2.3, 5.4), (5, 2.2, 5.2)),
                   tempo=2.4, snap=0.6, height=1.80, shoulder=0.104),
        ),
    ),
)  # fmt: skip
