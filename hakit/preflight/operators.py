"""Whether the operators that the stacks' databases need are there, new enough, and run. Pure."""

from collections.abc import Iterator

from hakit.findings import Finding
from hakit.plan.operators import OPERATORS, Operator, version_of
from hakit.preflight.seen import Seen
from hakit.preflight.wanted import Wanted


def judge(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    if "/apis/apps/v1/deployments" in seen.unread:
        return  # said already
    for operator in OPERATORS.values():
        if operator.group in wanted.groups and not _comes(operator, wanted, seen):
            least = operator.least_with if operator.feature in wanted.features else operator.least
            yield from _one(operator, least, seen)


def _comes(operator: Operator, wanted: Wanted, seen: Seen) -> bool:
    """Whether the stacks bring it, and have not done so yet."""
    return any(map(operator.runs_as, wanted.deployments)) and not any(map(operator.runs_as, seen.deployments))


def _one(operator: Operator, least: tuple[int, int], seen: Seen) -> Iterator[Finding]:
    text = ".".join(map(str, least))
    mend = f"install {operator.title} {text} or newer"
    found = [each for each in seen.deployments if operator.runs_as(each)]
    if not found:
        yield Finding("HK102", operator.title, "", "there is no Deployment of it", mend=mend)
    for each in found:
        title, namespace = f"Deployment/{each['metadata']['name']}", each["metadata"]["namespace"]
        where, tag = f"namespace {namespace}", operator.tag(each)
        version = version_of(tag)
        if version is None:
            message = f"cannot tell which {operator.title} it is"
            detail = f"its image has no version as its tag: {tag}" if tag else "it has no container"
            yield Finding("HK102", title, "", message, where, detail, f"{mend}, by an image whose tag says so")
        elif version < least:
            yield Finding("HK102", title, "", f"{operator.title} {tag}, older than {text}", where, mend=mend)
        if not (each.get("status") or {}).get("readyReplicas"):
            look = f"look at its pods: kubectl --namespace {namespace} get pods"
            yield Finding("HK102", title, "", "no pod of it is ready", where, mend=look)
