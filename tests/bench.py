"""Ratios and times, measured in one run: `make bench`. Prints figures against their targets and judges nothing.

Each figure is the median of several runs in a process of its own where imports matter, after one that is not counted.
"""

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAM = """
import pulumi, pulumi_kubernetes as k8s, hakit
cluster = k8s.Provider("use1", context="prod-use1", cluster_identifier="prod-use1")
for number in range({count}):
    hakit.ZonalApp(f"app-{{number}}", {{
        "chart": {chart!r}, "namespace": "shop", "zones": ["a", "b", "c"], "replicas": 3,
        "values": {{"session": {{"key": pulumi.Output.secret("a-key-for-the-benchmark")}}}},
    }}, pulumi.ResourceOptions(provider=cluster))
"""


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def median(run: Callable[[], object], times: int = 5) -> float:
    run()
    return statistics.median(seconds(run) for _ in range(times))


def command(*words: str, cwd: Path = ROOT) -> Callable[[], object]:
    return lambda: subprocess.run(words, cwd=cwd, check=True, capture_output=True)


def python(code: str) -> Callable[[], object]:
    return command(sys.executable, "-c", code)


def show(what: str, figure: str, target: str = "") -> None:
    print(f"{what:<62} {figure:>12}   {target}", flush=True)


def bench_imports() -> None:
    """In pairs, one after the other: the two differ by less than a busy machine's mood does."""
    without, with_it = python("import pulumi"), python("import pulumi, hakit")
    beyond = statistics.median(seconds(with_it) - seconds(without) for _ in range(15))
    show("import hakit, beyond import pulumi", f"{beyond * 1000:.0f} ms", "target: under 60 ms")


def bench_harden() -> None:
    from hakit.charts.harden import harden
    from hakit.charts.intent import Intent
    from hakit.charts.render import Release, render
    from hakit.charts.source import load

    chart, release = load(str(ROOT / "examples/charts/warehouse")), Release("warehouse", "shop")
    objects = (render(chart, {}, release) * 2)[:10]
    taken = median(lambda: harden(objects, Intent()), 20)
    show("harden, ten objects", f"{taken * 1000:.1f} ms", "target: under 10 ms")
    ours = median(lambda: harden(render(chart, {}, release), Intent()), 20)
    show("render and harden, in this process", f"{ours * 1000:.1f} ms")
    helm = shutil.which("helm") or shutil.which("helm", path=str(ROOT / "lab" / "bin"))
    if helm is None:
        show("render and harden / helm template", "-", "no helm binary here (`make lab-tools` builds one)")
        return
    theirs = median(command(helm, "template", "warehouse", str(chart.path)), 10)
    show("render and harden / helm template", f"{ours / theirs:.2f}")


def planned(databases: int, apps: int) -> Callable[[], object]:
    """Every manifest of a pair's databases and every application's arguments, checked, in each of three regions."""
    from hakit.plan import pair, postgres, postgres_spec
    from hakit.topology import loading

    regions = ("us-east-1", "us-west-2", "eu-west-1")
    names = [f"db-{number}-of" for number in range(databases)]
    text = "name: shop\nenvironment: prod\naws: {account: '111122223333', prefix: acme}\nregions:\n" + "".join(
        f"  {region}: {{zones: [{region}a, {region}b, {region}c], kubernetes: '1.34', storage: {{zonal: gp3}}, "
        f"cluster: {{context: {region}, pod_identity: true}}}}\n"
        for region in regions
    )
    text += "pairs:\n  shop: {mode: active-passive, founded: us-east-1, objectives: {rto: 5m, rpo: 30s}, "
    topology = loading.parse(f"{text}databases: [{', '.join(names)}]}}\n", "topology.yaml")
    database = {"storage": "50Gi", "credentials": {"application": {"secret": "login"}}}
    args = {
        "databases": dict.fromkeys(names, database),
        "apps": {
            f"app-{number}": {
                "chart": "./chart",
                "active": {"replicas": 3},
                "database": names[number % databases],
                "database_values": {"database.host": "host"},
            }
            for number in range(apps)
        },
    }

    def run() -> None:
        for region in regions:
            spec = pair.specify("shop", {**args, "topology": "topology.yaml", "scope": region}, topology)
            for name in spec.databases:
                own = spec.database_args("topology.yaml", region, name)
                postgres.plan(postgres_spec.specify(name, own, topology))
            for app in spec.apps:
                spec.app_args("topology.yaml", region, app)

    return run


def bench_plan() -> None:
    few, many = median(planned(10, 20)), median(planned(100, 200))
    show("plan of 100 databases and 200 applications, three regions", f"{many:.2f} s", "target: under 2 s")
    show("the same / of 10 and 20", f"{many / few:.1f}", "linear is 10")


