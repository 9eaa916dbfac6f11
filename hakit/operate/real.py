"""The world outside: the topology's file, the regions' API servers, the witness, Pulumi and git."""

import time
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hakit import witness
from hakit.errors import HakitError
from hakit.observe import RefusedError, place_of
from hakit.operate import ahead, recorded
from hakit.operate.line import PRESUMED_DEAD, Lines
from hakit.operate.sight import see
from hakit.operate.stacks import Update, pulumi_up
from hakit.operate.steps import Step
from hakit.operate.world import Position, Sight
from hakit.preview.project import Project
from hakit.topology import Topology, edit, names
from hakit.topology.loading import parse

#: Seconds for one request to a place of the witness: at a failover some of them are gone.
WITNESS_SECONDS = 2.0
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class RealWorld:
    """One pair's world; a context manager, which ends the programs that it has started.

    Args:
        project: whose stacks are updated, and whose programs say what is applied.
        path: the topology's file.
        pair: its name.
        update: `pulumi up` of a stack by its name.
    """

    def __init__(self, project: Project, path: Path, pair: str, update: Update | None = None) -> None:
        self._project, self._path, self._pair = project, path, pair
        self._update = update or pulumi_up(project.root)
        self._text, self._parsed = "", None
        declared = self.topology()
        places = [place_of(declared, region, project.root) for region in declared.pair(pair).regions]
        self._lines = Lines({place.region: (place.context, place.kubeconfig) for place in places})
        self._rendered: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._lines.close()

    def topology(self) -> Topology:
        text = self._path.read_text(encoding="utf-8")
        if self._parsed is None or text != self._text:
            self._text, self._parsed = text, parse(text, str(self._path))
        return self._parsed

    def see(self, regions: Collection[str], floor: Mapping[str, Position]) -> Sight:
        try:
            return see(self._lines, self._last().pair(self._pair), regions, floor)
        except RefusedError as error:
            raise HakitError("not allowed to look at the pair's databases", given=error.message) from None

    def append(self, entry: Mapping[str, Any]) -> None:
        edit.append_handover(self._path, self._pair, entry)

    def add_token(self, database: str, token: str) -> None:
        edit.add_token(self._path, self._pair, database, token)

    def add_settled(self) -> None:
        edit.add_settled(self._path, self._pair)

    def raise_witness(self) -> list[str]:
        places = witness.raise_all(self._last(), self._pair, timeout=WITNESS_SECONDS)
        return [f"{place.address.partition('?')[0]}: {place.problem}" for place in places if place.problem]

    def apply(self, region: str) -> None:
        """By the region's stack where what its program makes cannot be told ahead."""
        declared = self._last()
        pair = declared.pair(self._pair)
        try:
            manifests = self._manifests(region, ahead.without_tokens(self._text, pair))
        except HakitError:
            self._update(names.stack(declared.environment, region), 600)
            return
        tokens = ahead.tokens_of(pair)
        try:
            for manifest in manifests:
                self._lines.to(region).apply_cluster(ahead.with_tokens(manifest, tokens))
        except BaseException:
            self._lines.drop(region)
            raise

    def update(self, stack: str, seconds: float) -> None:
        self._update(names.stack(self._last().environment, stack), seconds)

    def publish(self, words: str) -> str:  # noqa: ARG002  the entry itself says what was done
        kept = recorded.keep(self._path, self._pair)
        said = "; ".join(kept.lines())
        # Where there is no git, or nowhere to push to, there is nothing to do later either.
        if kept.problem.startswith("not pushed") or (kept.problem and not kept.commit and _in_git(self._path)):
            raise HakitError(said)
        return said

    def clock(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def render_ahead(self, steps: Iterable[Step]) -> None:
        """Make what the steps will apply, as far as programs say it; what fails is made when it is applied."""
        pair = self.topology().pair(self._pair)
        text = ahead.without_tokens(self._text, pair)
        for then, regions in ahead.texts_of(text, pair, steps).items():
            wanted = [region for region in regions if (region, then) not in self._rendered]
            with suppress(HakitError):
                self._render(then, wanted)

    def presume_dead(self, regions: Collection[str]) -> None:
        """Wait for these no longer than for a word."""
        self._lines.patience |= dict.fromkeys(regions, PRESUMED_DEAD)

    def may_patch(self, regions: Collection[str]) -> None:
        """Refuse to begin where the kubeconfig's user may not do it. A region that is silent is not asked.

        Raises:
            HakitError: the API server says that this user may not patch Clusters.
        """
        asked = {"group": "postgresql.cnpg.io", "resource": "clusters", "verb": "patch"}
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        with ThreadPoolExecutor(max(len(regions), 1)) as pool:
            answers = pool.map(
                lambda region: self._lines.to(region).review(_REVIEWS, {**body, "spec": {"resourceAttributes": asked}}),
                regions,
            )
            for region, answer in zip(regions, answers, strict=True):
                if not answer.get("status", {}).get("allowed"):
                    raise HakitError(
                        f"not allowed to patch Clusters in {region}",
                        given="the user of the region's context",
                        allowed="the rights that the region's stack is deployed with",
                        do="log in as whoever deploys the stacks",
                    )

    def _last(self) -> Topology:
        return self._parsed or self.topology()

    def _manifests(self, region: str, text: str) -> list[dict[str, Any]]:
        if (region, text) not in self._rendered:
            self._render(text, [region])
        return self._rendered[region, text]

    def _render(self, text: str, regions: Collection[str]) -> None:
        if regions:
            made = ahead.render(self._project, self._path, text, self._pair, regions)
            self._rendered |= {(region, text): manifests for region, manifests in made.items()}


def _in_git(path: Path) -> bool:
    return any((folder / ".git").exists() for folder in path.resolve().parents)
