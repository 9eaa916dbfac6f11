"""Which renderer a chart gets, as far as it takes no helm to see; the rest is in tests/lab/test_rendering.py."""

from pathlib import Path

import pytest

from hakit.charts.render import Release, render, rendered_by
from hakit.charts.templates import ENGINE_KUBERNETES
from hakit.check import Question, check
from hakit.errors import HakitError
from tests.charts.build import config, make_chart

CLUSTER = Release("web", "default", (1, 34))


def test_a_helm_that_is_named_and_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = make_chart(tmp_path, config("{version: {{ .Capabilities.KubeVersion.Version }}}"))
    plain = make_chart(tmp_path / "plain", config("{version: none}"))
    for named in ("/nowhere/helm", "/bin/true"):
        monkeypatch.setenv("HAKIT_HELM", named)
        with pytest.raises(HakitError) as caught:
            render(asking, {}, CLUSTER)
        assert caught.value.where == "HAKIT_HELM"
        assert caught.value.given == named
        assert render(plain, {}, CLUSTER), "a chart that asks for nothing needs no helm"


def test_something_else_called_helm_on_path_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "helm").write_text("#!/bin/sh\necho v2.17.0\n")
    (tmp_path / "helm").chmod(0o755)
    monkeypatch.delenv("HAKIT_HELM", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    asking = make_chart(tmp_path, config("{version: {{ .Capabilities.KubeVersion.Version }}}"))
    (found,) = render(asking, {}, CLUSTER)
    assert found["data"] == {"version": "v{}.{}.0".format(*ENGINE_KUBERNETES)}
    assert rendered_by(asking, CLUSTER) == ""


@pytest.mark.parametrize("entry", ["HK020", "HK020 .Capabilities", "HK020 .Capabilities.APIVersions"])
def test_what_is_accepted_for_machines_with_helm_is_no_error_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    monkeypatch.delenv("HAKIT_HELM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    template = config('{has: {{ .Capabilities.APIVersions.Has "a/v1" | quote }}}')
    asking = make_chart(tmp_path, template)
    settled = check(str(asking.path), Question(accept={entry: "a/v1 is there"})).settled
    assert settled.errors == []
    plain = make_chart(tmp_path / "plain", config("{has: nothing}"))
    settled = check(str(plain.path), Question(accept={entry: "a/v1 is there"})).settled
    assert [each.code for each in settled.errors] == ["HK033"], "a chart that asks for nothing has nothing to accept"
