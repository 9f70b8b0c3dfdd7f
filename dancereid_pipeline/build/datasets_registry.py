"""Makes `datasets` find the builder in an installed module by its name."""

from __future__ import annotations

import functools
from typing import Any

import datasets.inspect
import datasets.load


@functools.cache  # the second time, there is nothing to do
def register(name: str) -> None:
    """Makes `datasets.load_dataset(name)` use the builder in the module of that name.

    One function of `datasets` finds the builder for a name. Its list of known names is only for
    builders that search for data files, so this function is replaced by one that knows ours.
    """
    known = datasets.load.dataset_module_factory

    @functools.wraps(known)
    def factory(path: str, *args: Any, **kwargs: Any) -> Any:
        if path == name:
            # No hash: the builder puts the hash of the code into the cache folder's name.
            return datasets.load.DatasetModule(name, "", {"dataset_name": name})
        return known(path, *args, **kwargs)

    for module in (datasets.load, datasets.inspect):
        module.dataset_module_factory = factory
