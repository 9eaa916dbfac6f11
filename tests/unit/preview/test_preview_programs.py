"""Programs that read each other, ask providers, or go wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise

from tests.unit.preview.conftest import Write

READS = """
import pulumi
stack, other = pulumi.get_stack(), {OTHERS}.get(pulumi.get_stack())
if other:
    reference = pulumi.StackReference(other)
    pulumi.export("seen", reference.get_output("name"))
    pulumi.export("hidden", reference.get_output("token"))
pulumi.export("name", f"{stack}-name")
pulumi.export("token", pulumi.Output.secret(f"{stack}-token"))
"""


def reads(**others: str) -> str:
    return READS.replace("{OTHERS}", repr(others))


def test_a_stack_sees_what_its_sibling_exports_in_either_order(write: Write):
    project = write(reads(a="organization/shop/b", c="b", d="shop/b"), ("a", "b", "c", "d"))
    ran = project.run()
    assert ran.code == 0, ran.err
    for stack in "acd":
        exports = ran.stack(stack)["exports"]
        assert exports == {"hidden": "[secret]", "name": f"{stack}-name", "seen": "b-name", "token": "[secret]"}
    assert "b-token" not in ran.out + ran.err


def test_more_waiting_stacks_than_processors_do_not_block_each_other(write: Write):
    names = tuple(f"s{number}" for number in range((os.cpu_count() or 1) + 1))
    following = dict(pairwise(names))
    ran = write(reads(**following), names).run()
    assert ran.code == 0, ran.err
    assert ran.stack("s0")["exports"]["seen"] == "s1-name"


def test_stacks_that_wait_for_each_other_are_told(write: Write):
    ran = write(reads(a="b", b="a"), ("a", "b")).run()
    assert ran.code == 2
    messages = [stack["error"]["message"] for stack in ran.document["stacks"] if stack["error"]]
    assert len(messages) == 1, "the other one goes on without"
    assert "the stacks wait for each other: " in messages[0]
    assert "a -> b -> a" in messages[0] or "b -> a -> b" in messages[0]


def test_a_stack_outside_the_project_is_unknown_with_a_note_or_answered(write: Write):
    program = reads(dev="acme/network/prod")
    project = write(
        program, answers__yaml="stacks:\n  network/prod: {outputs: {name: net, token: {secure: s3cure-it}}}\n"
    )
    ran = project.run()
    assert ran.stack("dev")["exports"]["seen"] == "[unknown]"
    assert ran.stack("dev")["notes"] == [
        {
            "kind": "reference",
            "text": "outputs of stack acme/network/prod are unknown: it belongs to project network",
        }
    ]
    answered = project.run("answers.yaml")
    assert answered.stack("dev")["exports"]["seen"] == "net"
    assert answered.stack("dev")["exports"]["hidden"] == "[secret]"
    assert "s3cure-it" not in answered.out + answered.err


def test_an_invoke_is_answered_empty_with_a_note_or_from_the_answers(write: Write):
    program = """
import pulumi
zones = pulumi.runtime.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", {}).value
pulumi.export("zones", zones.get("names"))
"""
    answers = "invokes:\n  aws:index/getAvailabilityZones:getAvailabilityZones: {names: [a, b]}\n"
    project = write(program, answers__yaml=answers)
    empty = project.run().stack("dev")
    assert empty["exports"] == {}
    asked = "aws:index/getAvailabilityZones:getAvailabilityZones"
    assert empty["notes"] == [{"kind": "invoke", "text": f"{asked} was answered empty: only its provider knows"}]
    answered = project.preview("--format", "json", "--answers", "answers.yaml").stack("dev")
    assert answered["exports"] == {"zones": ["a", "b"]}
    assert answered["notes"] == []


def test_a_remote_component_is_one_line(write: Write):
    program = """
import pulumi
class Remote(pulumi.ComponentResource):
    def __init__(self, token, name, props):
        super().__init__(token, name, props, None, remote=True)
Remote("awsx:ec2:Vpc", "net", {"cidrBlock": "10.0.0.0/16"})
Remote("kubernetes:helm.sh/v4:Chart", "web", {"chart": "nginx", "version": "9.1.0"})
"""
    ran = write(program).preview()
    assert "├─ awsx:ec2:Vpc net  (built by its provider, not rendered)\n" in ran.out
    assert "└─ kubernetes:helm.sh/v4:Chart web  (chart nginx 9.1.0, not rendered)\n" in ran.out


def test_the_program_sees_its_project_stack_folder_and_config(write: Write):
    program = """
import json, os, sys
import pulumi
import helper
config = pulumi.Config()
print(json.dumps([pulumi.get_project(), pulumi.get_stack(), pulumi.get_organization(), pulumi.get_root_directory(),
    os.getcwd(), sys.path[0], helper.NAME, config.get("zip"), config.get_bool("on"), config.get_object("list"),
    config.require_secret_int("count") is not None, pulumi.Config("aws").get("region"), config.get("size")]))
