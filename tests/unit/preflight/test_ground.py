"""Version, kinds, operators, rights, the guard, pod security: each fault, and beside it what is no fault."""

import pytest

from hakit.observe import RefusedError
from hakit.preflight.ground import judge
from hakit.preflight.rights import Right, needed_rights
from hakit.preflight.seen import Seen
from hakit.preflight.wanted import Deployed, Wanted
from tests.unit.preflight import given
from tests.unit.preflight.given import deployment, seen, wanted


def found(want: Wanted, see: Seen) -> list[tuple[str, str, str]]:
    return [(each.code, each.subject, each.message) for each in judge(want, see)]


def test_nothing_is_found_where_nothing_is_missing() -> None:
    assert found(wanted(), seen()) == []
    assert found(wanted(), seen(**given.DEPLOYED)) == []


@pytest.mark.parametrize(
    ("version", "code"),
    [
        ("v1.33.9", "HK113"),
        ("v1.34.0", ""),
        ("v1.34.2-gke.1000", ""),
        ("v1.35.0-eks-abc", "HK114"),
        ("v1.9.1", "HK113"),
    ],
)
def test_the_version_is_compared_by_its_minor(version: str, code: str) -> None:
    assert [each[0] for each in found(wanted(), seen(version=version))] == ([code] if code else [])


def test_of_a_version_that_is_another_both_ways_out_are_named() -> None:
    (older,) = judge(wanted(), seen(version="v1.33.1"))
    assert older.message == "v1.33.1, older than 1.34, which the topology declares"
    assert older.mend == 'upgrade the cluster to 1.34, or declare kubernetes: "1.33"'


def test_a_kind_that_nobody_brings_is_missing() -> None:
    monitor = Deployed("monitoring.coreos.com/v1", "PodMonitor", "shop", "pulumi")
    want = wanted(objects=wanted().objects | {monitor})
    message = "the cluster does not have this kind"
    assert found(want, seen()) == [("HK101", "PodMonitor monitoring.coreos.com/v1", message)]
    brought = wanted(objects=want.objects, brought=frozenset({("monitoring.coreos.com", "PodMonitor")}))
    assert found(brought, seen()) == [], "the stacks bring its definition"
    known = {**seen().kinds, ("monitoring.coreos.com/v1", "PodMonitor"): ("podmonitors", True)}
    assert found(want, seen(kinds=known)) == []


def test_a_group_of_which_nothing_could_be_read_is_not_called_missing() -> None:
    refused = {"/apis/postgresql.cnpg.io/v1": RefusedError(403, "Forbidden", "no")}
    without = {key: value for key, value in seen().kinds.items() if key[1] != "Cluster"}
    codes = [each[0] for each in found(wanted(), seen(kinds=without, unread=refused))]
    assert codes == ["HK109"]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0", ""),
        ("registry.example.com:5000/mirror/cloudnative-pg:1.31.2", ""),
        ("ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0@sha256:ab", ""),
        ("ghcr.io/cloudnative-pg/cloudnative-pg:1.29.4", "CloudNativePG 1.29.4, older than 1.30"),
        ("ghcr.io/cloudnative-pg/cloudnative-pg:1.4.0", "CloudNativePG 1.4.0, older than 1.30"),
        ("ghcr.io/cloudnative-pg/cloudnative-pg@sha256:ab", "cannot tell which CloudNativePG it is"),
        ("ghcr.io/cloudnative-pg/cloudnative-pg:main", "cannot tell which CloudNativePG it is"),
    ],
)
def test_an_operator_is_known_by_its_image(image: str, message: str) -> None:
    here = found(wanted(), seen(deployments=[deployment("whatever", image), given.PLUGIN]))
    assert here == ([("HK102", "Deployment/whatever", message)] if message else [])


def test_an_operator_is_known_by_its_name_and_by_its_charts_labels_too() -> None:
    renamed = deployment("pg", "mirror/pg:1.30.1", labels={"app.kubernetes.io/name": "cloudnative-pg"})
    assert found(wanted(), seen(deployments=[renamed, given.PLUGIN])) == []
    plugin = deployment("barman-cloud", "mirror/backups:v0.13.0")
    assert found(wanted(), seen(deployments=[renamed, plugin])) == [
        ("HK102", "Deployment/barman-cloud", "plugin-barman-cloud v0.13.0, older than 0.14")
    ]


def test_an_operator_that_is_missing_or_does_not_run_is_found() -> None:
    down = deployment("cnpg-controller-manager", "cloudnative-pg:1.30.0", ready=0)
    assert found(wanted(), seen(deployments=[down])) == [
        ("HK102", "Deployment/cnpg-controller-manager", "no pod of it is ready"),
        ("HK102", "plugin-barman-cloud", "there is no Deployment of it"),
    ]


def test_an_operator_that_the_stacks_are_to_bring_is_not_missing_and_once_there_it_is_judged() -> None:
    brings = wanted(deployments=(given.CNPG,))
    assert found(brings, seen(deployments=[given.PLUGIN])) == []
    old = deployment("cnpg-controller-manager", "cloudnative-pg:1.29.0")
    assert [each[0] for each in found(brings, seen(deployments=[old, given.PLUGIN]))] == ["HK102"]


