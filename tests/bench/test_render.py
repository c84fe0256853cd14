"""How the figures are written down."""

import pytest

import render

RESULTS = {
    "conditions": {"processor": "a | b", "cores": 2},
    "parts": {
        "throughput": {
            "title": "Throughput",
            "figures": [{
                "what": "completions", "value": 9.876, "unit": "/s", "baseline": "raw containers", "baseline_value": 10.5,
                "compared": "0.94 of it", "bar": ">= 0.90", "holds": True,
            }],
            "tables": [{"title": "rounds", "columns": ["round", "completions/s"], "rows": [[1, 9.8], [2, None]]}],
            "notes": ["200 programs"],
        },
    },
}


@pytest.mark.parametrize("value, text", [
    (None, "-"), (0.0, "0.00"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12,346"), (12345, "12,345"),
    (-3.456, "-3.46"), ("text", "text"), (True, "yes"),
])
def test_numbers_show_what_they_are_worth(value, text):
    assert render.number(value) == text


def test_a_missing_figure_has_no_unit():
    assert render.with_unit(None, "ms") == "-"
    assert render.with_unit(2.0, "ms") == "2.00 ms"


def test_cells_do_not_break_their_table():
    assert render.cell("a|b\nc") == "a\\|b c"


def test_a_run_is_rendered_with_conditions_figures_and_parts():
    text = render.markdown(RESULTS)
    assert "| processor | a \\| b |" in text
    assert "| completions | 9.88 /s | raw containers: 10.5 /s | 0.94 of it | >= 0.90 | yes |" in text
    assert "### Throughput" in text and "| 2 | - |" in text and "- 200 programs" in text


def test_a_missed_bar_stands_out():
    figure = {**RESULTS["parts"]["throughput"]["figures"][0], "holds": False}
    assert render.figure_row(figure)[-1] == "**no**"


def test_figures_replace_the_earlier_ones_and_nothing_else():
    page = f"# Page\n\n{render.BEGIN}\nold\n{render.END}\n\n## After\n"
    once = render.splice(page, "new")
    assert once == f"# Page\n\n{render.BEGIN}\n\nnew\n{render.END}\n\n## After\n"
    assert render.splice(once, "new") == once


def test_a_page_without_marks_is_refused():
    with pytest.raises(ValueError):
        render.splice("# Page\n", "new")
