"""Where journal and lock stand: beside the Pulumi state, which every operator reaches and which is in no region."""

import os
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path

from hakit.operate.store import Bucket, Store, open_store
from hakit.preview.project import Project
from hakit.preview.yamlfile import load_mapping
from hakit.topology import Topology

#: Names a place; else it is beside the Pulumi state.
VARIABLE = "HAKIT_JOURNAL"
FOLDER = ".hakit"


def address_of(project: Project, given: str = "", environment: Mapping[str, str] = os.environ) -> str:
    """The address of the place: as given, by HAKIT_JOURNAL, beside the state of a `file://` or `s3://` backend, or
    `.hakit/operate` in the project where the backend is another one.

    https://www.pulumi.com/docs/iac/concepts/state-and-backends/
    """
    if given or environment.get(VARIABLE):
        return given or environment[VARIABLE]
    backend = environment.get("PULUMI_BACKEND_URL") or _declared(project)
    if backend.startswith("file://"):
        folder = urllib.parse.unquote(backend.removeprefix("file://").partition("?")[0])
        return str(Path(folder).expanduser() / FOLDER / project.name)
    if backend.startswith("s3://"):
        return _in_s3(backend, project.name, environment)
    return str(local(project))


def local(project: Project) -> Path:
    """The place on this machine."""
    return project.root / FOLDER / "operate"


def _declared(project: Project) -> str:
    """Pulumi.yaml's own word."""
    for name in ("Pulumi.yaml", "Pulumi.yml"):
        if (project.root / name).is_file():
            backend = load_mapping(project.root / name).get("backend")
            return str(backend.get("url") or "") if isinstance(backend, dict) else ""
    return ""


def _in_s3(backend: str, project: str, environment: Mapping[str, str]) -> str:
    place = urllib.parse.urlsplit(backend)
    options = dict(urllib.parse.parse_qsl(place.query))
    region = options.get("region") or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
    query = {"region": region}
    if endpoint := options.get("endpoint", ""):
        plain = options.get("disableSSL") == "true"
        query["endpoint"] = endpoint if "://" in endpoint else f"{'http' if plain else 'https'}://{endpoint}"
    path = "/".join(filter(None, (place.path.strip("/"), FOLDER, project)))
    return f"s3://{place.netloc}/{path}?{urllib.parse.urlencode(query, safe=':/')}"


def warnings(project: Project, store: Store, address: str, topology: Topology) -> Iterator[str]:
    """What is wrong with the place: a journal that goes with the region it is about helps nobody."""
    if isinstance(store, Bucket):
        region = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query)).get("region", "")
        if region in topology.regions:
            yield (
                f"the journal is in {region} alone, which is a region of this topology: when it is lost, so is what "
                f"the next run goes by. Name another place in {VARIABLE}"
            )
    elif address == str(local(project)):
        yield f"the journal is on this machine only, in {address}: another operator's run does not see it"


def open_place(project: Project, given: str = "") -> tuple[Store, str]:
    """The place, and its address. Raises HakitError: it is none."""
    address = address_of(project, given)
    return open_store(address), address
