from __future__ import annotations

import gc
import os
import signal
from pathlib import Path

import pytest

from dancereid_pipeline.common.package_files import project_file
from dancereid_pipeline.formats.video import Clip

_LIMIT_S = 60  # of a process that would else wait forever


def leave_a_decoder_as_garbage(path: Path) -> None:
    """As an error does whose traceback refers to it, and to itself."""
    clip = Clip(path)
    assert len(list(clip.read([0, 5]))) == 2
    clip.itself = clip  # type: ignore[attr-defined]  # a circle, only to be garbage


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_forked_process_does_not_wait_for_the_threads_of_an_inherited_decoder() -> None:
    gc.disable()  # or it could be collected here, where it has its threads
    try:
        leave_a_decoder_as_garbage(project_file("demo") / "videos/000_demo_Waltz1.mp4")
        pid = os.fork()
        if pid == 0:
            signal.alarm(_LIMIT_S)
            gc.collect()
            os._exit(0)
    finally:
        gc.enable()
    assert os.waitpid(pid, 0)[1] == 0
