"""Each trap raises its findings and no other, its twin none, and hardening gives what was written by hand."""

from collections.abc import Callable

import pytest

from hakit.charts import audit as audit_package
from hakit.charts import harden as harden_module
from hakit.charts.audit import audit
from hakit.findings import settle
from hakit.rules import RULES
from tests.charts.corpus import Trap, by_id, corpus, same, told

TRAPS = corpus()
each_trap = pytest.mark.parametrize("trap", TRAPS, ids=[trap.name for trap in TRAPS])


@each_trap
def test_a_trap_raises_exactly_its_findings(trap: Trap) -> None:
    assert trap.trap.findings() == trap.findings


@each_trap
def test_its_mended_twin_raises_none(trap: Trap) -> None:
    assert trap.twin.findings() == [], "the twin differs from the trap in the trap alone"


@each_trap
def test_hardening_gives_the_objects_written_by_hand(trap: Trap) -> None:
    objects = trap.trap.hardened()
    found, wanted = by_id(objects), by_id(trap.hardened)
    assert len(objects) == len(found), "no object is there twice"
    assert sorted(found) == sorted(wanted)
    for name, obj in wanted.items():
        assert same(found[name], obj), f"{name}: {found[name]}"


@each_trap
def test_hardening_leaves_what_it_cannot_mend_and_no_more(trap: Trap) -> None:
    assert told(audit(trap.trap.hardened(), trap.trap.intent)) == trap.left


@each_trap
def test_hardening_twice_is_hardening_once(trap: Trap) -> None:
    once = trap.trap.hardened()
    assert harden_module.harden(once, trap.trap.intent) == once


# From HK080 on the findings are about other things than charts; HK033 is about `accept`.
@pytest.mark.parametrize("code", sorted(code for code in set(RULES) - {"HK033"} if code < "HK080"))
def test_every_rule_has_a_trap_that_raises_it(code: str) -> None:
    assert any(found.startswith(code) for trap in TRAPS for found in trap.findings)


def test_accepting_what_nothing_raises_is_itself_a_finding() -> None:
    settled = settle([], {"HK005": "the volume is a ReadWriteMany one"}, "ZonalApp 'web'")
    assert told(settled.open) == ["HK033 accept HK005"]
    assert settle([], {}, "ZonalApp 'web'").open == [], "nothing accepted, nothing to say"


@pytest.mark.parametrize(
    "code", sorted(code for code, rule in RULES.items() if rule.mended and code not in {"HK022", "HK008"})
)
def test_what_a_rule_calls_mended_is_gone_after_hardening(code: str) -> None:
    # HK022 and HK008 have a second cause each that is not mended; their traps say which.
    assert not any(found.startswith(code) for trap in TRAPS for found in trap.left)


# --- take one out, and an expectation fails -------------------------------------------------------------------------


def _hardens_otherwise(trap: Trap, steps: list[harden_module.Step]) -> bool:
    found, wanted = by_id(trap.trap.hardened(steps)), by_id(trap.hardened)
    return found.keys() != wanted.keys() or not all(same(found[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("step", harden_module.STEPS, ids=lambda step: step.__name__)
def test_without_one_step_some_chart_hardens_otherwise_than_written(step: harden_module.Step) -> None:
    others = [each for each in harden_module.STEPS if each is not step]
    assert any(_hardens_otherwise(trap, others) for trap in TRAPS), f"no trap needs {step.__name__}"


@pytest.mark.parametrize("check", audit_package.CHECKS, ids=lambda check: check.__name__)
def test_without_one_check_some_finding_is_missing(check: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_package, "CHECKS", [each for each in audit_package.CHECKS if each is not check])
    missed = (trap for trap in TRAPS if not set(_of_objects(trap)) <= set(told(_audited(trap))))
    assert any(missed), f"no trap needs {check.__name__}"


def _audited(trap: Trap) -> list:
    return audit(trap.trap.objects(), trap.trap.intent)


def _of_objects(trap: Trap) -> list[str]:
    """The expected findings that an audit of objects raises; the others are about values and templates."""
    elsewhere = ("HK003", "HK012", "HK020", "HK031", "HK032")
    return [found for found in trap.findings if not found.startswith(elsewhere)]
