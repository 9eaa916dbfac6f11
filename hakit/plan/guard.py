"""The epoch guard: what a cluster's own API server refuses, whoever asks, however old the checkout. Pure.

Three ValidatingAdmissionPolicies, which need nothing that could be down (Kubernetes 1.30,
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/):

- `hakit-epoch`: no Cluster is created or changed below its own epoch, nor below the region's record of its database.
  A MariaDB of mariadb-operator is a Cluster here too.
- `hakit-created`: no incarnation is created that is not above the highest that was ever created here.
- `hakit-records`: the records are never lowered and never deleted.

A record is a ConfigMap of one number, one for each database and purpose. The rules are those of `topology.fence`.
"""

from typing import Any

from hakit.plan.postgres_restore import SOURCE
from hakit.topology.copies import DATABASE, EPOCH, INCARNATION, Copy, Epoch
from hakit.topology.intents import ClusterIntent

Manifest = dict[str, Any]

#: Where the records are: in no application's namespace, so that they do not go with one.
NAMESPACE = "hakit-system"

PAIR, QUARANTINED = "hakit/pair", "hakit/quarantined"
RECORD = "hakit/record"
#: The one key of a record.
NUMBER = "number"
#: What holds a pair's data: CloudNativePG's Clusters, and the MariaDBs of mariadb-operator.
_CLUSTERS = [
    {"apiGroups": ["postgresql.cnpg.io"], "apiVersions": ["*"], "resources": ["clusters"]},
    {"apiGroups": ["k8s.mariadb.com"], "apiVersions": ["*"], "resources": ["mariadbs"]},
]


def cluster_metadata(pair: str, intent: ClusterIntent) -> Manifest:
    """The labels and annotations by which the guard knows a Cluster."""
    annotations = {EPOCH: str(intent.epoch.number), INCARNATION: str(intent.incarnation)}
    if intent.quarantined:
        annotations[QUARANTINED] = "true"
    return {"labels": {PAIR: pair, DATABASE: intent.database}, "annotations": annotations}


def epoch_record(pair: str, database: str, epoch: Epoch) -> Manifest:
    """The region's record of a database's epoch. RegionBase writes it before any Cluster is touched."""
    return _record("epoch", pair, database, epoch.number)


def created_record(pair: str, database: str, copy: Copy) -> Manifest:
    """The highest incarnation that was created in this region. Written after the Cluster, never before."""
    return _record("created", pair, database, copy.incarnation)


def _record(purpose: str, pair: str, database: str, number: int) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"{purpose}.{pair}.{database}",
            "namespace": NAMESPACE,
            "labels": {RECORD: purpose, PAIR: pair, DATABASE: database},
        },
        "data": {NUMBER: str(number)},
    }


def policies() -> list[Manifest]:
    """The three policies, the same in every region."""
    return [_epoch_policy(), _created_policy(), _records_policy()]


def bindings(pair: str) -> list[Manifest]:
    """What puts the two policies about Clusters in force for a pair, with its records as parameters."""
    return [
        # Without a record nobody knows how far this region had come, so nothing is let through.
        _binding("hakit-epoch", "epoch", pair, missing="Deny"),
        # Before the first Cluster there is none.
        _binding("hakit-created", "created", pair, missing="Allow"),
    ]


