"""Peak memory of building one clip, and of one ten times as long, above `import datasets`.

    python -m benchmarks.memory [--frames 100]

Each is built in a process of its own; the peak is the kernel's own (VmHWM: on Linux only).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from tqdm import tqdm

from dancereid_pipeline.tracks import JOINTS, write_tracks

WIDTH, HEIGHT, PEOPLE = 1920, 1080, 5
_PEAK = """
import sys
import datasets
if len(sys.argv) > 1:
    import dancereid
    folder, cache = sys.argv[1:]
    ds = dancereid.load_dataset(data_dir=folder, catalogue=folder + "/c.csv", cache_dir=cache)
    assert len(ds["test"]) > 0
# Not ru_maxrss: that begins with what the parent had when it forked.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=100, help="of the short clip")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        lengths = {1: arguments.frames, 10: 10 * arguments.frames}
        folders = {
            times: make_folder(Path(temporary) / f"x{times}", frames)
            for times, frames in lengths.items()
        }
        base = statistics.median(peak_mib() for _ in range(arguments.runs))
        above = {
            times: statistics.median(
                peak_mib(str(folder), f"{temporary}/cache{times}-{run}") - base
                for run in tqdm(range(arguments.runs), desc=f"building x{times}")
            )
            for times, folder in folders.items()
        }
    print(f"import datasets: {base:.0f} MiB")
    for times, value in above.items():
        print(f"a {WIDTH}x{HEIGHT} clip of {lengths[times]:,} frames: {value:.0f} MiB above that")
    print(f"ratio 10x / 1x: {above[10] / above[1]:.3f}")
    print(json.dumps({"base_mib": base, "above_mib": above, "ratio": above[10] / above[1]}))


def peak_mib(*arguments: str) -> float:
    """Peak memory of a process that builds, or (without arguments) only imports `datasets`."""
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, *arguments], capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[-1]) / 1024


def make_folder(folder: Path, frames: int) -> Path:
    """A data folder with one H.264 clip of moving grain and five people in every frame."""
    (folder / "videos").mkdir(parents=True)
    (folder / "npy").mkdir()
    (folder / "c.csv").write_text(f"video_id,people,split\nbench,{PEOPLE},test\n")
    labels = {"bench": {str(person): list(range(frames)) for person in range(PEOPLE)}}
    (folder / "annotation.json").write_text(json.dumps(labels))
    tracks = {
        frame: {person: _detection(person, frame) for person in range(PEOPLE)}
        for frame in range(frames)
    }
    write_tracks(folder / "npy" / "bench.npy", tracks)
    grain = np.random.default_rng(0).integers(60, 190, (HEIGHT * 3 // 2, WIDTH), np.uint8)
    with av.open(str(folder / "videos" / "bench.mp4"), "w") as container:
        options = {"preset": "veryfast", "crf": "30", "bf": "3", "g": "150"}
        stream = container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in tqdm(range(frames), desc=f"writing {frames} frames", leave=False):
            frame = av.VideoFrame.from_ndarray(np.roll(grain, index * 4, axis=1), "yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return folder


def _detection(person: int, frame: int) -> dict[str, object]:
    x, y = 100.0 + 340 * person + frame % 50, 300.0
    return {
        "id": person + 1,
        "box_pos": np.array([x, x + 250, y, y + 500]),
        "pose_pos": np.linspace((x, y), (x + 250, y + 500), JOINTS),
    }


if __name__ == "__main__":
    main()