"""
    project = write(program, helper__py="NAME = 'from the program'\n")
    project.write(
        {
            "Pulumi.yaml": "name: shop\nruntime: {name: python}\nmain: stacks/\nstackConfigDir: stacks/config\n"
            "config: {size: {type: integer, default: 3}, count: {type: integer}}\n",
            "stacks/__main__.py": program,
            "stacks/helper.py": "NAME = 'beside it'\n",
            "stacks/config/Pulumi.dev.yaml": "config:\n  zip: 010\n  on: true\n  list: [1, {a: yes}]\n"
            "  count: {secure: AAA}\n  aws:region: us-east-1\n",
        }
    )
    (project.root / "Pulumi.dev.yaml").unlink()
    stack = project.preview("--format", "json", "stacks/config").stack("dev")
    root, main = str(project.root), str(project.root / "stacks")
    expected = ["shop", "dev", "organization", root, main, main, "beside it", "010", True, [1, {"a": "yes"}]]

    assert stack["error"] is None
    assert json.loads(stack["output"][0]) == [*expected, True, "us-east-1", "3"]
    assert stack["secret_config"] == ["shop:count"]


def test_a_program_that_raises_shows_the_users_frames_only(write: Write):
    program = """
import pulumi
import helper
pulumi.Output.from_input(1).apply(lambda one: helper.fail(one))
"""
    ran = write(program, helper__py="def fail(one):\n    raise ValueError(f'no {one}')\n").preview()
    assert ran.code == 2
    assert "could not run: ValueError: no 1\n" in ran.out
    assert "    helper.py:2 in fail\n" in ran.out
    assert "site-packages" not in ran.out + ran.err
    assert "runpy" not in ran.out + ran.err


def test_an_error_of_hakit_is_its_message_without_frames(write: Write):
    ran = write("from hakit import HakitError\nraise HakitError('zones: too few', do='add one')\n").preview()
    assert ran.code == 2
    assert "could not run: zones: too few\n      do:      add one\n" in ran.out
    assert "__main__.py" not in ran.out


def test_a_syntax_error_names_file_and_line(write: Write):
    ran = write("import pulumi\nif:\n").preview()
    assert ran.code == 2
    assert "__main__.py" in ran.out
    assert "line 2" in ran.out
    assert "SyntaxError" in ran.out


def test_a_program_that_exits_is_told_so(write: Write):
    ran = write("import sys\nprint('before')\nsys.exit(3)\n").run()
    assert ran.code == 2
    stack = ran.stack("dev")
    assert stack["error"]["kind"] == "exit"
    assert "sys.exit(3)" in stack["error"]["message"]
    assert stack["output"] == ["before"]


def test_a_program_whose_process_dies_is_told_so(write: Write):
    ran = write("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n").run()
    assert ran.code == 2
    assert ran.stack("dev")["error"]["message"] == "its process ended by signal SIGKILL"


def test_a_program_that_hangs_is_stopped_with_all_it_started(write: Write):
    program = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid)
time.sleep(60)
"""
    ran = write(program).run(timeout=8)
    assert ran.code == 2
    error = ran.stack("dev")["error"]
    assert (error["kind"], error["message"]) == ("timeout", "not done after 8 s (--timeout), so it was stopped")
    assert error["traceback"] == ["__main__.py:5 in <module>", "    time.sleep(60)"], "where it hung"
    pid = int(ran.stack("dev")["output"][0])
    assert _is_gone(pid), "the process it started was stopped too"


def _is_gone(pid: int) -> bool:
    for _ in range(20):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            if stat.read().split()[2] == "Z":
                return True
        time.sleep(0.1)
    return False


def test_ctrl_c_stops_the_programs(write: Write):
    project = write("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)\n")
    command = [sys.executable, "-m", "hakit.cli", "preview"]
    with subprocess.Popen(
        command,
        cwd=project.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # A shell's background job ignores Ctrl-C, and so would all that it starts: as in a terminal, then.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as hakit:
        for _ in range(100):
            if (project.root / "pid").is_file() and (project.root / "pid").read_text():
                break
            time.sleep(0.1)
        hakit.send_signal(signal.SIGINT)
        assert hakit.wait(timeout=60) == 130
    assert _is_gone(int((project.root / "pid").read_text()))


def test_a_run_that_fails_leaves_the_manifests_as_they_were(write: Write):
    program = """
import pulumi
class Map(pulumi.CustomResource):
    def __init__(self, name):
        props = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}}
        super().__init__("kubernetes:core/v1:ConfigMap", name, props)
Map("one")
if pulumi.Config().get_bool("fail"):
    raise ValueError("no")
"""
    project = write(program)
    assert project.preview("--out", "out").code == 0
    project.write({"Pulumi.dev.yaml": "config: {fail: true}\n"})
    ran = project.preview("--out", "out")
    assert ran.code == 2
    assert "nothing written" in ran.err
    assert (project.root / "out/dev/default/ConfigMap-one.yaml").is_file()
    assert sorted(path.name for path in project.root.iterdir() if path.name.startswith(".out")) == []


def test_a_project_without_stack_files_runs_as_preview_with_a_note(write: Write):
    ran = write("import pulumi\nprint(pulumi.get_stack())\n", ()).run()
    assert ran.code == 0
    assert ran.stack("preview")["output"] == ["preview"]
    assert "runs without configuration" in ran.stack("preview")["notes"][0]["text"]


def test_a_wrong_option_is_a_message_and_exit_code_2(write: Write):
    project = write("")
    for option, value in (("--format", "xml"), ("--timeout", "0"), ("--answers", "none.yaml"), ("--out", "main.py")):
        project.write({"main.py": ""})
        ran = project.preview(option, value)
        assert ran.code == 2, option
        assert option in ran.err or value in ran.err
        assert "Traceback" not in ran.err
