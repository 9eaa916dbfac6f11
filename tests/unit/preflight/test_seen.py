"""Asking a cluster that refuses: what it says is kept, and nothing of it ends the command."""

from typing import Any

import pytest

from hakit.observe import Reader, RefusedError, UnreachableError
from hakit.preflight.run import judge
from hakit.preflight.seen import see
from tests.unit.preflight.given import wanted
from tests.unit.preflight.test_certificates import NOW


class Refusing(Reader):
    """A server that answers every question in one way."""

    def __init__(self, error: Exception) -> None:
        super().__init__("there")
        self.error = error

    def _request(self, *_question: Any) -> Any:
        raise self.error


@pytest.mark.parametrize(("status", "code"), [(403, "HK109"), (500, "HK100"), (503, "HK100")])
def test_whatever_is_refused_is_told_and_nothing_else_is_made_of_it(status: int, code: str) -> None:
    found = see(Refusing(RefusedError(status, "Reason", "its own words")), wanted())
    findings = list(judge(wanted(), found, NOW))
    assert {each.code for each in findings} == {code}
    assert {each.detail for each in findings} == {"its own words"}
    asked = {each.path for each in findings}
    assert {"/version", "/api/v1/nodes", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"} <= asked


def test_a_server_that_has_nothing_of_it_lacks_all_of_it() -> None:
    codes = {each.code for each in judge(wanted(), see(Refusing(RefusedError(404, "NotFound", "")), wanted()), NOW)}
    assert {"HK101", "HK102", "HK104", "HK106"} <= codes


def test_one_that_stops_answering_is_unreachable_as_a_whole() -> None:
    with pytest.raises(UnreachableError):
        see(Refusing(UnreachableError("no answer within 15 s")), wanted())
