"""Makes `datasets` find a builder in an installed module by name."""

from __future__ import annotations

import functools
from typing import Any

import datasets.inspect
import datasets.load


@functools.cache  # a second time, there is nothing left to do
def register(name: str) -> None:
    """Makes `datasets.load_dataset(name)` use the builder in the module of that name.

    `datasets` asks one function what a name stands for, and its list of known names is
    only for builders that look for data files; so that function is asked for us first.
    """
    known = datasets.load.dataset_module_factory

    @functools.wraps(known)
    def factory(path: str, *args: Any, **kwargs: Any) -> Any:
        if path == name:
            # No hash: create_config_id puts the code's into the cache folder's name.
            return datasets.load.DatasetModule(name, "", {"dataset_name": name})
        return known(path, *args, **kwargs)

    for module in (datasets.load, datasets.inspect):
        module.dataset_module_factory = factory
