"""No secret leaves a child process: not in resources, notes, printed lines, tracebacks.

What Pulumi marks as secret is masked where it stands. Free text is searched for every secret string that the program
is known to hold: the string, its base64, and each of its lines.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from hakit.testing import UNKNOWN, Secret
from hakit.testing.values import secret_strings

SECRET = "[secret]"  # noqa: S105  it is what stands in place of one
UNKNOWN_TEXT = "[unknown]"
_SHORTEST = 6  # "true", "5432", "256Mi" stand everywhere; where one is marked as secret it is masked anyway
_CONTENTS = ("data", "stringData")
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Mask:
    """Replaces known secret strings in text.

    Args:
        secrets: what the program marked as secret.
        public: words that are shown anyway, as names of resources are: a secret equal to one of them hides nothing.
    """

    def __init__(self, secrets: Iterable[str], public: Iterable[str] = ()) -> None:
        shown = {*public, SECRET, UNKNOWN_TEXT}
        self._public = shown
        secrets = frozenset(secrets)
        self._known = secrets
        forms: set[str] = set()
        for secret in secrets:
            forms |= _forms(secret)
        patterns = sorted((form for form in forms if form not in shown), key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(form) for form in patterns)) if patterns else None

    def text(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(SECRET, text)

    def data(self, value: Any) -> Any:
        """Plain JSON data: secrets and unknowns as words, known secret strings replaced in all the rest."""
        if isinstance(value, Secret):
            return self._identity(value.value)
        if value is UNKNOWN:
            return UNKNOWN_TEXT
        if isinstance(value, Mapping):
            is_secret = value.get("kind") == "Secret"
            # Pulumi's wire format keeps no order of keys; two runs have to print the same.
            return {
                self.text(str(key)): self._contents(item)
                if is_secret and key in _CONTENTS
                else SECRET
                if key == _APPLIED and item
                else self.data(item)
                for key, item in sorted(value.items())
            }
        if isinstance(value, list | tuple):
            return [self.data(item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def _contents(self, value: Any) -> Any:
        """The data of a Kubernetes Secret: its keys are no secret, each of its values is."""
        inner = value.value if isinstance(value, Secret) else value
        if isinstance(inner, Mapping):
            return {self.text(str(key)): SECRET for key in sorted(inner)}
        return SECRET if isinstance(value, Secret) or inner else self.data(inner)

    def _identity(self, value: Any) -> Any:
        """A secret; of a Kubernetes object that is one as a whole, what names it stays: Pulumi's own key shows as much.

        A Kubernetes Secret is marked as a whole because of its values; its type, labels and keys are not secret.
        """
        if not (isinstance(value, Mapping) and {"apiVersion", "kind", "metadata"} <= set(value)):
            return SECRET
        metadata = value["metadata"] if isinstance(value["metadata"], Mapping) else {}
        named = {key: metadata[key] for key in ("name", "namespace") if isinstance(metadata.get(key), str)}
        shown = {"apiVersion": value["apiVersion"], "kind": value["kind"], "metadata": named}
        if value["kind"] == "Secret":
            labels = metadata.get("labels")
            if isinstance(labels, Mapping):
                named["labels"] = {self.text(str(key)): self._label(labels[key], value) for key in sorted(labels)}
            shown |= {key: self._contents(value[key]) for key in _CONTENTS if key in value}
            shown |= {key: self.data(value[key]) for key in ("type",) if key in value}
        return {**shown, **{key: SECRET for key in value if key not in shown}}

    def _label(self, label: Any, manifest: Mapping[str, Any]) -> Any:
        """A label of a secret object, in which nothing says any more what was marked: not if its data holds it."""
        if isinstance(label, str) and label not in self._public:
            contents = {form for text in object_secrets(manifest) for form in (text, *_decoded(text))}
            is_part = len(label) >= _SHORTEST and any(label in text for text in contents)
            if is_part or label in contents or label in self._known:
                return SECRET
        return self.data(label)


def _forms(secret: str) -> set[str]:
    lines = {line.strip() for line in secret.splitlines()}
    forms = {line for line in {secret, secret.strip(), *lines} if len(line) >= _SHORTEST}
    for plain in list(forms):
        encoded = base64.b64encode(plain.encode())
        # The last group depends on what follows (a newline, say); the groups before it do not.
        whole_groups = encoded[: len(plain.encode()) // 3 * 4].decode()
        forms |= {quote(plain, safe=""), repr(plain)[1:-1]}
        forms |= {encoded.decode(), whole_groups} if len(whole_groups) >= 8 else {encoded.decode()}
    # What was put into a Secret as base64 is no less secret when decoded.
    return forms | _decoded(secret)


def _decoded(secret: str) -> set[str]:
    try:
        text = base64.b64decode(secret, validate=True).decode()
    except ValueError:
        return set()
    return {line for line in {text, *text.splitlines()} if len(line) >= _SHORTEST and line.isprintable()}


def object_secrets(value: Any) -> Iterable[str]:
    """Strings in the data of every Kubernetes Secret in there, marked or not.

    Where single values of one are marked, the others are what its author did not: a host name, a database's own name.
    """
    if isinstance(value, Secret):
        return
    if isinstance(value, Mapping):
        if value.get("kind") == "Secret":
            for key in _CONTENTS:
                contents = value.get(key)
                if not (isinstance(contents, Mapping) and any(isinstance(each, Secret) for each in contents.values())):
                    yield from secret_strings(contents, inside=True)
        for item in value.values():
            yield from object_secrets(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from object_secrets(item)
