"""The side-by-side view of two texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlp_core.export.compare import Row, compare

LINES = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12)


@given(LINES, LINES, st.integers(0, 3))
def test_every_line_is_shown_once_in_order_or_folded(left: list[str], right: list[str], context: int) -> None:
    rows = compare("".join(f"{line}\n" for line in left), "".join(f"{line}\n" for line in right), context)
    for side, lines in (("left", left), ("right", right)):
        at = 0
        for row in rows:
            found = getattr(row, side)
            if row.folded:
                at += row.folded
            elif found is not None:
                assert found == (at + 1, lines[at])
                at += 1
        assert at == len(lines)
    for row in rows:
        if row.left and row.right and not row.differs:
            assert row.left[1] == row.right[1]
    assert any(row.differs for row in rows) == (left != right)


def test_equal_texts_are_folded_whole() -> None:
    assert compare("a\nb\nc", "a\nb\nc") == [Row(None, None, False, 3)]


def test_context_stays_around_a_difference() -> None:
    shared = [f"line {i}" for i in range(9)]
    rows = compare("\n".join([*shared, "x"]), "\n".join([*shared, "y", "z"]))
    assert rows == [
        Row(None, None, False, 7),
        Row((8, "line 7"), (8, "line 7"), False),
        Row((9, "line 8"), (9, "line 8"), False),
        Row((10, "x"), (10, "y"), True),
        Row(None, (11, "z"), True),
    ]
