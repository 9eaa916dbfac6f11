"""The parts of a drill: what each does, in steps. See docs/drill.md for what each proves, and what not."""

import time
from collections.abc import Callable, Mapping

from hakit.drill import consistency, markers, probing
from hakit.drill.sql import Session
from hakit.drill.underway import Drill, StepError, skipped
from hakit.errors import counted
from hakit.topology.handovers import active_region, serves


def _consistency(drill: Drill) -> None:
    for database in drill.now().databases:
        _trail(drill, database)
        for region in drill.now().regions:
            if region != active_region(drill.now()):
                drill.step(
                    "consistency",
                    f"compare {database} in {region} table by table",
                    lambda region=region, database=database: _compared(drill, database, region),
                )
    if not drill.now().databases:
        drill.steps["consistency"] = [skipped("compare databases", "the pair has none")]


def _primary(drill: Drill, database: str) -> tuple[Session, dict[str, Session]]:
    """The copy in the active region, and the others."""
    sessions = dict(drill.tools.sessions(database))
    active = active_region(drill.now())
    if active not in sessions:
        raise StepError(f"{database} in {active} cannot be asked")
    return sessions.pop(active), sessions


def _trail(drill: Drill, database: str) -> None:
    limit = drill.options.marker_seconds or max(2.0 * drill.now().objectives.rpo, 30.0)

    def follow() -> str:
        primary, copies = _primary(drill, database)
        found = markers.trail(primary, list(copies.values()), drill.name, seconds=limit)
        late = {region: seen for region, seen in found.rows.items() if seen.seconds is None}
        there = [seen.seconds for seen in found.rows.values() if seen.seconds is not None]
        key = "rpo_seconds"
        drill.measured[key] = round(max([drill.measured.get(key, 0.0), *there, *([limit] if late else [])]), 3)
        archived = found.archived.seconds
        if archived is not None:
            drill.measured["archive_seconds"] = round(max(drill.measured.get("archive_seconds", 0.0), archived), 3)
        if missing := sorted(set(drill.now().regions) - {primary.region, *found.rows}):
            raise StepError(f"{', '.join(missing)} cannot be asked")
        if late:
            told = (f"{region}{f' ({seen.problem})' if seen.problem else ''}" for region, seen in late.items())
            raise StepError(f"not within {limit:g} s in {', '.join(told)}")
        rows = ", ".join(f"{region} {seen.seconds:.1f} s" for region, seen in found.rows.items())
        kept = f"archived after {archived:.1f} s" if archived is not None else f"not archived within {found.waited:g} s"
        return f"at {found.position}: {rows}; {kept}"

    drill.step("consistency", f"write a marker into {database} and find it in every region", follow)
    _forget(drill, database)


def _forget(drill: Drill, database: str) -> None:
    """Its own markers, from where they can be taken away now."""

    def away() -> str:
        markers.remove(_primary(drill, database)[0], drill.name)
        return ""

    drill.step("consistency", f"take the markers out of {database} again", away)


def _compared(drill: Drill, database: str, region: str) -> str:
    primary, copies = _primary(drill, database)
    if region not in copies:
        raise StepError(f"{database} in {region} cannot be asked")
    tables = list(consistency.compare(primary, copies[region], seconds=drill.options.table_seconds))
    behind = consistency.sequences(primary, copies[region])
    worst = consistency.worst(tables)
    rows = sum(each.rows[0] or 0 for each in tables)
    told = [f"{each.name}: {each.outcome}, {each.said}, rows {each.rows[0]} and {each.rows[1]}" for each in tables
            if each.outcome != consistency.EQUAL]  # fmt: skip
    key = "compared_rows"
    drill.measured[key] = drill.measured.get(key, 0) + rows
    if worst == consistency.DIFFERENT or behind:
        again = [f"sequence {each} is behind" for each in behind]
        raise StepError("; ".join([*told, *again]))
    summary = f"{counted(len(tables), 'table')}, {counted(rows, 'row')}"
    return "; ".join([summary, *told])


def _traffic(drill: Drill) -> None:
    url = drill.options.url
    if not url:
        drill.steps["traffic"] = [skipped("ask the host name", "no --url was given")]
        return

    def asked() -> str:
        answer = probing.get(url)
        if not answer.good:
            raise StepError(f"{url} answers {answer.status or answer.problem}")
        return str(answer.status)

    def regions() -> str:
        pair = drill.now()
        active = {region for region in pair.regions if serves(pair, region)}
        wrong = probing.origins(drill.options.origins, url, active)
        if wrong:
            raise StepError("; ".join(wrong.values()))
        return f"{', '.join(sorted(active))} answers for users, the others do not"

    drill.step("traffic", f"ask {url} as users do", asked)
    if drill.options.origins:
        drill.step("traffic", "ask each region past the load balancer", regions)


