"""How the preview shows a database: what it asks for, which copy may be writable, and what of its login is secret."""

from typing import Any

from hakit.preview.masking import Mask, object_secrets
from hakit.preview.objects import find_objects
from hakit.preview.paint import Paint
from hakit.preview.totals import stack_totals
from hakit.preview.tree import tree
from hakit.testing import Secret
from tests.unit.preview.test_preview_totals import resource, total

CNPG = "postgresql.cnpg.io/v1"


def cluster(**spec: Any) -> Any:
    replica = {"self": "orders-g1-a", "primary": "orders-g1-a", "source": "orders-g1-b"}
    storage = {"storage": {"size": "50Gi"}, "walStorage": {"size": "10Gi"}}
    return resource("Cluster", "orders-g1", CNPG, spec={"instances": 3, "replica": replica, **storage, **spec})


def line(one: Any) -> str:
    find_objects([one])
    (text,) = tree([one], Paint(on=False))
    return text


def test_each_instance_is_a_pod_with_two_volumes() -> None:
    found = total(cluster(resources={"requests": {"cpu": "2", "memory": "4Gi"}}))
    # 3 x 2 cores, 3 x 4Gi, 3 x (50Gi + 10Gi)
    assert (found["pods"], found["cpu"], found["memory"], found["storage"]) == (3, "6", "12Gi", "180Gi")


def test_a_cluster_of_another_kind_asks_for_nothing() -> None:
    other = resource("Cluster", "capi", "cluster.x-k8s.io/v1beta1", spec={"instances": 3})
    find_objects([other])
    assert stack_totals([other]) == {}


REDIS = "redis.redis.opstreelabs.in/v1beta2"


def redis(kind: str, **spec: Any) -> Any:
    resources = {"requests": {"cpu": "2", "memory": "1Gi"}}
    own = {"clusterSize": 3, "kubernetesConfig": {"image": "x", "resources": resources}, **spec}
    return resource(kind, "sessions", REDIS, spec=own)


def test_a_redis_is_its_pods_with_a_claim_each_and_its_sentinels_have_none() -> None:
    claim = {"spec": {"resources": {"requests": {"storage": "5Gi"}}}}
    found = total(redis("RedisReplication", storage={"keepAfterDelete": True, "volumeClaimTemplate": claim}))
    # 3 x 2 cores, 3 x 1Gi, 3 x 5Gi
    assert (found["pods"], found["cpu"], found["memory"], found["storage"]) == (3, "6", "3Gi", "15Gi")
    found = total(redis("RedisSentinel", clusterSize=5))
    assert (found["pods"], found["cpu"], found["memory"], found["storage"]) == (5, "10", "5Gi", "0")
    assert total(redis("RedisSentinel", clusterSize="[unknown]"))["unknown"] == [
        "RedisSentinel/sessions: [unknown] pods"
    ]
    other = resource("RedisSentinel", "sessions", "example.com/v1", spec={"clusterSize": 3})
    find_objects([other])
    assert stack_totals([other]) == {}


def test_instances_that_are_not_known_are_told() -> None:
    assert total(cluster(instances="[unknown]"))["unknown"] == ["Cluster/orders-g1: [unknown] instances"]


def test_the_tree_says_which_copy_may_be_writable() -> None:
    assert "3 instances, primary" in line(cluster())
    follows = {"self": "orders-g1-a", "primary": "orders-g1-b", "source": "orders-g1-b"}
    assert "1 instance, follows orders-g1-b" in line(cluster(instances=1, replica=follows))


def login(**data: Any) -> Any:
    return {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "orders-app"}, "stringData": data}


def test_where_single_values_of_a_secret_are_marked_the_others_are_words_like_any() -> None:
    marked = login(dbname="orders", password=Secret("a-password-of-length"))
    assert list(object_secrets(marked)) == [], "the marked one is known by its mark"
    assert Mask(["a-password-of-length"]).text("orders a-password-of-length") == "orders [secret]"


def test_where_none_is_marked_all_are_secret() -> None:
    assert sorted(object_secrets(login(dbname="orders", other="plain"))) == ["orders", "plain"]
