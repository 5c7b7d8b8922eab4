"""Small numbers stay unknown: whoever has a table with its totals tries every number that could stand in its place."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from worker.domain.small_numbers import ALL, SMALLEST, Hidden, protect

COUNTS = st.one_of(st.integers(0, 9), st.integers(0, 60))
TABLES = st.dictionaries(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz")), COUNTS, max_size=12)
MOST = 70
"""More than a hidden cell can be, so that whoever guesses tries everything."""


def lines_of(told: dict) -> list[tuple[list, object]]:
    """Every row and column that is told, with its total."""
    rows, columns = {row for row, _ in told}, {column for _, column in told}
    across = [([told[row, column] for column in columns - {ALL}], told[row, ALL]) for row in rows]
    return across + [([told[row, column] for row in rows - {ALL}], told[ALL, column]) for column in columns]


def could_be(cells: list, total: object, place: int) -> set[int]:
    """What the hidden cell at a place could be, to someone who sees the rest of a line and knows the rules."""
    hidden = [number for number, cell in enumerate(cells) if isinstance(cell, Hidden)]
    seen = sum(cell for cell in cells if isinstance(cell, int))
    few = [number for number in hidden if cells[number] is Hidden.FEW]
    found = set()
    for guess in product(*(range(1, SMALLEST) for _ in few)):
        values = dict(zip(few, guess, strict=True))
        left = total - seen - sum(guess)
        others = [number for number in hidden if number not in few]
        if (not others and left == 0) or (others and left >= len(others)):
            found |= {values[place]} if place in values else set(range(1, left - len(others) + 2))
    return found


@given(TABLES)
def test_what_is_told_is_true_and_what_is_few_is_never_told(counts: dict[tuple[str, str], int]) -> None:
    told = protect(counts)

    for place, count in counts.items():
        assert told[place] in {count, Hidden.FEW, Hidden.BESIDE}
        assert (told[place] is Hidden.FEW) <= (0 < count < SMALLEST)
        assert isinstance(told[place], Hidden) or count == 0 or count >= SMALLEST
    assert told.get((ALL, ALL), 0) in {sum(counts.values()), Hidden.FEW, Hidden.BESIDE}


@given(TABLES)
def test_no_row_or_column_gives_away_what_is_hidden_in_it(counts: dict[tuple[str, str], int]) -> None:
    for cells, total in lines_of(protect(counts)):
        if isinstance(total, Hidden):
            assert any(isinstance(cell, Hidden) for cell in cells)
            continue
        for place, cell in enumerate(cells):
            if cell is Hidden.FEW:
                assert could_be(cells, total, place) == set(range(1, SMALLEST))
            if cell is Hidden.BESIDE:
                assert len(could_be(cells, total, place)) > 1


def protect_line(counts: Mapping[Hashable, int]) -> dict[Hashable, object]:
    """A single column of counts, with its total under `ALL`."""
    told = protect({(name, "count"): count for name, count in counts.items()})
    return {name: cell for (name, column), cell in told.items() if column == "count"}


def test_one_small_number_takes_its_smallest_neighbour_with_it() -> None:
    assert protect_line({"a": 40, "b": 3, "c": 12, "d": 0}) == {
        "a": 40, "b": Hidden.FEW, "c": Hidden.BESIDE, "d": 0, ALL: 55,
    }  # fmt: skip


def test_a_neighbour_that_would_still_give_it_away_takes_another_one_with_it() -> None:
    """Five and something that add up to six leave only one for the something."""
    assert protect_line({"a": 40, "b": 1, "c": 5}) == {
        "a": Hidden.BESIDE, "b": Hidden.FEW, "c": Hidden.BESIDE, ALL: 46,
    }  # fmt: skip


def test_where_nothing_is_left_to_hide_behind_nobody_is_told_which_are_few() -> None:
    assert protect_line({"a": 1, "b": 5}) == {"a": Hidden.BESIDE, "b": Hidden.BESIDE, ALL: 6}


def test_a_total_of_few_is_few() -> None:
    assert protect_line({"a": 3}) == {"a": Hidden.FEW, ALL: Hidden.FEW}
    assert protect_line({}) == {}