def _restore(drill: Drill) -> None:
    active = active_region(drill.now())
    _restored(drill, "restore", active, active)


def _restored(drill: Drill, part: str, region: str, source: str) -> None:
    began = time.monotonic()
    done = [
        drill.step(
            part,
            f"restore {database} in {region} from the archive of {source}",
            lambda database=database: drill.tools.restored(database, region, source),
        )
        for database in drill.now().databases
    ]
    if done and all(done):
        took = round(time.monotonic() - began, 3)
        drill.measured["restore_seconds"] = max(drill.measured.get("restore_seconds", 0.0), took)
    if not done:
        drill.steps[part] = [skipped("restore", "the pair has no database")]


def _region_loss(drill: Drill) -> None:
    """What can be known of a region's loss without losing one: that the plan is whole, that there is room, and that the
    other region can read what the active one has archived, should its copy be no good."""
    target = drill.target()

    def room() -> str:
        lacking = drill.tools.lacking(target)
        if lacking:
            raise StepError("; ".join(lacking))
        return "room for everything that would run there"

    drill.step("region-loss", f"plan a failover to {target}", lambda: drill.tools.planned(target))
    drill.step("region-loss", f"ask {target} for the room to be active", room)
    if drill.now().databases:
        _restored(drill, "region-loss", target, active_region(drill.now()))


def _game_day(drill: Drill) -> None:
    before, there = active_region(drill.now()), drill.target()
    writers: dict[str, markers.Writer] = {}
    prober = probing.Prober(drill.options.url) if drill.options.url else None
    if not drill.step("game-day", "begin to write markers", lambda: _begin(drill, writers, before)):
        _stop(writers, prober)
        return
    if prober:
        prober.start()
    try:
        for region in (there, before):
            began = time.monotonic()
            if not drill.step(
                "game-day", f"switch over to {region}", lambda region=region: drill.tools.switched(region)
            ):
                return  # nobody knows where it stands: the operation itself says how to go on
            drill.measured[f"switchover_to_{region}_seconds"] = round(time.monotonic() - began, 3)
            drill.step("game-day", f"write in {region}", lambda: _writes(drill, writers))
    finally:
        _stop(writers, prober)
        for database, writer in writers.items():
            drill.step(
                "game-day",
                f"count the markers of {database}",
                lambda database=database, writer=writer: _counted(drill, database, writer),
            )
        if prober:
            drill.step("game-day", f"count the answers of {prober.url}", lambda: _answers(drill, prober))


def _begin(drill: Drill, writers: dict[str, markers.Writer], active: str) -> str:
    for database in drill.now().databases:
        primary, copies = _primary(drill, database)
        markers.prepare(primary)
        writers[database] = markers.Writer([primary, *copies.values()], f"{drill.name}-day")
        writers[database].start()
    _writes(drill, writers)
    return f"{counted(len(writers), 'database')}, in {active}"


def _writes(drill: Drill, writers: Mapping[str, markers.Writer]) -> str:
    for database, writer in writers.items():
        if not writer.wait_for_more(drill.options.settle_seconds):
            raise StepError(f"{database} took no marker within {drill.options.settle_seconds:g} s")
    return ""


def _stop(writers: Mapping[str, markers.Writer], prober: probing.Prober | None) -> None:
    for each in (*writers.values(), *([prober] if prober else [])):
        each.stop()


def _counted(drill: Drill, database: str, writer: markers.Writer) -> str:
    primary, _ = _primary(drill, database)
    found = writer.judged(primary)
    drill.measured["rto_seconds"] = round(max(drill.measured.get("rto_seconds", 0.0), found.without_writes), 3)
    drill.measured["resolution_seconds"] = round(
        max(drill.measured.get("resolution_seconds", 0.0), found.resolution), 3
    )
    drill.measured["lost_rows"] = drill.measured.get("lost_rows", 0) + len(found.lost)
    markers.remove(primary, writer.drill)
    told = f"{found.acknowledged} acknowledged, {found.without_writes:.1f} s without writes"
    if found.lost:
        raise StepError(f"{told}, {counted(len(found.lost), 'marker')} LOST though a switchover loses nothing")
    return f"{told}, none lost"


def _answers(drill: Drill, prober: probing.Prober) -> str:
    longest, bad = probing.without_answers(prober.answers)
    drill.measured["without_answers_seconds"] = round(longest, 3)
    return f"{len(prober.answers)} asked, {bad} not answered well, {longest:.1f} s at most between two good ones"


#: By name, in the order of `hakit.drill.underway.PARTS`.
RUN: Mapping[str, Callable[[Drill], None]] = {
    "consistency": _consistency,
    "traffic": _traffic,
    "restore": _restore,
    "region-loss": _region_loss,
    "game-day": _game_day,
}
