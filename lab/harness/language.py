"""A stand-in for Pulumi's Python language host, so that the real command line runs a program of its own accord.

pulumi-language-python is in no package registry. What runs the program here is the Automation API's own server of it
(`pulumi.automation`), for the program that the engine names. It installs nothing: the interpreter is this one.
"""

import contextlib
import os
import queue
import runpy
import signal
import sys
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2_grpc

from lab.providers.frame import while_the_parent_lives


class Host(LanguageServer):
    """One program, run once or not at all: the engine starts a host for each command. The program has the process for
    itself, and runs in its main thread."""

    def __init__(self, engine: str) -> None:
        super().__init__(lambda: None)
        self._engine = engine
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def work(self) -> bool:
        """To be called by the main thread, for ever."""
        with contextlib.suppress(queue.Empty):
            self._work.get(timeout=2)()
        return True

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        folder = Path(request.info.program_directory)
        os.chdir(folder)
        sys.path.insert(0, str(folder))

        def program() -> None:
            runpy.run_path(str(folder / "__main__.py"))

        self.program = program
        del request.args[:]
        request.args.append(self._engine)
        done: futures.Future[Any] = futures.Future()
        run = super().Run

        def work() -> None:
            try:
                done.set_result(run(request, context))
            except BaseException as error:  # noqa: BLE001  it is raised again in the thread that waits
                done.set_exception(error)

        self._work.put(work)
        return done.result()


def serve(engine: str) -> None:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    host = Host(engine)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    # The engine interrupts its plugins when an update fails; the program gets to its end all the same.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(port, flush=True)
    while_the_parent_lives(host.work)
    server.stop(0)


if __name__ == "__main__":
    serve(sys.argv[-1])
