"""The arguments of ChaosDrill.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin.
"""

from typing import Required, TypedDict


class ExperimentArgs(TypedDict, total=False):
    """One thing that is broken."""

    kind: Required[str]
    """`pod-kill`: one pod; `zone-outage`: every pod on a zone's nodes; `region-partition`: nothing passes between the
    pods and the other region; `primary-loss`: the primary of a database."""
    duration: Required[str]
    """How long it lasts, up to 30m. A killed pod is back when its controller has made another one."""
    schedule: str
    """When it is repeated: five fields with one minute, or `@every 6h`, `@daily`, `@weekly`. Default: once, when the
    object is created."""
    labels: dict[str, str]
    """Labels of the pods. Needed by pod-kill; otherwise every pod of the namespace. Not for primary-loss."""
    zone: str
    """Of zone-outage: a zone of the region."""
    targets: list[str]
    """Of region-partition: hosts, addresses or ranges of the other region."""
    database: str
    """Of primary-loss: a database of the pair."""


class ChaosDrillArgs(TypedDict, total=False):
    """What a ChaosDrill is made from."""

    topology: Required[str]
    """The topology's file, relative to the folder of Pulumi.yaml."""
    pair: Required[str]
    """Pair of the topology."""
    scope: Required[str]
    """Region of the topology that this program deploys."""
    region: Required[str]
    """The one region in which anything is broken. In every other one nothing is created."""
    namespace: Required[str]
    """Namespace whose pods are broken, and where the experiments are."""
    experiments: Required[dict[str, ExperimentArgs]]
    """Experiments, by name."""
