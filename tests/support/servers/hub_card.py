"""What the Hugging Face Hub says to the metadata at the head of a dataset's README.md.

The licences are those of its own message, of 2026; the tasks are its list at that time, as far as
known. Where the Hub's rules are not known, these are the stricter ones.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

# The pattern of the Hub and its client.
_BLOCK = re.compile(r"^\s*---[\r\n]+([\S\s]*?)[\r\n]+---(?:\r\n|\n|$)")
_LICENSES = """
apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear
c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0
cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0
cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl
ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1
lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl
openmdw-1.0 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr
deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2 llama3.3
llama4 grok2-community gemma unknown other
"""
_TASKS = """
text-classification token-classification table-question-answering question-answering
zero-shot-classification translation summarization feature-extraction text-generation fill-mask
sentence-similarity text-to-speech text-to-audio automatic-speech-recognition audio-to-audio
audio-classification audio-text-to-text voice-activity-detection depth-estimation
image-classification object-detection image-segmentation text-to-image image-to-text image-to-image
image-to-video unconditional-image-generation video-classification reinforcement-learning robotics
tabular-classification tabular-regression tabular-to-text table-to-text multiple-choice
text-ranking text-retrieval time-series-forecasting text-to-video image-text-to-text
image-text-to-image image-text-to-video visual-question-answering document-question-answering
zero-shot-image-classification graph-ml mask-generation zero-shot-object-detection text-to-3d
image-to-3d image-feature-extraction video-text-to-text video-to-video keypoint-detection
visual-document-retrieval any-to-any other
"""
_SIZES = """
n<1K 1K<n<10K 10K<n<100K 100K<n<1M 1M<n<10M 10M<n<100M 100M<n<1B 1B<n<10B 10B<n<100B 100B<n<1T n>1T
"""

_LISTS = ("tags", "task_categories", "size_categories", "annotations_creators", "source_datasets")
_FIELDS = ("text", "checkbox", "date_picker", "country", "ip_location", "select")


def check_card(content: str) -> tuple[list[str], list[str]]:
    """What is wrong with a README.md: errors, for which it is refused, and warnings."""
    block = _BLOCK.match(content)
    if block is None:
        return [], ["empty or missing yaml metadata in repo card"]
    try:
        metadata = yaml.safe_load(block[1])
    except yaml.YAMLError as error:
        return [str(error)], []
    if not isinstance(metadata, dict):
        return ['"value" must be of type object'], []
    errors = [*_wrong_license(metadata.get("license", "unknown")), *_wrong_configs(metadata)]
    for name in _LISTS:
        errors += _wrong_list(name, metadata.get(name, []))
    errors += _wrong_languages(metadata.get("language", []))
    errors += _wrong_form(metadata)
    if not isinstance(metadata.get("pretty_name", ""), str):
        errors.append('"pretty_name" must be a string')
    tasks = [] if errors else metadata.get("task_categories", [])
    official = ", ".join(_TASKS.split())
    return errors, [
        f'The task_categories "{task}" is not in the official list: {official}'
        for task in tasks
        if task not in _TASKS.split()
    ]


def _wrong_license(value: Any) -> list[str]:
    licenses = _LICENSES.split()
    known = ", ".join(licenses)
    if isinstance(value, list):
        wrong = [i for i, one in enumerate(value) if one not in licenses]
        return [f'"license[{i}]" must be one of [{known}]' for i in wrong]
    return [] if value in licenses else [f'"license" must be one of [{known}, array]']


def _wrong_list(name: str, values: Any) -> list[str]:
    if not isinstance(values, list):
        return [f'"{name}" must be an array']
    wrong = [i for i, value in enumerate(values) if not isinstance(value, str)]
    if wrong or name != "size_categories":
        return [f'"{name}[{i}]" must be a string' for i in wrong]
    known = ", ".join(_SIZES.split())
    unknown = [i for i, value in enumerate(values) if value not in _SIZES.split()]
    return [f'"{name}[{i}]" must be one of [{known}]' for i in unknown]


def _wrong_languages(values: Any) -> list[str]:
    """ISO 639 codes of two or three letters, or one of two special words."""
    values = values if isinstance(values, list) else [values]
    wrong = [v for v in values if not re.fullmatch(r"[a-z]{2,3}|code|multilingual", str(v))]
    return [f'"language" with value "{value}" is not valid.' for value in wrong]


def _wrong_form(metadata: dict[str, Any]) -> list[str]:
    """What people are asked who want access to the files of a gated dataset."""
    prompt, fields = metadata.get("extra_gated_prompt", ""), metadata.get("extra_gated_fields", {})
    errors = [] if isinstance(prompt, str) else ['"extra_gated_prompt" must be a string']
    if not isinstance(fields, dict):
        return [*errors, '"extra_gated_fields" must be of type object']
    kinds = {
        name: kind["type"] if isinstance(kind, dict) else kind for name, kind in fields.items()
    }
    wrong = [name for name, kind in kinds.items() if kind not in _FIELDS]
    known = ", ".join(_FIELDS)
    return errors + [f'"extra_gated_fields.{name}" must be one of [{known}]' for name in wrong]


def _wrong_configs(metadata: dict[str, Any]) -> list[str]:
    configs = metadata.get("configs", [])
    if not isinstance(configs, list):
        return ['"configs" must be an array']
    names = [c.get("config_name") if isinstance(c, dict) else None for c in configs]
    wrong = [i for i, name in enumerate(names) if not isinstance(name, str)]
    return [f'"configs[{i}].config_name" must be a string' for i in wrong]