def test_operators_are_only_looked_for_where_databases_need_them() -> None:
    app = Deployed("apps/v1", "Deployment", "shop", "helm")
    assert found(wanted(objects=frozenset({app})), seen(deployments=[])) == []
    without_archive = frozenset({app, Deployed("postgresql.cnpg.io/v1", "Cluster", "shop", "pulumi")})
    assert found(wanted(objects=without_archive), seen(deployments=[given.CNPG])) == []


def test_a_mariadb_over_two_regions_takes_a_newer_operator() -> None:
    mariadb = frozenset({Deployed("k8s.mariadb.com/v1alpha1", "MariaDB", "shop", "pulumi")})
    kinds = {("k8s.mariadb.com/v1alpha1", "MariaDB"): ("mariadbs", True)}
    see = seen(kinds=kinds, deployments=[deployment("mariadb-operator", "mariadb-operator/mariadb-operator:25.10.4")])
    assert found(wanted(objects=mariadb), see) == []
    assert found(wanted(objects=mariadb, features=frozenset({"multiCluster"})), see) == [
        ("HK102", "Deployment/mariadb-operator", "mariadb-operator 25.10.4, older than 26.6")
    ]


def test_missing_rights_are_told_by_kind_and_namespace() -> None:
    denied = [Right(verb, "apps", "deployments", "shop") for verb in ("create", "patch")]
    see = seen(denied=[*denied, Right("create", "", "namespaces", "")])
    assert found(wanted(), see) == [
        ("HK109", "deployments.apps", "may not create, patch"),
        ("HK109", "namespaces", "may not create"),
    ]


def test_the_rights_are_those_of_pulumi_and_helm_for_the_kinds_that_are_there() -> None:
    rights = needed_rights(wanted(), {("apps/v1", "Deployment"): ("deployments", True)})
    assert {each.verb for each in rights if each.resource == "deployments"} == {"get", "create", "patch", "delete"}
    assert Right("create", "", "secrets", "shop") in rights, "Helm keeps its revisions there"
    assert Right("create", "", "configmaps", "shop") in rights, "the mark of the release's delivery"
    assert not [each for each in rights if "postgresql" in each.group], "its kind is missing, which is told already"
    cluster = needed_rights(wanted(), {("postgresql.cnpg.io/v1", "Cluster"): ("clusters", True)})
    assert Right("patch", "postgresql.cnpg.io", "clusters", "shop") in cluster
    assert Right("delete", "postgresql.cnpg.io", "clusters", "shop") not in cluster, "nobody deletes a database"


def test_what_could_not_be_read_is_a_finding_and_no_other_is_made_of_it() -> None:
    refused = {
        "/apis/apps/v1/deployments": RefusedError(403, "Forbidden", "cannot list resource deployments"),
        "/apis/cert-manager.io/v1/namespaces/shop/certificates": RefusedError(503, "ServiceUnavailable", "later"),
    }
    assert found(wanted(), seen(deployments=[], unread=refused)) == [
        ("HK109", "preflight /apis/apps/v1/deployments", "may not be read"),
        ("HK100", f"preflight {list(refused)[1]}", "it does not answer to this"),
    ]


def test_before_the_first_deployment_there_is_nothing_to_guard() -> None:
    assert found(wanted(), seen(guard={}, namespaces={})) == []


def test_databases_without_their_guard_are_found() -> None:
    policy, binding = given.seen().guard.items()
    epoch = "ValidatingAdmissionPolicy/hakit-epoch"
    assert found(wanted(), seen(**given.DEPLOYED, guard=dict([binding]))) == [("HK115", epoch, "it is missing")]
    audits = {binding[0]: {"spec": {"validationActions": ["Audit", "Warn"]}}}
    assert [each[2] for each in found(wanted(), seen(**given.DEPLOYED, guard={**dict([policy]), **audits}))] == [
        "it refuses nothing"
    ]
    lenient = {policy[0]: {"spec": {"failurePolicy": "Ignore"}}}
    assert [each[2] for each in found(wanted(), seen(**given.DEPLOYED, guard={**dict([binding]), **lenient}))] == [
        "what it cannot judge it lets through"
    ]


def test_databases_without_the_namespace_of_the_records_are_found() -> None:
    see = seen(**given.DEPLOYED, namespaces={"shop": given.NAMESPACE})
    assert found(wanted(), see) == [("HK116", "Namespace/hakit-system", "it is missing")]


@pytest.mark.parametrize(
    ("live", "message"),
    [
        ("baseline", ""),
        ("restricted", "restricted is enforced, baseline is declared"),
        ("privileged", "privileged is enforced, baseline is declared"),
        ("", "no level is enforced, baseline is declared"),
    ],
)
def test_another_pod_security_than_the_declared_one_is_found(live: str, message: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": live} if live else {}
    here = found(wanted(), seen(namespaces={"shop": {"metadata": {"name": "shop", "labels": labels}}}))
    assert [each[2] for each in here] == ([message] if message else [])
