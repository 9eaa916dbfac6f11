"""`hakit drill`: what is refused before it begins, and the parts one after the other.

What a part does to the world goes through `underway.Tools`, so that a test can stand in for a region.
"""

import datetime as dt
import time

from hakit.drill.parts import RUN
from hakit.drill.report import FAILED, VERSION, DrillDocument, PartDocument, outcome_of
from hakit.drill.report import objectives as compared
from hakit.drill.underway import PARTS, Drill, Options, Progress, Tools, skipped
from hakit.errors import HakitError
from hakit.topology.handovers import active_region
from hakit.topology.model import Pair, Topology


def check(topology: Topology, pair: Pair, options: Options, in_production: str | None) -> None:
    """Refuse what must not begin.

    Args:
        topology: its environment is what must be typed.
        pair: that is drilled.
        options: what is asked for.
        in_production: what was typed after `--yes-in-production`.

    Raises:
        HakitError: a part or region is unknown; the environment was not typed, or another one was; the pair is in the
            middle of a handover.
    """
    for part in options.parts:
        if part not in PARTS:
            raise HakitError("--only: there is no such part", given=part, allowed=PARTS)
    for region in (options.to, *options.origins):
        if region and region not in pair.regions:
            raise HakitError(f"pair {pair.name} is not in this region", given=region, allowed=pair.regions)
    if options.to and options.to == active_region(pair):
        raise HakitError("--to: this region is active already", given=options.to)
    if pair.handovers and pair.handovers[-1].kind != "cancel" and not pair.handovers[-1].settled:
        raise HakitError(
            f"pair {pair.name} is in the middle of a handover",
            given=f"entry {len(pair.handovers)}, {pair.handovers[-1].kind}",
            do="end it first: hakit status",
        )
    if in_production != topology.environment:
        raise HakitError(
            f"a drill works on the running system, and this one is {topology.environment!r}",
            given=None if in_production is None else f"--yes-in-production {in_production}",
            do=f"look at it with --plan, then say so: --yes-in-production {topology.environment}",
        )


def run(name: str, pair: str, tools: Tools, options: Options, progress: Progress) -> DrillDocument:
    """Hold a drill. It ends with a document whatever happens on the way; a part that fails ends that part, and the next
    one is begun, but nobody's users are moved after a failure.

    Raises:
        HakitError: the topology is wrong.
    """
    drill = Drill(name, pair, tools, options, progress)
    topology = tools.topology()
    declared = topology.pair(pair)
    began, started = time.monotonic(), dt.datetime.now(dt.UTC)
    parts: list[PartDocument] = []
    for part in (each for each in PARTS if each in options.parts):
        begun = time.monotonic()
        if part == "game-day" and FAILED in [each["outcome"] for each in parts]:
            drill.steps[part] = [skipped("switch over and back", "something before it failed: mend that first")]
        else:
            RUN[part](drill)
        steps = drill.steps.get(part, [])
        outcome = outcome_of([each["outcome"] for each in steps])
        parts.append({"part": part, "outcome": outcome, "seconds": round(time.monotonic() - begun, 3), "steps": steps})
    return {
        "version": VERSION,
        "drill": name,
        "environment": topology.environment,
        "pair": pair,
        "active": active_region(declared),
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 3),
        "outcome": outcome_of([each["outcome"] for each in parts]),
        "objectives": compared(declared.objectives.rto, declared.objectives.rpo, drill.measured),
        "measured": drill.measured,
        "parts": parts,
    }