def records_binding() -> Manifest:
    """What puts the policy about records in force, for every pair."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "hakit-records"},
        "spec": {"policyName": "hakit-records", "validationActions": ["Deny"]},
    }


def _binding(policy: str, purpose: str, pair: str, *, missing: str) -> Manifest:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": f"{policy}.{pair}"},
        "spec": {
            "policyName": policy,
            "validationActions": ["Deny"],
            "matchResources": {"objectSelector": {"matchLabels": {PAIR: pair}}},
            "paramRef": {
                "namespace": NAMESPACE,
                # Every record of the pair is a parameter; a rule looks at the one of its own database.
                "selector": {"matchLabels": {RECORD: purpose, PAIR: pair}},
                "parameterNotFoundAction": missing,
            },
        },
    }


def _policy(  # noqa: PLR0913  each is a field of the policy
    name: str,
    *,
    rules: list[Manifest],
    operations: list[str],
    label: str,
    variables: list[Manifest],
    validations: list[Manifest],
    params: bool,
) -> Manifest:
    param_kind = {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}} if params else {}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            **param_kind,
            "matchConstraints": {
                "resourceRules": [{**rule, "operations": operations} for rule in rules],
                # Of an update the old object counts too: taking the label away does not take the guard away.
                "objectSelector": {"matchExpressions": [{"key": label, "operator": "Exists"}]},
            },
            "variables": variables,
            "validations": validations,
        },
    }


def _has(mapping: str, key: str) -> str:
    """Whether there is such a key; what server-side apply has emptied is there, and null."""
    return f"has({mapping}) && dyn({mapping}) != null && '{key}' in {mapping}"


def _number_of(obj: str, annotation: str) -> str:
    there = _has(f"{obj}.metadata.annotations", annotation)
    is_number = f"{obj}.metadata.annotations['{annotation}'].matches('^[0-9]{{1,9}}$')"
    return f"{there} && {is_number} ? int({obj}.metadata.annotations['{annotation}']) : -1"


#: The record, when it is the one of this Cluster's database; else nothing is asked of it.
_RECORDED = {
    "name": "recorded",
    "expression": (
        f"{_has('object.metadata.labels', DATABASE)}"
        f" && params.metadata.labels['{DATABASE}'] == object.metadata.labels['{DATABASE}']"
        f" ? int(params.data['{NUMBER}']) : 0"
    ),
}


_RECOVERY = "object.spec.bootstrap.recovery"
_RESTORES = f"has({_RECOVERY}.source) && {_RECOVERY}.source == '{SOURCE}'"


def _epoch_policy() -> Manifest:
    variables = [
        {"name": "creates", "expression": "request.operation == 'CREATE'"},
        {"name": "epoch", "expression": _number_of("object", EPOCH)},
        {"name": "own", "expression": f"variables.creates ? -1 : ({_number_of('oldObject', EPOCH)})"},
        _RECORDED,
        {
            # Empty, or restored from another database's archive. No member of a pair has the name of that source.
            "name": "founding",
            "expression": "(has(object.spec.bootstrap) && (has(object.spec.bootstrap.initdb)"
            f" || (has(object.spec.bootstrap.recovery) && {_RESTORES})))"
            " || (object.kind == 'MariaDB' && !has(object.spec.bootstrapFrom))",
        },
        {
            # The operator and the fence write annotations between the record's rise and the program's update.
            "name": "onlyAnnotations",
            "expression": "!variables.creates && variables.epoch == variables.own && object.spec == oldObject.spec",
        },
    ]
    validations = [
        {
            "expression": "variables.epoch >= 0",
            "message": f"a Cluster of a pair carries its epoch: annotation {EPOCH}, a whole number",
        },
        {
            "expression": f"{_has('object.metadata.labels', PAIR)} && '{DATABASE}' in object.metadata.labels"
            f" && (variables.creates || !({_has('oldObject.metadata.labels', DATABASE)}) ||"
            f" object.metadata.labels['{DATABASE}'] == oldObject.metadata.labels['{DATABASE}'])",
            "message": f"a Cluster of a pair keeps its labels {PAIR} and {DATABASE}",
        },
        {
            "expression": "variables.epoch >= variables.own",
            "messageExpression": "'epoch ' + string(variables.epoch) + ' is older than ' + string(variables.own)"
            " + ', which this Cluster has: this topology is out of date'",
        },
        {
            "expression": "variables.onlyAnnotations || variables.epoch >= variables.recorded",
            "messageExpression": "'epoch ' + string(variables.epoch) + ' is older than ' + string(variables.recorded)"
            " + ', which this region has seen: this topology is out of date'",
        },
        {
            "expression": "!variables.creates || !variables.founding"
            " || (variables.epoch < 10 && variables.recorded < 10)",
            "message": "an empty database is created only before the first handover, and so is a restored one",
        },
        {
            # Before the first handover the founded copy is primary, empty or restored; nobody else is ever created so.
            "expression": "!variables.creates || variables.founding || !has(object.spec.replica)"
            " || !has(object.spec.replica.self) || !has(object.spec.replica.primary)"
            " || object.spec.replica.primary != object.spec.replica.self",
            "message": "a copy that is missing is never created as a primary",
        },
        {
            "expression": "!variables.creates || variables.founding || !has(object.spec.multiCluster)"
            " || object.spec.multiCluster.primary != object.metadata.name",
            "message": "a copy that is missing is never created as a primary",
        },
        {
            "expression": f"!variables.creates || !({_has('object.metadata.annotations', QUARANTINED)})",
            "message": "a kept copy that is missing is never created: take it out of the program",
        },
    ]
    return _policy(
        "hakit-epoch",
        rules=_CLUSTERS,
        operations=["CREATE", "UPDATE"],
        label=PAIR,
        variables=variables,
        validations=validations,
        params=True,
    )


def _created_policy() -> Manifest:
    variables = [{"name": "incarnation", "expression": _number_of("object", INCARNATION)}, _RECORDED]
    validations = [
        {
            "expression": "variables.incarnation > variables.recorded",
            "messageExpression": "'incarnation ' + string(variables.incarnation) + ' was created here before, and its"
            " archive has its name: rebuild it under a number above ' + string(variables.recorded)",
        }
    ]
    return _policy(
        "hakit-created",
        rules=_CLUSTERS,
        operations=["CREATE"],
        label=PAIR,
        variables=variables,
        validations=validations,
        params=True,
    )


def _records_policy() -> Manifest:
    configmaps = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
    labels = (
        f"{_has('object.metadata.labels', RECORD)} &&"
        f" ['{RECORD}', '{PAIR}', '{DATABASE}'].all(key, key in oldObject.metadata.labels"
        " && key in object.metadata.labels && object.metadata.labels[key] == oldObject.metadata.labels[key])"
    )
    number = f"{_has('object.data', NUMBER)} && object.data['{NUMBER}'].matches('^[0-9]{{1,9}}$')"
    validations = [
        {
            "expression": "request.operation != 'DELETE'",
            "message": "a record keeps old checkouts out and is never deleted; to give a region up, delete the binding"
            " hakit-records first",
        },
        {
            "expression": f"request.operation == 'DELETE' || ({labels} && {number})",
            "message": f"a record keeps its labels and its one key, {NUMBER}",
        },
        {
            "expression": f"request.operation == 'DELETE' || !({number})"
            f" || int(object.data['{NUMBER}']) >= int(oldObject.data['{NUMBER}'])",
            "messageExpression": f"'a record is never lowered, and this one says ' + oldObject.data['{NUMBER}']"
            " + ': this topology is out of date'",
        },
    ]
    return _policy(
        "hakit-records",
        rules=[configmaps],
        operations=["UPDATE", "DELETE"],
        label=RECORD,
        variables=[],
        validations=validations,
        params=False,
    )
