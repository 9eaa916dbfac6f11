"""A statement that is asked of what was restored: one SELECT that writes nothing, as far as its text tells. Pure.

PostgreSQL refuses the rest: the statement stands in a scalar subquery, in a transaction that is READ ONLY, and the role
that asks may write nothing.
"""

import re

from hakit.errors import HakitError

#: Comments, texts and quoted names: what is in them is no statement.
_ASIDE = re.compile(r"--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", re.DOTALL)
_WRITES = re.compile(
    r"\b(insert|update|delete|merge|truncate|create|drop|alter|grant|revoke|copy|call|into|nextval|setval|set_config"
    r"|lo_unlink|lo_import|lo_export|lo_from_bytea|lo_put|pg_terminate_backend|pg_switch_wal|dblink\w*)\b",
    re.IGNORECASE,
)
_ALLOWED = "one SELECT, or WITH ... SELECT, that gives one value"


def read_only(text: str, where: str, path: str) -> str:
    """The statement without the semicolon at its end.

    Raises:
        HakitError: it is none, it writes, or it is more than one.
    """
    sql = text.strip().removesuffix(";").strip()
    bare = _ASIDE.sub(" ", sql)

    def refused(what: str, do: str | None = None) -> HakitError:
        return HakitError(f"{path}: {what}", where=where, given=sql[:80], allowed=_ALLOWED, do=do)

    if re.search(r"['\"]|/\*", bare):
        raise refused("a quote or a comment that does not end", "write '' for a quote within a text")
    if found := _WRITES.search(bare):
        raise refused(f"{found[0]}: a check that writes", "ask, and change nothing; a name that is called so: quote it")
    if not re.match(r"(select|with)\b", bare.strip(), re.IGNORECASE):
        raise refused("not a SELECT")
    if ";" in bare:
        raise refused("more than one statement", "give each its own check")
    depth = 0
    for sign in bare:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            break
    if depth:
        raise refused("its parentheses do not match")
    return sql
