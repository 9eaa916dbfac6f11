"""`hakit preflight`: a live region compared with what the stacks want of it.

`wanted` reads that out of the stacks' preview, `seen` asks the cluster; the rules (`ground`, `operators`,
`room`, `quotas`, `storage`, `certificates`) are pure functions of both, so that nearly all of it is tested without a
cluster.
"""

from hakit.preflight.run import PreflightDocument, exit_code, preflight
from hakit.preflight.text import preflight_text

__all__ = ["PreflightDocument", "exit_code", "preflight", "preflight_text"]
