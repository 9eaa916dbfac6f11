"""RegionBase: what a region needs before anything else of hakit is deployed to it."""

from collections.abc import Mapping
from typing import Any

import pulumi

from hakit.components.manifests import resource
from hakit.components.order import after
from hakit.components.project import load_topology, project_root
from hakit.components.providers import provider_of
from hakit.components.region_base_args import RegionBaseArgs
from hakit.errors import HakitError
from hakit.plan import guard, operators, region_base

#: No data is in them, and one that stayed would go on refusing pods.
_LIMITS = ("ResourceQuota", "LimitRange")


class RegionBase(pulumi.ComponentResource):
    """Namespaces, and the epoch guard: what keeps an old checkout from undoing a handover, in the cluster itself.

    Creates:
        - a Namespace `<name>-namespace-<namespace>` for each that is named, and for `hakit-system`;
        - where a quota is asked for, a ResourceQuota `<name>-quota-<namespace>`, and a LimitRange
          `<name>-defaults-<namespace>` by which containers that request nothing request a little;
        - a ConfigMap `<name>-record-<pair>-<database>` in `hakit-system` for each database: the epoch of this region;
        - three ValidatingAdmissionPolicies `<name>-policy-...` and their bindings `<name>-binding-...`.

        - of each operator that `operators` names a manifest for, its objects `<name>-operator-<operator>-<Kind>-...`:
          namespaces, definitions, everything else, Deployments, webhooks, each after what it needs is ready.

    All but quotas stays when it leaves the program or the stack is destroyed: the databases do as well. Operators that
    are not named must be there.

    Raises:
        HakitError: an argument or an operator's manifest is wrong, or no provider names the cluster. Nothing is
            registered then.
    """

    namespaces: pulumi.Output[list[str]]
    """Names of the namespaces."""
    region: pulumi.Output[str]
    """The region."""

    def __init__(self, name: str, args: RegionBaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        path = args.get("topology") if isinstance(args, Mapping) else None
        if not isinstance(path, str) or not path:
            raise HakitError("topology is missing", where=f"RegionBase {name!r}", do="name the topology's file")
        spec = region_base.specify(name, args, load_topology(path))
        provider_of(spec.where, spec.region, opts)
        planned = region_base.plan(spec)
        brought = [stage for operator, file in spec.operators.items() for stage in _operator(operator, file)]

        super().__init__("hakit:index:RegionBase", name, None, opts)
        made: dict[str, pulumi.Resource] = {}
        for key, manifest in planned.items():
            kept = manifest["kind"] not in _LIMITS
            own = pulumi.ResourceOptions(parent=self, depends_on=_needs(manifest, made), retain_on_delete=kept)
            made[key] = resource(f"{name}-{key}", manifest, after(opts, own))
        before: list[pulumi.Resource] = list(made.values())
        for stage in brought:
            own = pulumi.ResourceOptions(parent=self, depends_on=before, retain_on_delete=True)
            before = [resource(f"{name}-{key}", _secret(manifest), after(opts, own)) for key, manifest in stage.items()]
        outputs = {"namespaces": sorted(spec.namespaces), "region": spec.region}
        for key, value in outputs.items():
            setattr(self, key, pulumi.Output.from_input(value))
        self.register_outputs(outputs)


def _needs(manifest: Mapping[str, Any], made: Mapping[str, pulumi.Resource]) -> list[pulumi.Resource]:
    """A record and a quota need their namespace; a binding the policies and the records."""
    if manifest["kind"] in _LIMITS:
        return [made[f"namespace-{manifest['metadata']['namespace']}"]]
    if manifest["kind"] == "ConfigMap":
        return [made[f"namespace-{guard.NAMESPACE}"]]
    if manifest["kind"] == "ValidatingAdmissionPolicyBinding":
        return [each for key, each in made.items() if key.startswith(("policy-", "record-"))]
    return []


def _operator(name: str, file: str) -> list[dict[str, dict[str, Any]]]:
    """An operator's objects in stages, out of its manifest."""
    import yaml

    from hakit.charts.manifests import parse

    try:
        documents = parse((project_root() / file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError) as error:
        raise HakitError(f"operators.{name}: its manifest cannot be read", where=file, given=error) from None
    return operators.plan(name, documents, file)


def _secret(manifest: dict[str, Any]) -> dict[str, Any]:
    if manifest["kind"] != "Secret":
        return manifest
    return {
        key: pulumi.Output.secret(value) if key in ("data", "stringData") else value for key, value in manifest.items()
    }
