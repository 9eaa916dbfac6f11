"""`--answers FILE`: what providers and other stacks would say.

invokes:
  aws:index/getAvailabilityZones:getAvailabilityZones: {names: [us-east-1a, us-east-1b, us-east-1c]}
stacks:
  network: {outputs: {vpc: vpc-1, token: {secure: stands-in}}}
config:
  shop:password: stands-in
"""

from pathlib import Path
from typing import Any

from hakit.errors import HakitError
from hakit.preview.yamlfile import load_mapping

KEYS = ("invokes", "stacks", "config")


def load_answers(path: Path | None) -> dict[str, Any]:
    """The answers in a file, checked for shape.

    Raises:
        HakitError: it cannot be read, or holds something else.
    """
    if path is None:
        return {}
    answers = load_mapping(path)
    for key, entries in answers.items():
        if key not in KEYS:
            raise HakitError(f"{key}: no such key", where=str(path), given=key, allowed=KEYS)
        if not isinstance(entries, dict):
            raise HakitError(f"{key}: not a mapping", where=str(path), given=type(entries).__name__)
        for name, entry in entries.items():
            if key != "config" and not isinstance(entry, dict):
                raise HakitError(f"{key}: {name}: not a mapping", where=str(path), given=type(entry).__name__)
    return answers
