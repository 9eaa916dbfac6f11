"""What `pulumi up` says when a region's cluster does not answer: which region it is, and what to do.

Pulumi calls an error hook when the creation, the update or the deletion of a resource fails
(https://www.pulumi.com/docs/iac/concepts/resources/options/hooks/). The engine's own error stays; this adds one message
to it, once in a run for each region. Nothing is asked of the cluster, and nothing runs while no error occurs.
"""

import re
import threading
from weakref import WeakKeyDictionary

import pulumi
from pulumi.resource_hooks import ErrorHookArgs
from pulumi.runtime import settings
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub

from hakit.components.providers import kubernetes_provider_of, region_of

#: "configured Kubernetes cluster is unreachable" and "can't create Helm Release with unreachable cluster" are the
#: provider's (pulumi-kubernetes provider.go, helm_release.go), "Kubernetes cluster unreachable" is Helm's (kube
#: client.go, IsReachable): the last is what a cluster's loss in the middle of an update looks like.
_UNREACHABLE = re.compile("cluster (is )?unreachable|unreachable cluster")

#: The hooks of one run, by name: the engine takes a name once.
_HOOKS: WeakKeyDictionary[pulumi.Resource, dict[str, pulumi.ErrorHook]] = WeakKeyDictionary()


def told_when_unreachable(opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """The options of a resource of a region's cluster; if the cluster turns out to be unreachable, it is said what to
    do. Without an engine that has error hooks (tests by `hakit.testing` or Pulumi's mocks, `hakit preview`, an old
    command line), and in an inline program of the Automation API, the options stay as they are."""
    root = pulumi.runtime.get_root_resource()
    provider = kubernetes_provider_of(opts)
    if root is None or provider is None or not engine_has_error_hooks():
        return opts
    region = region_of(provider)
    label = region or provider._name  # noqa: SLF001  its logical name is in no public attribute
    hooks = _HOOKS.setdefault(root, {})
    if label not in hooks:
        hooks[label] = pulumi.ErrorHook(f"hakit-unreachable-{label}", _Once(message(region, label)))
    own = pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(on_error=[hooks[label]]))
    return pulumi.ResourceOptions.merge(opts, own)


def message(region: str, provider: str) -> str:
    """What is said of a region of a topology; without one, of the cluster of a provider."""
    lines = [
        f"the cluster of {f'region {region}' if region else f'provider {provider!r}'} could not be reached: the errors"
        " of its resources say why.",
        "  If others reach it: mend the network, the kubeconfig or the login of the machine that runs this.",
        "  If it is down or cut off: wait, and run `pulumi up` on this stack again when it answers.",
    ]
    if region:
        lines += [
            "  Meanwhile the stacks of the other regions, `traffic` and `shared` do not ask it for anything: run"
            " `pulumi up` on them as ever.",
            "  If its pairs must not wait, or it is lost for good: append a handover of kind failover to each pair,"
            " then run `pulumi up` on the other regions' stacks and on `traffic`.",
        ]
    lines += [
        "  Do not destroy the stack, edit its state, or set PULUMI_K8S_DELETE_UNREACHABLE: what runs there would be"
        " forgotten.",
        '  All of it: docs/interrupted.md, "A region does not answer".',
    ]
    return "\n".join(lines)


def engine_has_error_hooks() -> bool:
    """Whether an error hook would be run: by an engine that knows them, of a program that has a process of its own."""
    # Anything but an engine (mocks, a recording) takes hooks in no way or does not run them.
    is_engine = isinstance(settings.get_monitor(), ResourceMonitorStub)
    # Pulumi stops the callback servers of all programs in a process at the end of each (runtime/_callbacks.py,
    # shutdown, 3.250): inline programs of the Automation API would end each other's and fail. Those run in threads.
    is_alone = threading.current_thread() is threading.main_thread()
    # What an engine supports is asked before the program starts (pulumi runtime/stack.py, run_in_stack).
    return is_engine and is_alone and settings.SETTINGS.feature_support.get("errorHooks", False)


class _Once:
    """An error hook that says its message at the first error that means an unreachable cluster, and asks for no second
    attempt: each would wait for the same time limit."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._said = False

    def __call__(self, args: ErrorHookArgs) -> bool:
        # Newest first. The callbacks of one run share one event loop: no second one is in here at the same time.
        if not self._said and args.errors and _UNREACHABLE.search(args.errors[0]):
            self._said = True
            pulumi.log.error(self._text)
        return False
