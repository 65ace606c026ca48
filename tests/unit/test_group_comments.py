"""The comments on groups: filled in completely, of both kinds, and what is kept back is never fitted on."""

from __future__ import annotations

import random

from models.text.group_comments import group_comments


def test_comments_when_filled_in_then_nothing_of_their_syntax_is_left() -> None:
    for kept_back in (False, True):
        for text, label in group_comments(random.Random(1), kept_back=kept_back):
            assert not set("[]{}|") & set(text), text
            assert label in {0, 1}


def test_comments_when_some_are_kept_back_then_both_parts_have_both_kinds_and_share_no_text() -> None:
    learnt = set(group_comments(random.Random(1), kept_back=False))
    kept = set(group_comments(random.Random(1), kept_back=True))
    assert {label for _, label in learnt} == {label for _, label in kept} == {0, 1}
    assert not {text for text, _ in learnt} & {text for text, _ in kept}


def test_comments_when_asked_for_some_of_each_wording_then_so_many_come() -> None:
    once = len(list(group_comments(random.Random(1), kept_back=True, each=1)))
    assert len(list(group_comments(random.Random(1), kept_back=True, each=5))) == 5 * once
