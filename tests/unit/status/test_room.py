"""Room for a failover on the screen and among the findings. The sums are tested in tests/unit/preflight."""

import pytest

from hakit.preflight.failover import FailoverDocument
from hakit.status import exit_code, status_text
from hakit.status.document import StatusDocument, document_of
from tests.unit.status.given import NOW, declared, healthy

NOTHING = {"pods": 0, "cpu": "0", "memory": "0"}
LEFT = {"pods": 24, "cpu": "6", "memory": "19Gi"}
NEEDED = {"pods": 4, "cpu": "4.5", "memory": "4Gi"}


def room(**changed: object) -> FailoverDocument:
    found: FailoverDocument = {"needed": NEEDED, "left": LEFT, "lacks": "", "uncounted": [], "problem": ""}
    return found | changed  # ty: ignore[invalid-return-type]


ACTIVE = room(needed=NOTHING)


def document(b: FailoverDocument) -> StatusDocument:
    return document_of(declared(), "topology.yaml", healthy(), NOW, {"a": ACTIVE, "b": b})


SUMS = "4 pods, 4.5 cpu and 4Gi more than now, 24 pods, 6 cpu and 19Gi left"
SAID: dict[str, tuple[FailoverDocument, str, int]] = {
    "enough": (room(), f" to b: enough, {SUMS}", 0),
    "not enough": (room(lacks="4.5 cpu asked, 1 free"), f" to b: not enough, {SUMS}", 3),
    "not known": (room(needed=None, left=None, problem="Forbidden: no"), " to b: not known: Forbidden: no", 0),
    "nothing is needed": (room(needed=NOTHING), ": none is needed, by what the stacks say", 0),
    "not all counted": (room(uncounted=["Job/x"]), f" to b: enough, {SUMS}; not counted: Job/x", 0),
}


@pytest.mark.parametrize(("b", "said", "code"), SAID.values(), ids=SAID)
def test_it_is_one_line_and_a_finding_where_it_lacks(b: FailoverDocument, said: str, code: int) -> None:
    found = document(b)
    assert status_text(found).splitlines()[2] == f"room for a failover{said}"
    assert [each["code"] for each in found["findings"]] == (["HK112"] if code else [])
    assert exit_code(found) == code


def test_the_finding_is_of_the_region_that_lacks_it() -> None:
    (finding,) = document(room(lacks="4.5 cpu asked, 1 free"))["findings"]
    assert (finding["object"], finding["message"]) == ("region b", "after a failover: 4.5 cpu asked, 1 free")


def test_not_asked_is_null_and_said() -> None:
    found = document_of(declared(), "topology.yaml", healthy(), NOW)
    assert [each["failover"] for each in found["regions"]] == [None, None]
    assert status_text(found).splitlines()[2] == "room for a failover: not asked (--room)"
