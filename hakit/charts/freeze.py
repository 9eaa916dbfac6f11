"""The frozen chart: a generated local chart whose only template prints the objects that it is given as values.

A Helm Release of it is an ordinary release (`helm list`, rollback and hooks are Helm's), while its values are the very
objects that will run, so that a preview shows the field that changes.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hakit.charts.freeze_guards import GUARDS, MARK
from hakit.charts.manifests import Object
from hakit.charts.objects import name_of, namespace_of
from hakit.charts.source import Chart
from hakit.errors import HakitError

#: Where frozen charts are written, beneath the folder of Pulumi.yaml. Generated: not for version control.
FOLDER = Path(".hakit") / "charts"

#: What an autoscaler scales runs with as many replicas as it has now, within the autoscaler's bounds, and with the
#: least when it is not there yet. Left out instead, spec.replicas would be taken out of an object that had it by Helm's
#: three-way merge, and read 1 until the autoscaler acts; and a new one would start with one pod. Where Helm cannot look
#: (`helm template`, a dry run), it is the least. tests/lab/test_autoscaler.py counts the pods.
#:
#: Where pods run that keep each other out of their zones (required anti-affinity, which hardening takes out), new ones
#: find no zone, and with `maxUnavailable: 0` none of the old ones goes first. Helm would wait, and take everything back
#: without a reason: the template says it before anything changes. tests/lab/test_repelling_pods.py follows its words.
_TEMPLATE = """\
{{- $_ := include "hakit.guards" . }}
{{- $scaled := dict }}
{{- range .Values.objects }}
{{- if eq .kind "HorizontalPodAutoscaler" }}
{{- $_ := set $scaled (printf "%s/%s" .spec.scaleTargetRef.kind .spec.scaleTargetRef.name) .spec }}
{{- end }}
{{- end }}
{{- range $key, $object := .Values.objects }}
{{- if eq $object.kind "Deployment" }}
{{- include "hakit.refuse-repelled" (list $object ($object.metadata.namespace | default $.Release.Namespace)) }}
{{- end }}
{{- with get $scaled (printf "%s/%s" $object.kind $object.metadata.name) }}
{{- $namespace := $object.metadata.namespace | default $.Release.Namespace }}
{{- $live := lookup $object.apiVersion $object.kind $namespace $object.metadata.name }}
{{- $replicas := dig "spec" "replicas" 0 $live | int | min (int .maxReplicas) | max (int .minReplicas) 1 }}
{{- $object = mergeOverwrite (deepCopy $object) (dict "spec" (dict "replicas" $replicas)) }}
{{- end }}
---
{{ toYaml $object }}
{{- end }}
{{- if not .Values.leave }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}<MARK>
immutable: true
data:
  delivery: release
{{- end }}

