"""Answers for what only a provider or another stack could say: invokes, StackReferences, computed outputs."""

from collections.abc import Callable, Mapping
from typing import Any

import yaml

from hakit.errors import HakitError

_DECODE = "kubernetes:yaml:decode"
KEYS = ("invokes", "stacks", "resources")

# Asked of a sibling stack by name: its exports, or None and a sentence that says why there are none.
Sibling = Callable[[str], tuple[Mapping[str, Any] | None, str]]


class Answers:
    """What was given, looked up by what is asked.

    Args:
        given: `invokes` by token, `stacks` by name, `resources` by type; a value of `invokes` may be a function of
            the arguments, one of `resources` a function of the Recorded resource.
        project: stack names may be given with or without it.
    """

    def __init__(self, given: Mapping[str, Any] | None, project: str) -> None:
        given = given or {}
        for key in given:
            if key not in KEYS:
                raise HakitError(f"answers: there is no key {key!r}", given=key, allowed=KEYS)
        self._invokes: Mapping[str, Any] = given.get("invokes") or {}
        self._stacks: Mapping[str, Any] = given.get("stacks") or {}
        self._resources: Mapping[str, Any] = given.get("resources") or {}
        self._project = project

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if token in self._invokes:
            answer = self._invokes[token]
            return answer(args) if callable(answer) else answer
        return _built_in(token, args)

    def stack(self, reference: str) -> Mapping[str, Any] | None:
        """The outputs given for a reference: by its whole name, by project and stack, or by the stack alone."""
        parts = reference.split("/")
        for start in range(len(parts)):
            answer = self._stacks.get("/".join(parts[start:]))
            if answer is not None:
                # The file says `{outputs: {...}}`; in Python the outputs alone are shorter, and both are clear.
                inner = answer.get("outputs")
                return inner if set(answer) == {"outputs"} and isinstance(inner, Mapping) else answer
        return None

    def resource(self, recorded: Any) -> Mapping[str, Any]:
        answer = self._resources.get(recorded.type, {})
        return answer(recorded) if callable(answer) else answer


def _built_in(token: str, args: Mapping[str, Any]) -> Mapping[str, Any] | None:
    # The kubernetes provider decodes YAML for ConfigFile and ConfigGroup: no cluster has a say in it.
    if token == _DECODE and isinstance(args.get("text"), str):
        return {"result": [document for document in yaml.safe_load_all(args["text"]) if document]}
    return None


# Readers of these results index them at once: an empty list lets the program go on, a missing key does not.
EMPTY: Mapping[str, Mapping[str, Any]] = {
    "kubernetes:helm:template": {"result": []},
    "kubernetes:kustomize:directory": {"result": []},
}
