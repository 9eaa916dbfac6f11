"""Route 53 as moto plays it: zones, records, health checks are kept and read back. No query is answered, no endpoint
asked, no record fails over."""

import uuid
from typing import Any

from lab.providers.aws_session import DEFAULT_REGION, Session, is_gone
from lab.providers.aws_shapes import api_shaped
from lab.providers.cloud import CloudError, Object

#: Inputs of a health check whose names the API spells otherwise (terraform-provider-aws,
#: internal/service/route53/health_check.go).
_RENAMED = {
    "fqdn": "fullyQualifiedDomainName",
    "childHealthThreshold": "healthThreshold",
    "invertHealthcheck": "inverted",
}
_ASIDE = ("tags", "tagsAll", "arn", "triggers", "referenceName", "cloudwatchAlarmName", "cloudwatchAlarmRegion")


class _Route53:
    named_by = ""
    replaced_by: tuple[str, ...] = ()

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _dns(self) -> Any:
        return self._session.client("route53", DEFAULT_REGION)

    def _found(self, operation: str, **arguments: Any) -> Object | None:
        try:
            return getattr(self._dns, operation)(**arguments)
        except self._dns.exceptions.ClientError as error:
            if is_gone(error):
                return None
            raise


class Zone(_Route53):
    replaced_by = ("name",)

    def make(self, inputs: Object, settings: Object) -> tuple[str, Object]:  # noqa: ARG002
        found = self._dns.create_hosted_zone(
            Name=inputs["name"],
            CallerReference=uuid.uuid4().hex,
            HostedZoneConfig={"Comment": inputs.get("comment") or "Managed by Pulumi"},
        )
        identity = found["HostedZone"]["Id"].rpartition("/")[2]
        servers = found["DelegationSet"]["NameServers"]
        return identity, inputs | {
            "zoneId": identity,
            "arn": f"arn:aws:route53:::hostedzone/{identity}",
            "nameServers": servers,
            "primaryNameServer": servers[0],
            "tagsAll": inputs.get("tags") or {},
        }

    def look(self, identity: str, state: Object) -> Object | None:
        return state if self._found("get_hosted_zone", Id=identity) else None

    def change(self, identity: str, wanted: Object) -> Object:
        self._dns.update_hosted_zone_comment(Id=identity, Comment=wanted.get("comment") or "Managed by Pulumi")
        return wanted

    def remove(self, identity: str, state: Object) -> None:  # noqa: ARG002
        """A zone with records of its own stays: the API's HostedZoneNotEmpty."""
        self._dns.delete_hosted_zone(Id=identity)


class Record(_Route53):
    #: "Forces new resource" in internal/service/route53/record.go.
    replaced_by = ("name", "type", "zoneId", "setIdentifier")

    def make(self, inputs: Object, settings: Object) -> tuple[str, Object]:  # noqa: ARG002
        """A record that is there already is refused, unless the program says `allowOverwrite` (record.go): without it
        the action is CREATE, and the API answers InvalidChangeBatch; moto would write over it."""
        name = self._full(inputs)
        if not inputs.get("allowOverwrite") and self.look("", inputs | {"fqdn": name}):
            raise CloudError(
                "ChangeResourceRecordSets: InvalidChangeBatch: Tried to create resource record set "
                f"[name='{name}.', type='{inputs['type']}'] but it already exists"
            )
        self._send("UPSERT", inputs["zoneId"], record_set(inputs, name))
        identity = "_".join([inputs["zoneId"], name, inputs["type"], *filter(None, [inputs.get("setIdentifier")])])
        return identity, inputs | {"fqdn": name}

    def _full(self, inputs: Object) -> str:
        """A name that does not end in the zone's is taken to be relative to it (record.go, expandRecordName)."""
        zone = self._dns.get_hosted_zone(Id=inputs["zoneId"])["HostedZone"]["Name"].rstrip(".")
        name = inputs["name"].rstrip(".").lower()
        if not name:
            return zone
        return name if name == zone or name.endswith(f".{zone}") else f"{name}.{zone}"

    def _send(self, action: str, zone: str, change: Object) -> None:
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": change}]}
        self._dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    def look(self, identity: str, state: Object) -> Object | None:  # noqa: ARG002
        wanted = record_set(state, state["fqdn"])
        answer = self._found("list_resource_record_sets", HostedZoneId=state["zoneId"])
        for each in answer["ResourceRecordSets"] if answer else []:
            same = each["Name"].rstrip("."), each["Type"], each.get("SetIdentifier")
            if same == (state["fqdn"], state["type"], state.get("setIdentifier")):
                return state | _seen(state, wanted, each)
        return None

    def change(self, identity: str, wanted: Object) -> Object:  # noqa: ARG002
        self._send("UPSERT", wanted["zoneId"], record_set(wanted, wanted["fqdn"]))
        return wanted

    def remove(self, identity: str, state: Object) -> None:  # noqa: ARG002
        self._send("DELETE", state["zoneId"], record_set(state, state["fqdn"]))


