"""A rule pack of one rule, to try lines in."""

from __future__ import annotations

from compline_shared.rule import Wording
from compline_shared.rule_pack import read_rules
from compline_shared.template import parse_template

HEAD = """# a comment
@pack try        # trailing comment
@version 3
@language zh-CN
@slot stop = 别再打了 / 不要再打
"""
RULE = "7 | threat | veto | 多次威胁，应当停止。 | threatens again and again\n"
FIRST = HEAD.count("\n") + 2
"""Line of the first condition under RULE."""


def problem_of(line: str) -> str:
    """Return the one problem of the rule with this line under it."""
    (problem,) = read_rules(f"{HEAD}{RULE}  {line}\n", name="try.rules")[1]
    return problem


def wording(text: str) -> Wording:
    """Return a wording that may use the slot of HEAD."""
    return Wording(text, parse_template(text, {"stop": ("别再打了", "不要再打")}))


MORE, YES = wording("还有吗"), wording("好的")
