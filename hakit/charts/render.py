"""Rendering: a chart and values in, Kubernetes objects out.

Helm's own engine runs in this process (helm-python-sdk, a wheel). It answers for one Kubernetes version, without extra
API groups, without `lookup`, as an install. A chart that asks for the cluster's version or API groups is rendered by
the `helm` command where there is one; `charts.templates` finds what neither can answer.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import yaml

from hakit.charts import helm_binary
from hakit.charts.manifests import Object, parse
from hakit.charts.source import Chart
from hakit.charts.templates import asks_for_capabilities
from hakit.errors import HakitError


@dataclass(frozen=True)
class Release:
    """What a render is for.

    Attributes:
        name, namespace: of the release.
        kubernetes: the cluster's version; None: hakit's own engine renders, whatever the chart asks.
        api_versions: what the cluster has beyond Kubernetes' own, `monitoring.coreos.com/v1`; None: nobody said.
    """

    name: str
    namespace: str
    kubernetes: tuple[int, int] | None = None
    api_versions: tuple[str, ...] | None = None


def command_for(chart: Chart, release: Release) -> helm_binary.Helm | None:
    """The helm command, where the chart asks for what hakit's own engine cannot answer and there is one.

    Raises:
        HakitError: HAKIT_HELM names something else.
    """
    return helm_binary.find() if release.kubernetes is not None and asks_for_capabilities(chart) else None


def rendered_by(chart: Chart, release: Release) -> str:
    """Which helm command renders, and for which version, in words; empty where hakit's own engine does."""
    helm = command_for(chart, release)
    if helm is None or release.kubernetes is None:
        return ""
    return f"rendered by helm {helm.version} for Kubernetes {'.'.join(map(str, release.kubernetes))}"


def render_texts(chart: Chart, values: Mapping[str, Any], release: Release) -> dict[str, str]:
    """The text that each template gives; NOTES.txt is not among them.

    Raises:
        HakitError: a subchart is missing, or the chart does not render with these values. Its message never holds a
            value under a key that looks like a secret's.
    """
    import helm_python

    _refuse_missing(chart, values)
    helm = command_for(chart, release)
    try:
        if helm is not None and release.kubernetes is not None:
            texts = helm_binary.template(
                helm,
                chart,
                values,
                name=release.name,
                namespace=release.namespace,
                kubernetes=release.kubernetes,
                api_versions=release.api_versions or (),
            )
        else:
            with chart.to_render() as engine:
                texts = engine.render(dict(values), name=release.name, namespace=release.namespace)
    except (helm_python.HelmError, helm_binary.HelmFailedError) as error:
        raise HakitError(
            # Masked before the line breaks and spaces of a secret are folded, and again for what is folded already.
            f"the chart does not render: {without_secrets(explain(without_secrets(str(error), values)), values)}",
            where=f"chart {chart.reference}",
            do="the chart's template says what it needs; give that value"
            if "execution error" in str(error)
            else "mend the template, or the value that it works on",
        ) from None
    return {name: text for name, text in texts.items() if not name.endswith("NOTES.txt")}


def _refuse_missing(chart: Chart, values: Mapping[str, Any]) -> None:
    """Helm's engine renders a chart without its missing subcharts and says nothing; the `helm` command refuses it."""
    for dependency in chart.missing:
        if _is_on(dependency, chart, values):
            name = dependency.get("name")
            raise HakitError(
                f"the subchart {name} is missing",
                where=f"chart {chart.reference}",
                allowed="every dependency of Chart.yaml that is switched on is in charts/",
                do=f"fetch it with `helm dependency build {chart.reference}`"
                + (f", or switch it off by {dependency['condition']}" if dependency.get("condition") else ""),
            )


def _is_on(dependency: Mapping[str, Any], chart: Chart, values: Mapping[str, Any]) -> bool:
    """By the first of its conditions that is there, else by its tags, else yes (helm.sh/docs, Chart Dependencies)."""
    conditions = [path.strip() for path in str(dependency.get("condition") or "").split(",") if path.strip()]
    tags = [f"tags.{tag}" for tag in dependency.get("tags") or []]
    for paths, decide in ((conditions, lambda found: found[0]), (tags, any)):
        found = [switch for path in paths if (switch := _switch(path, chart, values)) is not None]
        if found:
            return bool(decide(found))
    return True


def _switch(path: str, chart: Chart, values: Mapping[str, Any]) -> bool | None:
    """A true or false of the values, the user's before the chart's."""
    for tree in (values, chart.values):
        value: Any = tree
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, bool):
            return value
    return None


def render(chart: Chart, values: Mapping[str, Any], release: Release) -> list[Object]:
    """The objects of a chart, in the order of its templates.

    Raises:
        HakitError: the chart does not render, or what it renders is no YAML or no Kubernetes object.
    """
    return parse_texts(chart, render_texts(chart, values, release), values)


def parse_texts(chart: Chart, texts: Mapping[str, str], values: Mapping[str, Any]) -> list[Object]:
    """The objects in rendered texts. Raises HakitError as `render` does."""
    return [obj for name in sorted(texts) for obj in parse_template(chart, name, texts[name], values)]


def parse_template(chart: Chart, template: str, text: str, values: Mapping[str, Any]) -> list[Object]:
    try:
        return parse(text)
    except (yaml.YAMLError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        raise HakitError(
            f"{template} does not render to a Kubernetes object: {without_secrets(str(problem), values)}",
            where=f"chart {chart.reference}" + (f", rendered line {mark.line + 1}" if mark else ""),
            do="see what it renders with `helm template`; a value that breaks the YAML is the usual cause",
        ) from None


def explain(message: str) -> str:
    """Helm's message without the chain of includes before it: where, and what."""
    text = " ".join(message.split())
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
        # {name: DB_PASSWORD, value: ...}: a list of environment variables names the secret beside it.
        named = named or bool("value" in values and _SECRET_KEY.match(str(values.get("name"))))
        found = [
            secret_texts(value, named=key != "name" and (named or bool(_SECRET_KEY.match(str(key)))))
            for key, value in values.items()
        ]
        return set().union(*found)
    if isinstance(values, list):
        return set().union(*(secret_texts(value, named=named) for value in values))
    if not named or isinstance(values, bool) or not isinstance(values, str | int | float):
        return set()
    exponents = set() if isinstance(values, str) else forms_of(_exponent(float(str(values))))
    return forms_of(str(values)) | exponents


def _exponent(number: float) -> str:
    """A long number as Helm prints it, which reads all numbers as floats: 12345678 is 1.2345678e+07."""
    texts = (f"{number:.{precision}e}" for precision in range(17))
    return next((text for text in texts if float(text) == number), str(number))


def forms_of(secret: str) -> set[str]:
    """The forms in which a secret turns up: as it is, line by line, and both as base64, quoted, and in a URL.

    Three letters are too few to mask.
    """
    plain = {secret, secret.strip(), *(line.strip() for line in secret.splitlines())}
    forms = set(plain)
    for text in plain:
        quoted = json.dumps(text, ensure_ascii=False)[1:-1]
        # Go's JSON escapes these as well; its URLs escape as quote_plus does.
        escaped = quoted.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")
        forms |= {base64.b64encode(text.encode()).decode(), quoted, escaped, quote_plus(text)}
    return {form for form in forms if len(form) > 3}


def without_secrets(text: str, values: Mapping[str, Any]) -> str:
    """The text with every secret of the values masked."""
    return mask(text, secret_texts(values))


def mask(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
