"""Options -> a request: the requested videos, and the folder of their files."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..catalogue.catalogue import CONFIGS, OWN, OWN_CATALOGUE, Catalogue, Video
from ..common.errors import KEPT, OptionError, interruptible
from ..common.package_files import project_file
from ..common.store_path import input_path
from ..common.validation import ids_or_none, one_of, path_or_none, shown
from ..fetch.input_store import InputStore
from ..transfer.settings import Network
from .options import SampleOptions
from .plan import Plan


@dataclass(frozen=True)
class Request:
    """The requested videos and options, checked, before any file is searched.

    Attributes:
        config: name of the config: "demo", "paper", "full", "published" or "own".
        options: the options that shape samples.
        catalogue: all videos.
        videos: the requested videos.
        store: finds the files, and fetches those that are missing.
        title: what data of one's own is called; "" if it has no title.
    """

    config: str
    options: SampleOptions
    catalogue: Catalogue
    videos: Sequence[Video]
    store: InputStore
    title: str = ""

    @classmethod
    def read(cls, config: str, samples: SampleOptions, options: Mapping[str, Any]) -> Request:
        """Reads the options of a config.

        Args:
            config: "demo", "paper", "full", "published" or "own".
            samples: the options that shape samples.
            options: `data_dir`, `catalogue`, `title`, `videos`, `storage_options` and the options
                of `Network`; None if not given.

        Raises:
            CatalogueError: the catalogue is not valid.
            OptionError: an option has a value that is not allowed.
        """
        one_of("config", config, tuple(CONFIGS))
        video_ids = ids_or_none("videos", options["videos"])
        catalogue_path = path_or_none("catalogue", options["catalogue"])
        data_dir = path_or_none("data_dir", options["data_dir"])
        title = _checked_title(config, options["title"])
        if config == "demo":
            catalogue_path = catalogue_path or str(project_file("demo") / "video_data.csv")
            data_dir = data_dir or str(project_file("demo"))
        path = functools.partial(input_path, options=options["storage_options"])
        folder = None if data_dir is None else path("data_dir", data_dir).absolute()
        if folder is not None and options["video_url"] is not None:
            raise OptionError(
                f"video_url: the clips are those in {folder}/videos. Remove video_url; or remove "
                "data_dir, and pass annotation= and archive= if you have these files."
            )
        if config == OWN and catalogue_path is None:
            if folder is None:
                raise OptionError(
                    f"Config '{OWN}' needs data_dir=: a folder with {OWN_CATALOGUE}, clips, tracks "
                    "and annotation; or name the catalogue with catalogue=."
                )
            catalogue = Catalogue.read(folder / OWN_CATALOGUE)
        else:
            catalogue = Catalogue.read(catalogue_path and path("catalogue", catalogue_path))
        network = Network.read(options, read_addresses=folder is None)
        videos = catalogue.choose(config, video_ids)
        store = InputStore(network, catalogue, folder)
        return cls(config, samples, catalogue, videos, store, title)

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


def _checked_title(config: str, title: Any) -> str:
    if title is None:
        return ""
    if not isinstance(title, str) or not title.isprintable() or not 0 < len(title.strip()) <= 100:
        raise OptionError(
            f"title: expected a text of 1 to 100 characters in one line, got {shown(title)}."
        )
    if config != OWN:
        raise OptionError(
            f"title: names data of your own, which is config '{OWN}'; '{config}' has its name. "
            "Leave title out, or name the config."
        )
    return title.strip()
