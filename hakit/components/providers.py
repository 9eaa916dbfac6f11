"""Kubernetes providers, one a region, and the check that an application gets the one of its region."""

from weakref import WeakKeyDictionary

import pulumi
import pulumi_kubernetes as k8s

from hakit.components.project import load_topology, project_root
from hakit.errors import HakitError

#: Which region a provider was made for, so that a mix-up of two is refused.
_REGIONS: WeakKeyDictionary[pulumi.ProviderResource, str] = WeakKeyDictionary()
#: Which application deploys which (namespace, release), by provider: the cluster.
_RELEASES: WeakKeyDictionary[pulumi.ProviderResource, dict[tuple[str, str], str]] = WeakKeyDictionary()


def kubernetes_provider(topology: str, region: str, opts: pulumi.ResourceOptions | None = None) -> k8s.Provider:
    """The Kubernetes provider of one region of a topology, named after the region.

    Creates a `pulumi_kubernetes.Provider` for the region's `cluster.context` (and `kubeconfig`, when the topology names
    one). Its `cluster_identifier` is computed from the topology, `<name>-<environment>-<region>`: by it alone the
    provider decides whether a cluster was replaced, so a renamed context or a new certificate replaces nothing
    (pulumi-kubernetes#1148). ConfigMaps and Secrets are changed in place (`enable_config_map_mutable`,
    `enable_secret_mutable`): without these the provider deletes each whose data changes before it makes it anew
    (pulumi-kubernetes provider/pkg/provider/diff.go, forceNewProperties), and the epoch guard's records may not be
    deleted.

    Args:
        topology: path of the topology's file, relative to the folder of Pulumi.yaml.
        region: a region of it.
        opts: options of the provider resource.

    Raises:
        HakitError: the topology is wrong, or has no such region.
    """
    declared = load_topology(topology)
    cluster = declared.region(region).cluster
    provider = k8s.Provider(
        region,
        context=cluster.context,
        kubeconfig=str(project_root() / cluster.kubeconfig) if cluster.kubeconfig else None,
        cluster_identifier=f"{declared.name}-{declared.environment}-{region}",
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        opts=opts,
    )
    _REGIONS[provider] = region
    return provider


def provider_of(where: str, region: str, opts: pulumi.ResourceOptions | None) -> pulumi.ProviderResource:
    """The provider that an application will be deployed by; never the default one, nor one made for another region.

    Raises:
        HakitError: no Kubernetes provider is given, here or by a parent; or it was made for another region.
    """
    provider = kubernetes_provider_of(opts)
    if provider is None:
        raise HakitError(
            "no Kubernetes provider: the current context of whoever deploys would be used",
            where=where,
            allowed="a provider that names its cluster",
            do="pass ResourceOptions(provider=k8s.Provider(..., context=..., cluster_identifier=...)), "
            "or providers=[hakit.kubernetes_provider(topology, region)]",
        )
    made_for = _REGIONS.get(provider)
    if region and made_for and made_for != region:
        raise HakitError(
            f"the Kubernetes provider is the one of region {made_for}",
            where=where,
            given=made_for,
            allowed=region,
            do=f"pass hakit.kubernetes_provider(topology, {region!r})",
        )
    return provider


def region_of(provider: pulumi.ProviderResource) -> str:
    """The region that a provider was made for by `kubernetes_provider`; empty when it was made otherwise."""
    return _REGIONS.get(provider, "")


def claim_release(provider: pulumi.ProviderResource, namespace: str, name: str, app: str) -> None:
    """Note that an application deploys a release. Helm has one of a name in a namespace.

    Raises:
        HakitError: another application of this program deploys it already.
    """
    taken = _RELEASES.setdefault(provider, {})
    other = taken.setdefault((namespace, name), app)
    if other != app:
        raise HakitError(
            f"release_name: ZonalApp {other!r} deploys a release of this name to namespace {namespace} already",
            where=f"ZonalApp {app!r}",
            given=name,
            do="give one of them another release_name, or another namespace",
        )


def kubernetes_provider_of(opts: pulumi.ResourceOptions | None) -> pulumi.ProviderResource | None:
    """What Pulumi will use, found before anything is registered (`Resource.__init__` has the same order); None when
    that would be the default provider."""
    if opts is None:
        return None
    given = opts.providers or []
    candidates = list(given.values()) if isinstance(given, dict) else list(given)
    if opts.provider is not None:
        candidates.append(opts.provider)
    own = [each for each in candidates if isinstance(each, pulumi.ProviderResource) and each.package == "kubernetes"]
    if own:
        return own[0]
    return opts.parent.get_provider("kubernetes:helm.sh/v3:Release") if opts.parent else None
