"""A step put into a sequence's text by form leaves every other line alone, and says what was meant or is refused."""

from __future__ import annotations

import tomllib

import pytest

from tests.support.world import SHIPPED
from worker.domain.step_texts import Place, change, put_in, read_steps, take_out
from worker.errors import Refused

SEQUENCES = sorted(path for path in SHIPPED if path.startswith("sequences/"))
TEXT = SHIPPED["sequences/depression.toml"]
EVERYWHERE = Place(after="options", days=4, only_at=())


def ids(text: str) -> list[str]:
    return [step["id"] for step in tomllib.loads(text)["steps"]]


@pytest.mark.parametrize("path", SEQUENCES)
def test_a_step_put_in_and_taken_out_again_leaves_every_line_of_ours_as_it_was(path: str) -> None:
    text = SHIPPED[path]
    last = read_steps(text).steps[-1].id

    longer = put_in(text, "a-new-one", Place(after=last, days=3, only_at=("albany",)))

    assert ids(longer) == [*ids(text), "a-new-one"]
    assert longer.startswith(text.rstrip("\n"))
    assert take_out(longer, "a-new-one") == text


def test_a_step_goes_where_it_is_put() -> None:
    first = put_in(TEXT, "new", Place(after="", days=1, only_at=()))
    second = put_in(TEXT, "new", EVERYWHERE)

    assert ids(first)[0] == "new"
    assert 'wait = "1 day"' in first
    assert ids(second)[:2] == ["options", "new"]


def test_a_moved_step_keeps_its_id_and_all_that_the_form_does_not_ask_for() -> None:
    before = {step["id"]: step for step in tomllib.loads(TEXT)["steps"]}

    moved = change(TEXT, "session", Place(after="", days=None, only_at=("albany",)))

    steps = tomllib.loads(moved)["steps"]
    assert steps[0] == {**before["session"], "locations": ["albany"]}
    assert {step["id"]: step for step in steps[1:]} == {name: one for name, one in before.items() if name != "session"}
    everywhere = tomllib.loads(change(TEXT, "session", Place(after="options", days=7, only_at=())))["steps"][1]
    assert ("locations" in everywhere, everywhere["wait"]) == (False, "7 days")


def test_a_comment_above_a_step_goes_with_it() -> None:
    text = TEXT.replace('[[steps]]\nid = "session"', '# About one visit.\n[[steps]]\nid = "session"')

    assert change(text, "session", Place(after="", days=None, only_at=())).index("# About one visit.") < text.index(
        'id = "options"'
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id = [", "mend it there first"),
        ('steps = [{ id = "a", email = "a", wait = "2 days" }]', "does not know"),
        ('id = "x"\n', "does not know"),
        (TEXT.replace('wait = "2 days"', "wait= '2 days'"), "does not know"),
        (TEXT + '\n[[steps]]\nid = "x"\nnote = """\n[[steps]]\n"""\n', "does not know"),
    ],
)
def test_a_text_that_is_written_in_another_way_is_refused_and_not_bent(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        change(text, "options", Place(after="", days=9, only_at=()))


def test_what_can_not_be_meant_is_refused() -> None:
    only = TEXT[: TEXT.index("[[steps]]", TEXT.index("[[steps]]") + 1)]
    for refused in (
        lambda: put_in(TEXT, "risks", EVERYWHERE),
        lambda: put_in(TEXT, "new", Place(after="nothing", days=4, only_at=())),
        lambda: put_in(TEXT, "new", Place(after="options", days=None, only_at=())),
        lambda: change(TEXT, "options", EVERYWHERE),
        lambda: take_out(TEXT, "nothing"),
        lambda: take_out(only, "options"),
    ):
        with pytest.raises(Refused):
            refused()
