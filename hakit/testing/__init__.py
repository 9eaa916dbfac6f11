"""Run a Pulumi program without an engine and look at what it asked for: `record(program)`.

    from hakit.testing import UNKNOWN, Secret, record

    def program():
        Namespace("shop", metadata={"name": "shop"})

    def test_the_namespace_is_kept_when_the_stack_goes():
        assert record(program).one("Namespace").retain_on_delete

`hakit preview` uses the same monitor, so what a test sees is what a preview shows. What this cannot prove: that a
provider accepts the inputs, what it computes, and what an update of existing resources would change.
"""

from hakit.testing.monitor import RecordingMonitor
from hakit.testing.recording import Invoke, Note, Recorded, Recording
from hakit.testing.run import Session, record
from hakit.testing.values import UNKNOWN, Secret

__all__ = ["UNKNOWN", "Invoke", "Note", "Recorded", "Recording", "RecordingMonitor", "Secret", "Session", "record"]
