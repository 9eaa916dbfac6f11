"""Where the Pulumi project is: what paths in arguments are relative to."""

from pathlib import Path

import pulumi

from hakit import topology as topologies
from hakit.topology import Topology


def project_root() -> Path:
    """The folder of Pulumi.yaml; the working directory where no engine and no preview says which that is."""
    root = pulumi.get_root_directory()
    if root:
        return Path(root)
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "Pulumi.yaml").is_file()), here)


def load_topology(path: str) -> Topology:
    """The topology in a file, checked.

    Args:
        path: of the file, relative to the folder of Pulumi.yaml.

    Raises:
        HakitError: the file is missing, broken or wrong; with line, key, what was given and what is possible.
    """
    return topologies.load(project_root() / path)
