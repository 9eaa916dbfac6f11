"""Pulumi.yaml and stack files."""

from pathlib import Path

import pytest

from hakit import HakitError
from hakit.preview.answers import load_answers
from hakit.preview.project import choose_stacks, find_project


def project_in(folder: Path, **files: str) -> Path:
    for name, text in {"Pulumi__yaml": "name: shop\nruntime: python\n", "__main____py": "", **files}.items():
        path = folder / name.removesuffix("__yaml").removesuffix("__py")
        path = path.with_name(path.name + (".yaml" if name.endswith("__yaml") else ".py"))
        path.write_text(text)
    return folder


def refused(folder: Path, text: str) -> str:
    with pytest.raises(HakitError) as error:
        find_project(project_in(folder, Pulumi__yaml=text))
    return str(error.value)


def test_the_project_is_found_from_a_folder_within(tmp_path: Path):
    inner = project_in(tmp_path) / "a" / "b"
    inner.mkdir(parents=True)
    found = find_project(inner)
    assert (found.name, found.root, found.main) == ("shop", tmp_path, tmp_path)


def test_without_a_project_the_message_says_what_to_do(tmp_path: Path):
    with pytest.raises(HakitError, match=r"no Pulumi\.yaml here or in any folder above"):
        find_project(tmp_path)


def test_another_runtime_is_refused_by_name(tmp_path: Path):
    message = refused(tmp_path, "name: shop\nruntime: nodejs\n")
    assert "runtime: hakit previews Python programs only" in message
    assert "given:   nodejs" in message
    assert "nodejs" in refused(tmp_path, "name: shop\nruntime: {name: nodejs}\n")


def test_broken_yaml_is_told_with_file_and_line(tmp_path: Path):
    assert f"{tmp_path / 'Pulumi.yaml'}:3: not YAML" in refused(tmp_path, "name: shop\nruntime: python\nmain: a: b\n")
    assert ":1: not a mapping" in refused(tmp_path, "- a\n")


def test_a_main_that_does_not_exist_or_holds_no_program_is_refused(tmp_path: Path):
    assert "main: it does not exist" in refused(tmp_path, "name: shop\nruntime: python\nmain: src\n")
    (tmp_path / "empty").mkdir()
    assert "no __main__.py" in refused(tmp_path, "name: shop\nruntime: python\nmain: empty\n")


def test_main_may_be_a_file_and_config_a_folder(tmp_path: Path):
    project_in(tmp_path, Pulumi__yaml="name: shop\nruntime: python\nmain: app.py\nconfig: cfg\n", app__py="")
    (tmp_path / "cfg").mkdir()
    (tmp_path / "cfg" / "Pulumi.dev.yaml").write_text("")
    found = find_project(tmp_path)
    assert (found.main, found.program) == (tmp_path, tmp_path / "app.py")
    assert found.stack_names() == ["dev"]


def test_stacks_are_the_files_beside_and_an_unknown_one_is_refused(tmp_path: Path):
    (project_in(tmp_path) / "Pulumi.prod-net.yaml").write_text("")
    (tmp_path / "Pulumi.dev.yaml").write_text("")
    found = find_project(tmp_path)
    assert choose_stacks(found, []) == ["dev", "prod-net"]
    assert choose_stacks(found, ["prod-net"]) == ["prod-net"]
    with pytest.raises(HakitError, match="did you mean 'prod-net'"):
        choose_stacks(found, ["prod-nt"])


def test_configuration_is_read_as_pulumi_reads_it(tmp_path: Path):
    declared = "config:\n  size: {type: integer, default: 3}\n  token: {type: string, secret: true, default: abc}\n"
    project_in(tmp_path, Pulumi__yaml=f"name: shop\nruntime: python\n{declared}  aws:region: eu-west-1\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(
        "config:\n  zip: 010\n  day: 2026-01-02\n  shop:config:old: x\n  on: 'yes'\n  empty:\n"
        "  list: [1, {day: 2026-01-02, key: {secure: AAA}}]\n  pw: {secure: AAA}\n"
    )
    config = find_project(tmp_path).stack("dev")
    assert config.values == {
        "shop:zip": "010",
        "shop:day": "2026-01-02",
        "shop:old": "x",
        "shop:on": "yes",
        "shop:empty": "",
        "shop:list": '[1,{"day":"2026-01-02","key":"[secret]"}]',
        "shop:pw": "[secret]",
        "shop:size": "3",
        "shop:token": "abc",
        "aws:region": "eu-west-1",
    }
    assert config.secrets == ["shop:list", "shop:pw", "shop:token"]
    assert config.encrypted == ["shop:list", "shop:pw"]


def test_a_declared_value_without_default_has_to_be_set(tmp_path: Path):
    project_in(tmp_path, Pulumi__yaml="name: shop\nruntime: python\nconfig: {size: {type: integer}}\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("")
    with pytest.raises(HakitError, match="shop:size has no value"):
        find_project(tmp_path).stack("dev")


def test_an_answers_file_with_a_wrong_key_is_refused(tmp_path: Path):
    (tmp_path / "answers.yaml").write_text("invoke: {}\n")
    with pytest.raises(HakitError, match="did you mean 'invokes'"):
        load_answers(tmp_path / "answers.yaml")
    with pytest.raises(HakitError, match="cannot be read"):
        load_answers(tmp_path / "none.yaml")