def record_set(inputs: Object, name: str) -> Object:
    """A record as the API takes it (record.go, expandResourceRecordSet)."""
    found: Object = {"Name": name, "Type": inputs["type"]}
    if aliases := inputs.get("aliases"):
        found["AliasTarget"] = {
            "DNSName": aliases[0]["name"],
            "HostedZoneId": aliases[0]["zoneId"],
            "EvaluateTargetHealth": aliases[0]["evaluateTargetHealth"],
        }
    if inputs.get("records") is not None:
        found["TTL"] = int(inputs.get("ttl") or 0)
        found["ResourceRecords"] = [{"Value": each} for each in inputs["records"]]
    for key, member in (("setIdentifier", "SetIdentifier"), ("healthCheckId", "HealthCheckId")):
        if inputs.get(key):
            found[member] = inputs[key]
    if inputs.get("multivalueAnswerRoutingPolicy"):
        found["MultiValueAnswer"] = True
    if policy := inputs.get("failoverRoutingPolicies"):
        found["Failover"] = policy[0]["type"]
    if policy := inputs.get("weightedRoutingPolicies"):
        found["Weight"] = int(policy[0]["weight"])
    if policy := inputs.get("latencyRoutingPolicies"):
        found["Region"] = policy[0]["region"]
    if policy := inputs.get("geolocationRoutingPolicies"):
        codes = {"continent": "ContinentCode", "country": "CountryCode", "subdivision": "SubdivisionCode"}
        found["GeoLocation"] = {codes[key]: value for key, value in policy[0].items() if value}
    for key in ("cidrRoutingPolicy", "geoproximityRoutingPolicy"):
        if inputs.get(key):
            raise CloudError(f"this stand-in plays no {key} of a Record")
    return found


def _seen(state: Object, wanted: Object, found: Object) -> Object:
    """What of a record is not as it was made, in Pulumi's spelling: its values, its time to live, its weight."""
    changed: Object = {}
    values = [each["Value"] for each in found.get("ResourceRecords", [])]
    if "records" in state and values != [each["Value"] for each in wanted["ResourceRecords"]]:
        changed["records"] = values
    if "ttl" in state and found.get("TTL") != wanted.get("TTL"):
        changed["ttl"] = found.get("TTL")
    if found.get("Weight") != wanted.get("Weight"):
        changed["weightedRoutingPolicies"] = [{"weight": found.get("Weight")}]
    return changed


class HealthCheck(_Route53):
    #: "Forces new resource" in internal/service/route53/health_check.go.
    replaced_by = ("type", "requestInterval", "measureLatency", "referenceName", "routingControlArn")

    def make(self, inputs: Object, settings: Object) -> tuple[str, Object]:  # noqa: ARG002
        found = self._dns.create_health_check(CallerReference=uuid.uuid4().hex, HealthCheckConfig=self._config(inputs))
        identity = found["HealthCheck"]["Id"]
        arn = f"arn:aws:route53:::healthcheck/{identity}"
        return identity, inputs | {"arn": arn, "tagsAll": inputs.get("tags") or {}}

    def _config(self, inputs: Object) -> Object:
        shape = self._dns.meta.service_model.shape_for("HealthCheckConfig")
        given = {_RENAMED.get(name, name): value for name, value in inputs.items() if name not in _ASIDE}
        config = api_shaped(shape, given)
        if alarm := inputs.get("cloudwatchAlarmName"):
            config["AlarmIdentifier"] = {"Name": alarm, "Region": inputs["cloudwatchAlarmRegion"]}
        return config

    def look(self, identity: str, state: Object) -> Object | None:
        answer = self._found("get_health_check", HealthCheckId=identity)
        if answer is None:
            return None
        there = {name.lower(): value for name, value in answer["HealthCheck"]["HealthCheckConfig"].items()}
        names = {name: _RENAMED.get(name, name).lower() for name in state}
        return state | {name: there[member] for name, member in names.items() if member in there}

    def change(self, identity: str, wanted: Object) -> Object:
        fixed = ("Type", "RequestInterval", "MeasureLatency", "RoutingControlArn")
        changeable = {name: value for name, value in self._config(wanted).items() if name not in fixed}
        self._dns.update_health_check(HealthCheckId=identity, **changeable)
        return wanted

    def remove(self, identity: str, state: Object) -> None:  # noqa: ARG002
        self._dns.delete_health_check(HealthCheckId=identity)


def kinds(session: Session) -> dict[str, Any]:
    """What plays each resource type."""
    return {
        "aws:route53/zone:Zone": Zone(session),
        "aws:route53/record:Record": Record(session),
        "aws:route53/healthCheck:HealthCheck": HealthCheck(session),
    }
