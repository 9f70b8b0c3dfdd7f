"""Options -> a request: the requested videos, and the folder of their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..catalogue.catalogue import Catalogue, Video
from ..common.errors import KEPT, OptionError, interruptible
from ..common.package_files import project_file
from ..common.validation import checked_path, ids_or_none, path_or_none
from ..fetch.input_store import InputStore
from ..transfer.settings import Network
from .options import SampleOptions
from .plan import Plan


@dataclass(frozen=True)
class Request:
    """The requested videos and options, checked, before any file is searched.

    Attributes:
        config: name of the config: "demo", "paper", "full" or "published".
        options: the options that shape samples.
        catalogue: all videos.
        videos: the requested videos.
        store: finds the files, and fetches those that are missing.
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
            samples: the options that shape samples.
            options: `data_dir`, `catalogue`, `videos` and the options of `Network`; None if
                not given.

        Raises:
            CatalogueError: the catalogue is not valid.
            OptionError: an option has a value that is not allowed.
        """
        video_ids = ids_or_none("videos", options["videos"])
        catalogue_path = path_or_none("catalogue", options["catalogue"])
        data_dir = path_or_none("data_dir", options["data_dir"])
        if config == "demo":
            catalogue_path = catalogue_path or str(project_file("demo") / "video_data.csv")
            data_dir = data_dir or str(project_file("demo"))
        folder = None if data_dir is None else checked_path("data_dir", data_dir).absolute()
        if folder is not None and options["video_url"] is not None:
            raise OptionError(
                f"video_url: the clips are those in {folder}/videos. Remove video_url; or remove "
                "data_dir, and pass annotation= and archive= if you have these files."
            )
        network = Network.read(options, read_addresses=folder is None)
        catalogue = Catalogue.read(catalogue_path)
        videos = catalogue.choose(config, video_ids)
        return cls(config, samples, catalogue, videos, InputStore(network, catalogue, folder))

    def fetch(self, *, again: bool = False) -> bool:
        """Fetches missing files.

        Args:
            again: also try to fetch clips that were gone before.

        Returns:
            Whether any file was fetched.

        Raises:
            SourceError: annotation or tracks are not available.
        """
        with interruptible(KEPT):
            return self.store.may_fetch and self.store.fetch(self.videos, again=again)

    def plan(self, *, streaming: bool = False) -> Plan:
        """Finds the files of all requested videos.

        Args:
            streaming: a clip that is missing is fetched when the stream reaches it.

        Raises:
            AnnotationError: the annotation is not valid or does not fit the catalogue.
            SourceError: annotation or tracks are not available.
        """
        find = self.store.stream if streaming else self.store.find
        return Plan.of(self.config, self.options, self.catalogue, find(self.videos))
