"""Rendering: a chart and values in, Kubernetes objects out.

Helm's own engine runs in this process (helm-python-sdk, a wheel). It answers for one Kubernetes version, without extra
API groups, without `lookup`, as an install: `charts.templates` finds the charts that ask for more.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from hakit.charts.manifests import Object, parse
from hakit.charts.source import Chart
from hakit.errors import HakitError


@dataclass(frozen=True)
class Release:
    """What a render is for: the release's name and namespace."""

    name: str
    namespace: str


def render_texts(chart: Chart, values: Mapping[str, Any], release: Release) -> dict[str, str]:
    """The text that each template gives; NOTES.txt is not among them.

    Raises:
        HakitError: the chart does not render with these values. Its message never holds a value under a key that
            looks like a secret's.
    """
    import helm_python

    try:
        texts = chart.engine.render(dict(values), name=release.name, namespace=release.namespace)
    except helm_python.HelmError as error:
        raise HakitError(
            f"the chart does not render: {without_secrets(explain(error), values)}",
            where=f"chart {chart.reference}",
            do="the chart's template says what it needs; give that value",
        ) from None
    return {name: text for name, text in texts.items() if not name.endswith("NOTES.txt")}


def render(chart: Chart, values: Mapping[str, Any], release: Release) -> list[Object]:
    """The objects of a chart, in the order of its templates.

    Raises:
        HakitError: the chart does not render, or what it renders is no YAML or no Kubernetes object.
    """
    texts = render_texts(chart, values, release)
    return [obj for name in sorted(texts) for obj in parse_template(chart, name, texts[name], values)]


def parse_template(chart: Chart, template: str, text: str, values: Mapping[str, Any]) -> list[Object]:
    try:
        return parse(text)
    except (yaml.MarkedYAMLError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise HakitError(
            f"{template} does not render to a Kubernetes object: {without_secrets(str(problem), values)}",
            where=f"chart {chart.reference}" + (f", rendered line {mark.line + 1}" if mark else ""),
            do="see what it renders with `helm template`; a value that breaks the YAML is the usual cause",
        ) from None


def explain(error: Exception) -> str:
    """Helm's message without the chain of includes before it: where, and what."""
    text = " ".join(str(error).split())
    failed = re.search(r"execution error at \(([^)]*)\): (.*)$", text)
    if failed:
        return f"{failed[2]} ({failed[1]})"
    return text


#: A key that holds a secret, by the names that charts use; not one that holds the name of a Secret, or of a key in it.
_SECRET_KEY = re.compile(
    r"(?!existing|imagepullsecrets)(?!.*(name|ref)$)(?!(password|token)_?key$)"
    r"(.*(pass(word|wd|phrase)|secret|token|credential|private_?key|api_?key|access_?key|dsn|connection_?string).*|key)$",
    re.IGNORECASE,
)
MASK = "[secret]"


def secret_texts(values: Any, *, named: bool = False) -> set[str]:
    """Every text under a key that looks like a secret's, its base64, and each of its lines."""
    if isinstance(values, Mapping):
        found = [secret_texts(value, named=named or bool(_SECRET_KEY.match(str(key)))) for key, value in values.items()]
        return set().union(*found)
    if isinstance(values, list):
        return set().union(*(secret_texts(value, named=named) for value in values))
    return forms_of(values) if named and isinstance(values, str) else set()


def forms_of(secret: str) -> set[str]:
    """The forms in which a secret turns up: as it is, base64, and line by line. Three letters are too few to mask."""
    forms = {secret, secret.strip(), base64.b64encode(secret.encode()).decode()}
    forms |= {line.strip() for line in secret.splitlines()}
    forms |= {base64.b64encode(line.strip().encode()).decode() for line in secret.splitlines()}
    return {form for form in forms if len(form) > 3}


def without_secrets(text: str, values: Mapping[str, Any]) -> str:
    """The text with every secret of the values masked."""
    return mask(text, secret_texts(values))


def mask(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
