"""From results to Markdown. Results are plain data, as results.json keeps them:

    {"conditions": {name: text}, "parts": {name: part}}
    part:   {"title": text, "figures": [figure], "tables": [table], "notes": [text]}
    figure: {"what": text, "value": number or None, "unit": text, "baseline": text, "baseline_value": number or None,
             "compared": text, "bar": text, "holds": true, false or None}
    table:  {"title": text, "columns": [text], "rows": [[cell]]}; a cell is a text, a number or None
"""

from __future__ import annotations

BEGIN = "<!-- figures: begin (scripts/bench writes what is between these lines) -->"
END = "<!-- figures: end -->"

HOLDS = {True: "yes", False: "**no**", None: ""}


def number(value):
    """Three significant digits for small numbers, whole ones with thousands apart for large ones."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"


def with_unit(value, unit):
    text = number(value)
    return text if text == "-" or not unit else f"{text} {unit}"


def cell(value):
    return number(value).replace("|", "\\|").replace("\n", " ")


def table(columns, rows):
    lines = ["| " + " | ".join(cell(column) for column in columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def figure_row(figure):
    baseline = figure.get("baseline") or ""
    if baseline:
        baseline += ": " + with_unit(figure.get("baseline_value"), figure["unit"])
    return [
        figure["what"], with_unit(figure["value"], figure["unit"]), baseline, figure.get("compared") or "",
        figure.get("bar") or "", HOLDS[figure.get("holds")],
    ]


def summary(results):
    rows = [figure_row(figure) for part in results["parts"].values() for figure in part["figures"]]
    return table(["what", "figure", "baseline of the same run", "beside it", "bar", "holds"], rows)


def part_text(part):
    blocks = [f"### {part['title']}"]
    for found in part["tables"]:
        if found.get("title"):
            blocks.append(f"**{found['title']}**")
        blocks.append(table(found["columns"], found["rows"]))
    if part["notes"]:
        blocks.append("\n".join(f"- {note}" for note in part["notes"]))
    return "\n\n".join(blocks)


def markdown(results):
    """The figures of one run: conditions, the summary, then each part."""
    conditions = table(["condition", "of this run"], list(results["conditions"].items()))
    blocks = ["## Conditions", conditions, "## Figures", summary(results), "## Parts"]
    blocks += [part_text(part) for part in results["parts"].values()]
    return "\n\n".join(blocks) + "\n"


def splice(page, figures):
    """The page with `figures` in place of what stood between the two marks."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN!r} or {END!r}")
    return f"{head}{BEGIN}\n\n{figures}\n{END}{tail}"
