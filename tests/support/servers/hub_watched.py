"""A stand-in of the Hub that ends who asks it at a chosen request, and notes what all could see."""

from __future__ import annotations

import itertools
from subprocess import Popen

from tests.support.servers.hub import Hub
from tests.support.servers.hub_requests import HubRequest, refusal
from tests.support.servers.web import Answer


class WatchedHub(Hub):
    """A Hub that notes what was open too early, and ends a push at a request.

    Attributes:
        too_open: what was seen by all without the gate, or sent before there was one.
        step: the request, from 0, at which `how` comes about: "kill before" or "kill after" the
            Hub does what it is asked for, or "refuse"; there, whoever asks sees only an error.
        ended: whether that request came.
        pusher: the process to kill.
    """

    def __init__(self) -> None:
        super().__init__()
        self.too_open: list[str] = []
        self.step, self.how, self.ended = -1, "", False
        self.pusher: Popen[str] | None = None
        self.count = itertools.count()

    def answer(self, request: HubRequest) -> Answer:
        """The usual one, but for the request that ends a push."""
        ends = next(self.count) == self.step
        self.ended = self.ended or ends
        if ends and self.how == "refuse":
            return refusal(400, "No")
        if ends and self.how == "kill before":
            return self._kill()
        answer = super().answer(request)
        for repo in self.repos.values():
            sent = repo.objects or any(name.endswith(".json") for name in repo.files)
            if not repo.gated and (sent or not repo.private):
                self.too_open.append(f"{request.kind}: {repo.name}")
        return self._kill() if ends else answer

    def _kill(self) -> Answer:
        assert self.pusher is not None
        self.pusher.kill()
        return Answer(drop=True)
