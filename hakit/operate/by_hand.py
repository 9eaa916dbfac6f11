"""What a person does in place of a step, when the command cannot run: the text to write, or the command to give. Pure.

`pulumi up` of a region stands in for applying its manifests: the program makes the same ones, and its guard refuses an
older list.
"""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hakit.operate.steps import Operation, Step
from hakit.plan import guard
from hakit.topology import Handover, Pair, Topology, epoch, names
from hakit.topology.copies import EPOCH

_CLUSTERS = "clusters.postgresql.cnpg.io"


class ByHand:
    """Goes through an operation's steps as a person would, and knows what the list of handovers is at each."""

    def __init__(self, topology: Topology, pair: Pair) -> None:
        self._topology = topology
        self._pair = pair
        self._list: list[dict[str, Any]] = [_written(entry) for entry in pair.handovers]
        self._base = list(self._list)

    def rewind(self, operation: Operation) -> None:
        """The list as it is when the operation's planned entry is in it, and nothing after."""
        self._list = list(self._base)
        for entry in operation.entries:
            if self._list[len(self._base) :]:
                self._list[-1] = {**self._list[-1], "settled": True}
            self._list.append(dict(entry))

    def of(self, step: Step) -> Iterator[str]:
        """Lines of Markdown."""
        acts: Mapping[str, Callable[[Step], Iterator[str]]] = {
            "append": self._append,
            "apply": self._up_of_region,
            "token": self._token,
            "witness": self._witness,
            "promoted": self._promoted,
            "settle": self._settle,
            "update": self._update,
            "built": self._built,
            "publish": self._publish,
        }
        yield from acts[step.act](step)

    def _append(self, step: Step) -> Iterator[str]:
        self._list.append(dict(step.entry))
        yield from self._shown("By hand: nothing above an entry is ever changed. The list is then")

    def _token(self, step: Step) -> Iterator[str]:
        stated = {database: f"<token of {database}>" for database in self._pair.databases}
        last = self._list[-1]
        columns = (
            "NAME:.metadata.name",
            f"EPOCH:.metadata.annotations.{EPOCH}",
            "READY:.status.readyInstances",
            "TOKEN:.status.demotionToken",
        )
        yield f"By hand: read it in {step.region},"
        yield ""
        yield from _sh(self._kubectl(step.region, ",".join(columns)))
        numbers = " and ".join(f"{number}" for number in sorted(self._epochs()))
        yield (
            f"and take it only when EPOCH is {numbers}, every instance is ready again, and no older entry of the list "
            "has the same one: what stands there before is an older demotion's. In doubt do not promote: go the way "
            "back. The command also compares the place that the token names with the end of the data."
        )
        yield ""
        self._list[-1] = {**last, "tokens": stated}
        yield from self._shown("Then the list is")

    def _settle(self, _step: Step) -> Iterator[str]:
        self._list[-1] = {**self._list[-1], "settled": True}
        yield from self._shown("By hand:")

    def _witness(self, _step: Step) -> Iterator[str]:
        yield "By hand:"
        yield ""
        yield from _sh(f"hakit witness raise {self._file()} {self._pair.name}")
        yield (
            "Exit code 1 names a place that could not be written, and is good enough: every region that is overruled "
            "reads another one. After 2 do not go on."
        )
        yield ""

    def _promoted(self, step: Step) -> Iterator[str]:
        yield from self._up_of_region(step)
        yield from self._look()

    def _built(self, _step: Step) -> Iterator[str]:
        yield from self._look("By hand: wait, and look again.")

    def _look(self, first: str = "Look:") -> Iterator[str]:
        yield first
        yield ""
        yield from _sh(f"hakit status {self._file()}")

    def _up_of_region(self, step: Step) -> Iterator[str]:
        yield from self._up(step.region, must=step.must)

    def _update(self, step: Step) -> Iterator[str]:
        yield from self._up(step.stack, must=step.must)

    def _up(self, scope: str, *, must: bool) -> Iterator[str]:
        yield "By hand:" if must else "By hand, in another terminal; do not wait for it:"
        yield ""
        yield from _sh(f"pulumi up --stack {names.stack(self._topology.environment, scope)}")

    def _publish(self, _step: Step) -> Iterator[str]:
        last = self._list[-1]
        words = f"{self._pair.name}: entry {len(self._list)}, {last['kind']} to {last['to']}"
        yield "By hand:"
        yield ""
        yield from _sh(f"git commit --message {shlex.quote(words)} -- {self._file()}", "git push")

    def _file(self) -> str:
        return shlex.quote(str(self._topology.path))

    def _kubectl(self, region: str, columns: str) -> str:
        cluster = self._topology.region(region).cluster
        config = f" --kubeconfig {shlex.quote(cluster.kubeconfig)}" if cluster.kubeconfig else ""
        return (
            f"kubectl{config} --context {shlex.quote(cluster.context)} get {_CLUSTERS} --all-namespaces \\\n"
            f"  --selector {guard.PAIR}={self._pair.name} --output custom-columns={columns}"
        )

    def _epochs(self) -> set[int]:
        entries = tuple(Handover.model_validate(each) for each in self._list)
        now = self._pair.model_copy(update={"handovers": entries})
        return {epoch(now, database).number for database in self._pair.databases}

    def _shown(self, first: str) -> Iterator[str]:
        yield first
        yield ""
        yield "```yaml"
        yield "pairs:"
        yield f"  {self._pair.name}:"
        yield "    handovers:"
        yield from (f"      - {_flow(entry)}" for entry in self._list)
        yield "```"
        yield ""


def _written(entry: Handover) -> dict[str, Any]:
    """An entry as it stands in the file: what was left out is not in it."""
    written = entry.model_dump(mode="json", exclude_defaults=True)
    if entry.accept_loss is not None:
        written["accept_loss"] = f"{entry.accept_loss}s"  # read as seconds, written as a duration
    return {key: written[key] for key in sorted(written, key="settled".__eq__)}


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str) and not value.replace("-", "").isalnum():
        return json.dumps(value)
    return json.dumps(value) if not isinstance(value, str) else value


def _sh(*lines: str) -> Iterator[str]:
    yield from ("```sh", *lines, "```", "")
