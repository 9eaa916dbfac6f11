"""Write the upgrade gate's states anew: `.venv/bin/python -m tests.lab.write_states`.

It deploys the reference system of this commit into two control planes, which takes a minute.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from lab.harness import LabRegion
from lab.harness.engine import Engine
from tests.lab.definitions import define
from tests.lab.test_engine import STACKS

STATES = Path(__file__).parent / "states"
#: Where in a program a resource was declared: of no use here, and it names folders of a machine.
OF_THE_MACHINE = ("sourcePosition", "stackTrace")


def main() -> None:
    STATES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        LabRegion("us-east-1", zones=["us-east-1a", "us-east-1b", "us-east-1c"]) as east,
        LabRegion("us-west-2", zones=["us-west-2a", "us-west-2b", "us-west-2c"]) as west,
        Engine(Path(folder) / "reference", {"prod-use1": east.kubeconfig, "prod-usw2": west.kubeconfig}) as engine,
    ):
        for region in (east, west):
            define(region)
        for stack in STACKS:
            print(f"deploying {stack} ...", file=sys.stderr)
            with engine.stack(stack) as opened:
                opened.up()
                write(stack, engine.run(opened, "stack", "export", "--stack", stack))  # secrets stay encrypted


def write(stack: str, exported: str) -> None:
    text = json.dumps(_scrubbed(json.loads(exported)), indent=1, sort_keys=True)
    (STATES / f"{stack}.json").write_text(text + "\n", encoding="utf-8")


def _scrubbed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _scrubbed(each) for key, each in value.items() if key not in OF_THE_MACHINE}
    return [_scrubbed(each) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
