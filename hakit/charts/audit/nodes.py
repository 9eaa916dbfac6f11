"""On which nodes pods run, and from which images: labels that no node has, capacity or registries that may go away."""

import re
from collections.abc import Iterator

from hakit.charts.capacity import demand
from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from hakit.charts.objects import all_containers, id_of, mapping, pod_makers, pod_spec, replicas_of, workloads
from hakit.charts.quantity import format_quantity, parse_quantity
from hakit.charts.spot import spot_labels_of
from hakit.errors import HakitError
from hakit.findings import Finding

_SELECTOR = "spec.template.spec.nodeSelector"
_TYPE = "node.kubernetes.io/instance-type"

#: Registries whose name has their region in it: Elastic Container Registry, Artifact Registry.
_REGIONAL = re.compile(r"\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/|([a-z]+-[a-z]+\d+)-docker\.pkg\.dev/")


def the_region_has_room(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    if intent.reserved is None:
        return
    try:
        needed = demand(objects)
    except HakitError:
        return  # a request that is no quantity is the API server's to refuse
    for what, asked, text in zip(("cpu", "memory"), (needed.cpu, needed.memory), intent.reserved, strict=True):
        if asked > parse_quantity(text, "capacity"):
            shown = format_quantity(asked, binary=what == "memory")
            message = f"its {needed.pods} pods ask for {shown} of {what}; the region has {text} reserved"
            yield Finding("HK049", "capacity", what, message)


def spot_capacity_is_a_risk(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    for workload in workloads(objects):
        labels = spot_labels_of(workload)
        if labels and replicas_of(workload, objects) > 0:
            yield Finding("HK045", id_of(workload), "spec.template.spec", _why_a_risk(labels[0], intent))


def _why_a_risk(label: str, intent: Intent) -> str:
    if intent.standby:
        return f"the standby is on spot nodes ({label}): they are reclaimed when everybody needs a region at once"
    return f"it serves from spot nodes ({label}), which may all be reclaimed within two minutes"


def selectors_name_labels_that_nodes_have(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for maker in pod_makers(objects):
        wanted = str(mapping(pod_spec(maker).get("nodeSelector")).get(_TYPE, ""))
        if wanted.lower() in ("spot", "on-demand", "ondemand", "preemptible"):
            message = f"{_TYPE} is a machine type such as m5.large and never {wanted}: its pods find no node"
            yield Finding("HK046", id_of(maker), _SELECTOR, message)


def images_come_from_the_region(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    if not intent.places:
        return
    for maker in pod_makers(objects):
        images = [str(each.get("image")) for each in all_containers(maker)]
        elsewhere = {found: image for image in images if (found := _region_of(image)) and not _is_here(found, intent)}
        for region, image in sorted(elsewhere.items()):
            message = (
                f"{image.partition('/')[0]} is a registry of {region}: when that region is lost, no new node has it"
            )
            yield Finding("HK047", id_of(maker), "spec.template.spec.containers[].image", message)


def images_say_their_version(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for maker in pod_makers(objects):
        images = {str(each["image"]) for each in all_containers(maker) if each.get("image")}
        for image in sorted(found for found in images if _is_any_version(found)):
            message = f"{image} is whatever its registry holds when a node pulls it"
            yield Finding("HK051", id_of(maker), "spec.template.spec.containers[].image", message)


def _is_any_version(image: str) -> bool:
    """A port may stand before the last slash, a tag only behind it; a digest needs neither."""
    _, _, tag = image.rpartition("/")[2].partition(":")
    return "@" not in image and tag in ("", "latest")


def _region_of(image: str) -> str | None:
    found = _REGIONAL.match(image)
    return (found[1] or found[2]) if found else None


def _is_here(region: str, intent: Intent) -> bool:
    """By the region's own name, or because its zones begin with it: `us-west-2a`, `us-west1-b`."""
    return any(place.startswith(region) for place in intent.places)


CHECKS = (
    the_region_has_room,
    spot_capacity_is_a_risk,
    selectors_name_labels_that_nodes_have,
    images_come_from_the_region,
    images_say_their_version,
)
