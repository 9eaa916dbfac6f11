"""pulumi_cloudflare takes seconds to import: who makes nothing of Cloudflare's must not pay for it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from pathlib import Path
from hakit.testing import record
sys.path.insert(0, "stacks")
import {module}
record(
    lambda: {module}.deploy({arguments}), project="hakit-reference", stack="prod", root=Path.cwd(),
    config={{"sessionKey": "a-session-key-for-tests", "ordersPassword": "a-password-for-tests",
             "cloudflareAccountId": "1" * 32, "cloudflareZoneId": "2" * 32}},
)
print(*sys.modules)
"""


def modules_of(module: str, arguments: str) -> set[str]:
    program = PROGRAM.format(module=module, arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.split())


def test_the_program_of_a_region_never_loads_cloudflare() -> None:
    loaded = modules_of("region", "'stacks/topology.prod.yaml', 'us-west-2'")
    assert "pulumi_kubernetes" in loaded, "it ran"
    assert "pulumi_cloudflare" not in loaded


def test_the_program_of_the_traffic_stack_does() -> None:
    assert "pulumi_cloudflare" in modules_of("traffic", "'stacks/topology.prod.yaml'")
