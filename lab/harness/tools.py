"""Where the lab's binaries and its state are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "lab" / "bin"
#: Everything that a running lab writes: data, certificates, logs. Beneath what `make clean` removes.
STATE = ROOT / ".hakit" / "lab"

#: What a region is made of; helm and pulumi are needed only by what uses them.
REGION_TOOLS = ("cluster", "kwok")
#: What a real node takes beside them, and what the PostgreSQL operator does. Images are made as root only.
NODE_TOOLS = ("coredns", "images/pause-1.tar", "images/postgresql-15.tar")
POSTGRES_TOOLS = (*NODE_TOOLS, "images/cloudnative-pg-1.30.0.tar", "manifests/cnpg.yaml")
#: What the operator's plugin for archives takes beside it. A node gets these images only when the plugin is asked for.
BARMAN_IMAGES = ("images/barman-0.14.0.tar", "images/barman-sidecar-0.14.0.tar")
BARMAN_TOOLS = (*POSTGRES_TOOLS, *BARMAN_IMAGES, "manifests/barman.yaml")
#: Python as `python`, for whatever a test lets run in a pod; a node gets it when it is asked for.
PYTHON_IMAGE = "images/python-3.11.tar"


def missing(*names: str) -> str:
    """A sentence about the tools that are not built; empty when all are there."""
    absent = [name for name in names if not (BIN / name).exists()]
    return f"not built: {', '.join(absent)}; `make lab-tools` builds them into lab/bin" if absent else ""


def tool(name: str) -> Path:
    if problem := missing(name):
        raise FileNotFoundError(problem)
    return BIN / name
