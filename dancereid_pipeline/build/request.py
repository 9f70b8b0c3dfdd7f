"""Options -> what was asked for: which videos, and where their files are, or will be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..catalogue.catalogue import Catalogue, Video
from ..common.errors import OptionError
from ..common.package_files import project_file
from ..common.validation import checked_path, ids_or_none, path_or_none
from ..fetch.input_store import InputStore
from ..transfer.settings import Network
from .options import SampleOptions
from .plan import Plan


@dataclass(frozen=True)
class Request:
    """What was asked for, checked, before any file is looked for.

    Attributes:
        config: its name: "demo", "paper", "full" or "published".
        options: what samples are to be like.
        catalogue: all videos.
        videos: those asked for.
        store: where the files are, or will be.
    """

    config: str
    options: SampleOptions
    catalogue: Catalogue
    videos: Sequence[Video]
    store: InputStore

    @classmethod
    def read(cls, config: str, samples: SampleOptions, options: Mapping[str, Any]) -> Request:
        """Reads the options of a config.

        Args:
            config: "demo", "paper", "full" or "published".
            samples: what samples are to be like.
            options: `data_dir`, `catalogue`, `videos` and those of `Network`; None is not given.

        Raises:
            CatalogueError, OptionError: one of them is not what it must be.
        """
        video_ids = ids_or_none("videos", options["videos"])
        catalogue_path = path_or_none("catalogue", options["catalogue"])
        data_dir = path_or_none("data_dir", options["data_dir"])
        if config == "demo":
            catalogue_path = catalogue_path or str(project_file("demo") / "video_data.csv")
            data_dir = data_dir or str(project_file("demo"))
        if data_dir is not None and options["video_url"] is not None:
            raise OptionError(
                f"video_url: the clips are those in {data_dir}/videos. Leave out video_url, or "
                "data_dir (annotation= and archive= may then say where the rest is)."
            )
        network = Network.read(options, read_addresses=data_dir is None)
        catalogue = Catalogue.read(catalogue_path)
        videos = catalogue.choose(config, video_ids)
        folder = None if data_dir is None else checked_path("data_dir", data_dir).absolute()
        return cls(config, samples, catalogue, videos, InputStore(network, catalogue, folder))

    def fetch(self, *, again: bool = False) -> bool:
        """Fetches what is not here; whether any file has come.

        Args:
            again: ask for clips that are gone, too.

        Raises:
            SourceError: annotation or tracks are not available.
        """
        return self.store.may_fetch and self.store.fetch(self.videos, again=again)

    def plan(self, *, streaming: bool = False) -> Plan:
        """What is here; of a stream, also what is fetched when its turn comes.

        Raises:
            AnnotationError, SourceError: annotation or tracks are not available, or broken.
        """
        find = self.store.stream if streaming else self.store.find
        return Plan.of(self.config, self.options, self.catalogue, find(self.videos))
