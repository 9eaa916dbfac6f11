"""Room for a failover, with sums made by hand: three nodes of 4 cores, 8 GiB and 10 pods, one in each zone."""

from typing import Any

from hakit.observe import Object, Reader, RefusedError, UnreachableError
from hakit.preflight.failover import failover_of, see_room
from hakit.preflight.seen import Seen
from tests.unit.preflight.given import amount, node, pod, seen, wanted, workload

NOW = (workload("web", 2, role="standby"), workload("orders-g1", 3, kind="Cluster"))
THEN = (workload("web", 6), workload("orders-g1", 3, kind="Cluster"))


def test_what_is_left_is_beside_others_pods_and_what_the_stacks_have_here_now() -> None:
    # 12 cores; 1 is another's, 5 are the stacks' now. A failover brings 4 pods more.
    found = failover_of(wanted(workloads=NOW, then=THEN), seen(pods=[pod("a-0", "1")]))
    assert found["needed"] == amount(4, "4", 4).as_dict()
    assert found["left"] == amount(24, "6", 19).as_dict()
    assert (found["lacks"], found["problem"]) == ("", "")


def test_what_does_not_fit_is_told_and_what_just_fits_is_not() -> None:
    # Of 12 cores the stacks have 5 now. With 3 of others 4 are left, for the 4 that a failover brings; with 4, 3.
    just = failover_of(wanted(workloads=NOW, then=THEN), seen(pods=[pod("a-0", "3")]))
    assert just["lacks"] == ""
    lacking = failover_of(wanted(workloads=NOW, then=THEN), seen(pods=[pod("a-0", "3"), pod("b-0", "1")]))
    assert lacking["lacks"] == "4 cpu asked, 3 free"


def test_where_not_even_now_is_room_nothing_is_left_and_not_less_than_nothing() -> None:
    full = seen(pods=[pod(f"{zone}-0", "4") for zone in "abc"])
    found = failover_of(wanted(workloads=NOW, then=THEN), full)
    assert found["left"] == amount(22, "0", 19).as_dict()
    assert found["lacks"] == "4 cpu asked, 0 free"


def test_a_dead_region_is_not_known() -> None:
    found = failover_of(wanted(), UnreachableError("no answer within 15 s"))
    assert (found["needed"], found["left"], found["problem"]) == (None, None, "no answer within 15 s")


class Answers(Reader):
    def __init__(self, **lists: list[Object]) -> None:
        self.lists = lists

    def list(self, path: str, **query: str) -> list[Object]:
        kind = path.rpartition("/")[2]
        assert query == ({"fieldSelector": "status.phase!=Succeeded,status.phase!=Failed"} if kind == "pods" else {})
        if kind not in self.lists:
            raise RefusedError(403, "Forbidden", f"you may not list {kind}")
        return self.lists[kind]


def running(cpu: str) -> dict[str, Any]:
    containers = [{"name": "x", "resources": {"requests": {"cpu": cpu}}}]
    return {"metadata": {"name": "x", "namespace": "other"}, "spec": {"nodeName": "a-0", "containers": containers}}


def test_nodes_and_pods_are_all_that_is_asked_for() -> None:
    nodes = [node(f"{zone}-0", zone) for zone in "abc"]
    found = see_room(Answers(nodes=nodes, pods=[running("2500m")]))
    assert isinstance(found, Seen)
    # 12 cores, 2.5 another's, 5 the stacks'.
    assert failover_of(wanted(workloads=NOW, then=THEN), found)["left"] == {
        "pods": 24,
        "cpu": "4.5",
        "memory": "19Gi",
    }


def test_who_may_not_list_pods_is_told_so_and_nothing_is_called_free() -> None:
    refused = see_room(Answers(nodes=[node("a-0", "a")]))
    found = failover_of(wanted(workloads=NOW, then=THEN), refused)
    assert (found["left"], found["problem"]) == (None, "Forbidden: you may not list pods")
