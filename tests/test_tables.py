"""`pg.table`, read back."""

import pytest
from IPython.display import Markdown

import pgutils as pg


def test_a_table_has_a_head_a_rule_and_its_rows():
    shown = pg.table(["state", "V"], ["forest", "0.87"], ["ridge", 3.25])
    assert isinstance(shown, Markdown)
    assert shown.data == "| state | V |\n| --- | --- |\n| forest | 0.87 |\n| ridge | 3.25 |"


def test_a_bar_inside_an_entry_does_not_end_it():
    assert pg.table(["π(a|s)"]).data.splitlines()[0] == r"| π(a\|s) |"


def test_a_row_of_another_length_is_named():
    with pytest.raises(ValueError, match=r"2 entries, got 1: \['forest'\]"):
        pg.table(["state", "V"], ["forest"])


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        (-0.5, "−0.5"),
        ("-3 to -1", "−3 to −1"),
        ("(-.5, 2)", "(−.5, 2)"),
        ("1e-10", "1e-10"),
        ("3-5", "3-5"),
        ("leave-one-out", "leave-one-out"),
        ("`x[-1]`", "`x[-1]`"),
        ("$10^{-3}$", "$10^{-3}$"),
    ],
)
def test_a_negative_number_has_a_minus_sign(entry, shown):
    assert pg.table(["x"], [entry]).data.splitlines()[-1] == f"| {shown} |"
