"""The joints and bones of a pose, in COCO's order. Left and right are the person's own."""

from __future__ import annotations

JOINT_NAMES = (
    "nose", "left eye", "right eye", "left ear", "right ear", "left shoulder", "right shoulder",
    "left elbow", "right elbow", "left wrist", "right wrist", "left hip", "right hip",
    "left knee", "right knee", "left ankle", "right ankle",
)  # fmt: skip
BONES = (
    (0, 1), (0, 2), (1, 3), (2, 4),  # head
    (5, 6), (5, 7), (7, 9), (6, 8), (8, 10),  # shoulders and arms
    (5, 11), (6, 12),  # trunk
    (11, 13), (12, 14), (13, 15), (14, 16),  # legs
)  # fmt: skip