def bench_check() -> None:
    """A chart with 30 values: the time of one render, times the renders that the question needs."""
    from hakit.charts.holes import draft
    from hakit.charts.render import Release, render
    from hakit.charts.source import load
    from hakit.check import Question, check

    with tempfile.TemporaryDirectory() as folder:
        chart = Path(folder) / "thirty"
        (chart / "templates").mkdir(parents=True)
        (chart / "Chart.yaml").write_text("apiVersion: v2\nname: thirty\nversion: 1.0.0\n")
        data = "".join(f"  key{n}: {{{{ .Values.key{n} | quote }}}}\n" for n in range(30))
        (chart / "templates" / "map.yaml").write_text(
            f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: thirty}}\ndata:\n{data}"
        )
        values = Path(folder) / "values.yaml"
        values.write_text("".join(f"key{n}: value\n" for n in range(30)))
        taken = median(lambda: check(str(chart), Question(values=[values])))
        loaded, release = load(str(chart)), Release("thirty", "default")
        once = median(lambda: render(loaded, draft(loaded, {}, release).values, release))
        show("check, a chart with 30 values", f"{taken * 1000:.0f} ms", f"{taken / once:.0f} renders' time")


def bench_preview() -> None:
    """The reference system against the import time of its slowest stack: what its program imports, in a process."""
    region = "import pulumi, hakit, pulumi_kubernetes; hakit.ZonalApp; hakit.kubernetes_provider; hakit.load_topology"
    traffic = "import pulumi, hakit, pulumi_cloudflare; hakit.load_topology"
    imported = max(median(python(imports)) for imports in (region, traffic))
    taken = median(command(sys.executable, "-m", "hakit.cli", "preview"))
    show("imports of the reference system's slowest stack", f"{imported:.2f} s")
    show("hakit preview of the reference system", f"{taken:.2f} s", f"{taken - imported:+.2f} s; target: at most +1 s")


def preview_of(count: int) -> float:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chart = str(ROOT / "examples" / "charts" / "storefront")
        (folder / "Pulumi.yaml").write_text("name: bench\nruntime: python\n")
        (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
        (folder / "__main__.py").write_text(PROGRAM.format(count=count, chart=chart))
        words = (sys.executable, "-m", "hakit.cli", "preview", "--format", "json", "--timeout", "600")
        done = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True)
        resources = json.loads(done.stdout)["stacks"][0]["resources"]
        assert len(resources) == 1 + 2 * count, "a provider, and a component and a release for each application"
        return median(command(*words, cwd=folder), 3)


def bench_many() -> None:
    few, many = preview_of(10), preview_of(200)
    show("preview of 200 applications / of 10", f"{many / few:.1f}", f"{many:.1f} s / {few:.1f} s; target: at most 25")


LOCKED = """
import pulumi, pulumi_kubernetes as k8s, hakit
cluster = k8s.Provider("use1", context="prod-use1", cluster_identifier="prod-use1")
for number in range({count}):
    hakit.ZonalApp(f"app-{{number}}", {{
        "chart": f"app-{{number}}", "repo": "https://charts.example.com",
        "namespace": "shop", "zones": ["a", "b", "c"], "replicas": 3,
        "values": {{"session": {{"key": pulumi.Output.secret("a-key-for-the-benchmark")}}}},
    }}, pulumi.ResourceOptions(provider=cluster))
"""


def locked(count: int) -> tuple[float, float, float]:
    """Seconds to lock so many charts from a folder, seconds of a preview, MiB of the largest process so far."""
    import helm_python

    with tempfile.TemporaryDirectory() as name:
        folder, archives = Path(name) / "project", Path(name) / "archives"
        folder.mkdir()
        archives.mkdir()
        entries = []
        for number in range(count):
            chart = Path(name) / f"app-{number}"
            shutil.copytree(ROOT / "examples" / "charts" / "storefront", chart)
            metadata = (chart / "Chart.yaml").read_text().replace("name: storefront", f"name: app-{number}")
            (chart / "Chart.yaml").write_text(metadata)
            with helm_python.Chart.load(chart) as loaded:
                loaded.save(archives)
                version = loaded.version
            entries.append(f"  - {{chart: app-{number}, repo: 'https://charts.example.com', version: {version}}}\n")
        (folder / "charts.yaml").write_text("charts:\n" + "".join(entries))
        (folder / "Pulumi.yaml").write_text("name: bench\nruntime: python\n")
        (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
        (folder / "__main__.py").write_text(LOCKED.format(count=count))
        hakit = (sys.executable, "-m", "hakit.cli")
        locking = seconds(command(*hakit, "charts", "pull", "--from", str(archives), cwd=folder))
        words = (*hakit, "preview", "--format", "json", "--timeout", "600")
        done = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True)
        resources = json.loads(done.stdout)["stacks"][0]["resources"]
        assert len(resources) == 1 + 2 * count, "a provider, and a component and a release for each application"
        taken = seconds(command(*words, cwd=folder))
    unit = 1024**2 if sys.platform == "darwin" else 1024  # getrusage(2)
    return locking, taken, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit


def bench_locked() -> None:
    """300 charts, each an archive of its own behind the lock, against 10. Linux counts the largest process only."""
    (_, few, before), (locking, many, after) = locked(10), locked(300)
    show("300 charts locked from a folder", f"{locking:.1f} s")
    show("preview of 300 locked charts / of 10", f"{many / few:.1f}", f"{many:.1f} s / {few:.1f} s; target: at most 35")
    show("its memory, 300 / 10", f"{after / before:.1f}", f"{after:.0f} MiB / {before:.0f} MiB")


if __name__ == "__main__":
    bench_imports()
    bench_harden()
    bench_plan()
    bench_check()
    bench_preview()
    bench_many()
    bench_locked()
