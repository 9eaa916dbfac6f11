"""What a finding means: one entry of the catalogue, or the page of all of them."""

import textwrap

from hakit.errors import HakitError
from hakit.rules import RULES, Rule

_INTRODUCTION = """\
# Findings

One finding is one thing that would break high availability. `hakit check`, `hakit preview` and `ZonalApp` raise the
same ones; those from HK100 on are about live clusters, and come from `hakit preflight`. An **error** that nobody
accepted stops a Pulumi program before the application's first resource, and makes the commands end with exit code 1;
a **warning** does so only with `--strict`. *Mended by ZonalApp* means that `hakit check` reports it for the chart as
it is, and that it is gone under ZonalApp.

To let one through, say why. Everything of a code, or one object of it:

```python
"accept": {
    "HK020": "the chart only asks whether policy/v1 exists, which it does",
    "HK004 Deployment/worker": "the queue keeps the jobs while it restarts",
}
```

The reason is shown in every preview and kept among the component's outputs. An entry that no finding matches is an
error itself (HK033), and so is a code that does not exist. This page is written from the code by `make docs`;
`hakit explain CODE` prints one entry of it.
"""


def rule_of(code: str) -> Rule:
    """One entry of the catalogue. Raises HakitError for a code that it does not have."""
    found = RULES.get(code.upper())
    if found is None:
        raise HakitError(
            "there is no such finding",
            given=code,
            allowed=f"{min(RULES)} to {max(RULES)}",
            do="docs/findings.md lists all of them, `hakit explain` without a code prints them",
        )
    return found


def explain(code: str) -> str:
    """One entry of the catalogue as text for a terminal."""
    rule = rule_of(code)
    parts = [f"{rule.code} {rule.severity}: {rule.title}", "", *textwrap.wrap(rule.why, 100), ""]
    parts += textwrap.wrap(f"To mend it: {rule.mend}.", 100)
    if rule.mended:
        parts.append("ZonalApp mends it by itself.")
    return "\n".join(parts) + "\n"


def page() -> str:
    """`docs/findings.md`."""
    rows = [
        f"| [{rule.code}](#{rule.code.lower()}) | {rule.severity} | {rule.title} | {'yes' if rule.mended else ''} |"
        for rule in RULES.values()
    ]
    table = ["| code | severity | what | mended by ZonalApp |", "|---|---|---|---|", *rows]
    entries = [
        f"## {rule.code}\n\n**{rule.title}** ({rule.severity})\n\n{rule.why}\n\n"
        f"To mend it: {rule.mend}.{' ZonalApp does so by itself.' if rule.mended else ''}\n"
        for rule in RULES.values()
    ]
    return "\n".join([_INTRODUCTION, *table, "", *entries])