{{- define "hakit.refuse-repelled" }}
{{- $object := first . }}
{{- $namespace := last . }}
{{- $name := $object.metadata.name }}
{{- $zone := "topology.kubernetes.io/zone" }}
{{- $live := lookup "apps/v1" "Deployment" $namespace $name }}
{{- $stays := false }}
{{- with $object.spec }}{{ with .template }}{{ with .spec }}{{ with .affinity }}{{ with .podAntiAffinity }}
{{- range .requiredDuringSchedulingIgnoredDuringExecution }}
{{- if eq .topologyKey $zone }}{{ $stays = true }}{{ end }}
{{- end }}
{{- end }}{{ end }}{{ end }}{{ end }}{{ end }}
{{- if and (not $stays) (dig "spec" "replicas" 0 $live) }}
{{- $key := "requiredDuringSchedulingIgnoredDuringExecution" }}
{{- $labels := dig "spec" "template" "metadata" "labels" dict $live }}
{{- range dig "spec" "template" "spec" "affinity" "podAntiAffinity" $key list $live }}
{{- $own := eq .topologyKey $zone }}
{{- range $label, $value := dig "labelSelector" "matchLabels" dict . }}
{{- if ne (get $labels $label) $value }}{{ $own = false }}{{ end }}
{{- end }}
{{- range dig "labelSelector" "matchExpressions" list . }}
{{- if and (eq .operator "In") (not (has (get $labels .key) .values)) }}{{ $own = false }}{{ end }}
{{- end }}
{{- if $own }}
{{- $rolling := dict "type" "RollingUpdate" "rollingUpdate" (dict "maxSurge" 1 "maxUnavailable" 1) }}
{{- $without := dict "spec" (dict "affinity" (dict "podAntiAffinity" (dict $key nil))) }}
{{- $patch := dict "spec" (dict "strategy" $rolling "template" $without) | toJson }}
{{- $selector := list }}
{{- range $label, $value := dig "spec" "selector" "matchLabels" dict $live }}
{{- $selector = append $selector (printf "%s=%s" $label $value) }}
{{- end }}
{{- $kubectl := printf "kubectl --namespace %s" $namespace }}
{{- $deletion := "delete pods --field-selector spec.nodeName= --selector" }}
{{- printf "Deployment/%s: its running pods keep others out of their zones (required anti-affinity), so that no new \
pod finds one. Nothing has been changed. Once, by hand: (1) %s patch deployment %s --type merge --patch '%s' \
(2) again and again until (3): %s %s %s (3) when `%s rollout status deployment %s` has ended, deploy again" \
$name $kubectl $name $patch $kubectl $deletion (join "," $selector) $kubectl $name | fail }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
"""
_TEMPLATE = _TEMPLATE.replace("<MARK>", MARK) + GUARDS

#: The largest integer that survives Pulumi and Helm, both of which carry numbers as doubles.
_EXACT = 2**53


#: What Helm's toYaml fails on, and prints nothing at all then; U+0085 it folds as a line break.
_UNPRINTABLE = re.compile("[\x7f-\x9f\ufffe\uffff]")


def keyed(objects: Iterable[Object], namespace: str) -> dict[str, Object]:
    """Objects by a key that stays when others come and go: `Kind/name`, longer only where two would be alike.

    Raises:
        HakitError: two objects are the same object; a number or a text would not arrive unharmed.
    """
    found: dict[str, Object] = {}
    seen: set[tuple[str, ...]] = set()
    for obj in objects:
        _refuse_inexact(obj, obj)
        group = str(obj.get("apiVersion", "")).rpartition("/")[0] or "core"
        place = namespace_of(obj, namespace)
        short = f"{obj['kind']}/{name_of(obj)}"
        if (short, place, group) in seen:
            raise HakitError(
                f"the chart renders {short} twice",
                do="two templates, or two subcharts, make the same object: switch one of them off",
            )
        seen.add((short, place, group))
        key = next(key for key in (short, f"{short}/{place}", f"{short}/{place}/{group}") if key not in found)
        found[key] = obj
    return found


def _refuse_inexact(obj: Object, value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_inexact(obj, key)
            _refuse_inexact(obj, item)
    elif isinstance(value, list):
        for item in value:
            _refuse_inexact(obj, item)
    elif isinstance(value, str) and _UNPRINTABLE.search(value):
        raise HakitError(
            f"{obj['kind']}/{name_of(obj)}: a text in it holds a control character that YAML cannot carry",
            allowed="texts without DEL and the characters U+0080 to U+009F; Helm's toYaml drops the object silently",
            do="put it into a Secret's or ConfigMap's binary data, in base64",
        )
    elif isinstance(value, int) and abs(value) > _EXACT:
        raise HakitError(
            f"{obj['kind']}/{name_of(obj)}: the number {value} does not arrive unharmed",
            allowed=f"integers up to {_EXACT}",
            do="put it in quotes in the chart's values, if the field takes a text",
        )


def folder_of(chart: Chart) -> Path:
    """Where a chart's frozen form belongs, beneath the folder of Pulumi.yaml: the same on every machine."""
    return FOLDER / f"{chart.name}-{chart.version}-{_digest(_files(chart))}"


def write(chart: Chart, root: Path) -> Path:
    """Write the frozen chart beneath `root` and return its folder. What is there already is left as it is.

    Nothing of the values is in it. It appears whole or not at all: stacks that run at once write the same.
    """
    folder = root / folder_of(chart)
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
    try:
        draft.chmod(0o755)
        for name, text in _files(chart).items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).write_text(text, encoding="utf-8")
        os.rename(draft, folder)  # noqa: PTH104 - must fail, not merge, when another stack was first
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _files(chart: Chart) -> dict[str, str]:
    # JSON is YAML: no quoting rules of our own.
    metadata = {
        "apiVersion": "v2",
        "name": chart.name,
        "version": chart.version,
        "appVersion": chart.app_version,
        # By it Helm refuses a cluster that the chart is not made for.
        "kubeVersion": chart.kube_version,
        "description": f"{chart.description or chart.name} (rendered and hardened by hakit)",
    }
    return {
        "Chart.yaml": json.dumps({key: value for key, value in metadata.items() if value}, indent=2) + "\n",
        "values.yaml": "objects: {}\n",
        "templates/objects.yaml": _TEMPLATE,
    }


def _digest(files: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:8]
