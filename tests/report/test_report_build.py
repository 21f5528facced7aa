import hashlib
import itertools
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from mixcompare.errors import SpecError
from mixcompare.report.build import build
from mixcompare.report.parts.accuracy import _parts
from mixcompare.report.tables import Column, Table, text


def contents(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Page(HTMLParser):
    """Ids, links, headings, tags left open, and the cells of each table."""

    VOID = frozenset(["meta", "link", "br", "hr", "img", "input", "wbr"])

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.headings, self.stack, self.tables = [], [], [], [], {}
        self.cell = None
        self.table = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if "id" in values:
            self.ids.append(values["id"])
        for name in ("href", "src", "xlink:href"):
            if name in values:
                self.links.append((tag, values[name]))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "table":
            self.table = self.tables.setdefault(values["id"].removeprefix("table-"), [])
        if tag in ("td", "th"):
            self.cell = []
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.stack.pop()

    def handle_data(self, data):
        if self.cell is not None:
            self.cell.append(data)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag
        if tag in ("td", "th"):
            self.table.append(" ".join("".join(self.cell).split()))
            self.cell = None


@pytest.fixture(scope="module")
def page(built):
    return Page((built / "report.html").read_text())


def test_same_results_give_the_same_bytes(make, built, tmp_path):
    build(make(), tmp_path)
    assert contents(tmp_path) == contents(built)


@pytest.mark.slow
def test_another_process_and_matplotlibrc_give_the_same_bytes(built, tmp_path):
    """Hash seeds, user settings and what was drawn before must not show."""
    (tmp_path / "matplotlibrc").write_text("font.size: 20\naxes.grid: True\nlines.linewidth: 5\n")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from conftest import make_results\n"
        "from mixcompare.report.build import build\n"
        "build(make_results(), sys.argv[2])\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "MATPLOTLIBRC": str(tmp_path)}
    here = str(Path(__file__).parent)
    out = tmp_path / "out"
    subprocess.run([sys.executable, "-c", code, here, str(out)], check=True, env=environment)
    assert contents(out) == contents(built)


def test_every_file_is_written(built):
    names = set(contents(built))
    assert {"report.html", "report.md"} <= names
    tables = {name for name in names if name.startswith("tables/")}
    assert {name[:-4] for name in tables if name.endswith(".csv")} == {
        name[:-4] for name in tables if name.endswith(".tex")
    }
    for name in (
        "overview",
        "data",
        "methods",
        "expectations",
        "failures",
        "claims",
        "claims-findings",
        "thresholds",
        "near",
        "digests",
    ):
        assert f"tables/{name}.csv" in names
    case = "waiting-gaussian-k-2-full"
    for name in ("methods", "claims", "pairs", "optima", "passes", "estimates"):
        assert f"tables/{case}-{name}.csv" in names
    for name in ("findings", "density", "densities", "trajectories", "passes", "posterior"):
        assert f"figures/{case}-{name}.svg" in names
    for name in ("claims-rates", "performance-profiles", "data-profiles"):
        assert f"figures/{name}.svg" in names
    assert "figures/two-normals-gaussian-k-2-full-gaps.svg" in names
    for name in ("kl", "bias", "rmse", "coverage"):
        assert f"tables/two-normals-gaussian-k-2-full-{name}.csv" in names
    assert not [name for name in names if name.endswith(".tmp")]


def test_page_stands_alone(built, page):
    text = (built / "report.html").read_text()
    assert [link for _, link in page.links if not link.startswith("#")] == []
    assert "://" not in text
    assert "<script" not in text
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []


def test_page_is_well_formed(page):
    assert page.stack == []
    assert len(page.ids) == len(set(page.ids))
    targets = {link.removeprefix("#") for _, link in page.links}
    assert targets <= set(page.ids)
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))


def test_accessible(built):
    text = (built / "report.html").read_text()
    assert '<html lang="en">' in text
    figures = re.findall(r"<figure.*?</figure>", text, re.S)
    assert figures
    for figure in figures:
        assert 'role="img"' in figure
        assert re.search(r"<title id=[^>]+>\S", figure)
        assert re.search(r"<figcaption[^>]*>\S", figure)
    for table in re.findall(r"<table.*?</table>", text, re.S):
        assert 'scope="col"' in table


@pytest.mark.parametrize(
    "title",
    [
        "In short",
        "What was asked",
        "Expectations",
        "waiting: gaussian K=2 full",
        "Methods side by side",
        "Distinct optima",
        "Fitted densities over the data",
        "Log-likelihood against passes",
        "Passes to the best known value",
        "What it said against what it was",
        "Cost over all data",
        "Verdicts near a threshold",
        "Posterior beside the point estimates",
        "Accuracy against the truth",
        "How ends were judged",
        "Findings that do not occur here",
        "Thresholds",
        "What each method was asked to do",
        "Failures",
        "Provenance",
    ],
)
def test_every_section_is_there(built, title):
    assert f">{title}</h" in (built / "report.html").read_text()
    assert f"# {title}\n" in (built / "report.md").read_text()


def test_sections_in_order(built):
    text = (built / "report.md").read_text()
    order = [
        "In short",
        "What was asked",
        "waiting: ",
        "two normals: ",
        "three coins: ",
        "What it said against what it was",
        "Cost over all data",
        "Expectations",
    ]
    order += ["How ends were judged", "What each method was asked to do", "Failures", "Provenance"]
    places = [text.index(f"## {title}") for title in order]
    assert places == sorted(places)


def test_user_text_is_escaped(built):
    text = (built / "report.html").read_text()
    assert "Three data sets &amp; &lt;two&gt; models" in text
    assert "<two>" not in text
    assert "&lt;x_<wbr>1&gt; &amp; {y}" in text


def test_markdown_and_html_hold_the_same_numbers(built, page):
    """Cell by cell, for every table of the page."""
    markdown = {}
    lines = (built / "report.md").read_text().splitlines()
    found, current = [], None
    for line in lines:
        if line.startswith("|"):
            current = [] if current is None else current
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            if not all(re.fullmatch(r"\s*:?-+:?\s*", cell) for cell in cells):
                current += [" ".join(cell.replace("\\|", "|").split()) for cell in cells]
        elif current is not None:
            found.append(current)
            current = None
    found += [current] if current is not None else []
    markdown = dict(zip(page.tables, found, strict=True))
    for name, cells in page.tables.items():
        assert [cell.replace(",", "") for cell in cells] == [
            cell.replace(",", "") for cell in markdown[name]
        ], name


def test_markdown_shows_figures_that_exist(built):
    names = re.findall(r"\]\((figures/[^)]+)\)", (built / "report.md").read_text())
    assert len(names) >= 10
    assert all((built / name).exists() for name in names)


def test_markdown_blocks_are_apart(built):
    """Without a blank line before it a table is text, and two paragraphs are one."""
    lines = (built / "report.md").read_text().splitlines()
    kinds = {"|": "table", "#": "heading", "-": "list", "!": "figure"}
    for before, line in itertools.pairwise(lines):
        kind, former = kinds.get(line[:1], "text"), kinds.get(before[:1], "text")
        if line and before:
            assert kind == former, (before, line)
            assert kind in ("table", "list"), (before, line)


def test_figures_are_vector_xml_without_dates(built):
    for path in (built / "figures").iterdir():
        root = ET.parse(path).getroot()
        assert root.tag.endswith("svg")
        text = path.read_text()
        assert "<image" not in text
        assert "<dc:date>" not in text
        assert "<metadata" not in text


def test_csv_holds_full_precision(built):
    optima = pd.read_csv(built / "tables" / "waiting-gaussian-k-2-full-optima.csv")
    assert optima["loglik"][0] == -1034.0018
    summary = pd.read_csv(built / "tables" / "waiting-gaussian-k-2-full-methods.csv").set_index(
        "method"
    )
    assert summary.loc["em", "at_best"] == 4
    assert summary.loc["bfgs[naive]", "at_best"] == 1
    assert summary.loc["bfgs[naive]", "fits"] == 4


def test_tex_compiles_in_principle(built):
    """Environments and braces balance, rows have as many cells as the table columns, text is escaped."""
    for path in (built / "tables").glob("*.tex"):
        text = path.read_text()
        opened = []
        for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
            if kind == "begin":
                opened.append(name)
            else:
                assert opened.pop() == name
        assert opened == []
        bare = text.replace(r"\{", "").replace(r"\}", "")
        assert bare.count("{") == bare.count("}")
        columns = re.search(r"\\begin\{tabular\}\{([lr]+)\}", text)[1]
        body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
        for line in body.splitlines():
            if line.endswith(r"\\"):
                assert len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1, line
                # label and reference names apart, no character that LaTeX would act on
                assert re.findall(r"(?<!\\)[#%_~^]", line) == [], line
        math = re.sub(r"\\\$", "", text)
        assert math.count("$") % 2 == 0
        assert re.findall(r"[−±≤×∞\u202f]", text) == []


def test_expectations_with_status_and_source(page):
    cells = page.tables["expectations"]
    assert "reproduced" in cells
    assert "not reproduced" in cells
    assert "mclust & mixtools_100%" in cells


def test_failures_are_listed_with_their_message(page):
    cells = page.tables["failures"]
    assert any("100% of <x_1>" in cell for cell in cells)
    assert "out of domain" in cells
    assert any(cell.startswith("mixcompare replay DIR ") for cell in cells)


def test_quick_is_flagged(make, tmp_path):
    build(make(quick=True), tmp_path)
    text = (tmp_path / "report.html").read_text()
    assert "Quick size." in text
    assert "not checked" in text
    assert "Quick size." in (tmp_path / "report.md").read_text()


def test_quick_is_not_claimed_of_a_full_run(built):
    assert "Quick size." not in (built / "report.html").read_text()


@pytest.mark.parametrize("finding", ["error", "unsupported", "non_finite"])
def test_study_of_failures_only(make, one_row, tmp_path, finding):
    rows = [
        one_row("waiting", "gaussian K=2 full", "em", i, None, float("nan"), finding, said=False)
        for i in range(2)
    ]
    build(make(rows), tmp_path)
    page = Page((tmp_path / "report.html").read_text())
    assert "2" in page.tables["failures"]
    assert not list((tmp_path / "tables").glob("*optima*"))


def test_empty_study(make, tmp_path, one_row):
    columns = list(one_row("a", "gaussian K=2 full", "em", 0, None, 0.0))
    results = make([])
    results.fits = pd.DataFrame(columns=columns)
    path = build(results, tmp_path)
    assert "no fits" in path.read_text()


def test_unverified_study(make, one_row, tmp_path):
    from mixcompare.theta import Theta

    theta = Theta([0.4, 0.6], means=[[54.0], [80.0]], covariances=[[[30.0]], [[30.0]]])
    rows = [one_row("waiting", "gaussian K=2 full", "em", 0, theta, -1040.0, finding="")]
    build(make(rows), tmp_path)
    Page((tmp_path / "report.html").read_text())


@pytest.mark.parametrize(
    ("formats", "main"),
    [
        pytest.param(("html",), "report.html", marks=pytest.mark.slow),
        pytest.param(("md",), "report.md", marks=pytest.mark.slow),
        (("csv",), "tables"),
        (("tex", "md"), "report.md"),
    ],
)
def test_only_what_was_asked_for(make, tmp_path, formats, main):
    assert build(make(), tmp_path, formats) == tmp_path / main
    kinds = {path.suffix.lstrip(".") for path in tmp_path.rglob("*.*") if path.is_file()}
    assert kinds - {"svg", "json", ""} == set(formats)
    assert ("json" in kinds) == bool({"html", "md"} & set(formats))


@pytest.mark.parametrize("formats", [("htm",), (), ("html", "pdf")])
def test_wrong_format(make, tmp_path, formats):
    with pytest.raises(SpecError, match="expected one or more of html, md, csv, tex"):
        build(make(), tmp_path, formats)
    assert list(tmp_path.iterdir()) == []


def test_data_out_of_reach(make, tmp_path):
    """Tables stand without the data; figures that need them are left out."""
    results = make()
    results.data = {}
    build(results, tmp_path)
    assert not list((tmp_path / "figures").glob("*-density.svg"))
    assert list((tmp_path / "figures").glob("*-trajectories.svg"))


def test_the_answer_comes_first(make, built):
    text = (built / "report.md").read_text()
    opening = text[text.index("## In short") :].split("\n\n")[1]
    assert opening.replace("\\", "") == make().answer()[0].replace("-1034", "−1034")
    html = (built / "report.html").read_text()
    assert html.index("In all") < html.index("Made: ")
    assert '<span class="name">bfgs[naive]</span>' in html


def test_one_minus_in_prose_and_tables(built):
    """A true minus before numbers in what is read; hyphens in files that are computed with."""
    html = re.sub(
        r"<(svg|style).*?</\1>|<[^>]+>", " ", (built / "report.html").read_text(), flags=re.S
    )
    for content in (html, (built / "report.md").read_text()):
        prose = re.sub(r"^\|[:|-]+\|$", "", content, flags=re.M)
        assert re.findall(r"[\s(\[]-\d.*|\de-\d.*", prose) == []
        assert "−1034.0018 ± 0.001" in prose
    assert "-1034.0018" in (built / "tables" / "expectations.csv").read_text()
    assert "−" not in "".join(path.read_text() for path in (built / "tables").iterdir())


def test_methods_without_formulations_have_a_dash(page):
    cells = page.tables["methods"]
    rows = {cells[i]: cells[i + 1] for i in range(0, len(cells), 4)}
    assert rows == {
        "method": "formulation",
        "em": "–",
        "bfgs[naive]": "naive",
        "bfgs": "sound default",
        "l-bfgs-b[bounded]": "bounded",
        "nuts": "–",
    }


def test_units_and_priors_are_stated(built, page):
    assert "waiting (min)" in page.tables["data"]
    text = " ".join((built / "report.md").read_text().replace("\\", "").split())
    assert "Priors: weights ~ Dirichlet(2, 2), means ~ Normal(m, (1.5 s)²)" in text


def test_what_no_longer_applies_is_removed(make, one_row, tmp_path):
    """Tables and figures of the former report alone, in the formats that are written again."""
    build(make(), tmp_path)
    (tmp_path / "tables" / "mine.csv").write_text("a\n1\n")
    note = tmp_path / ".report"
    note.write_text(note.read_text() + "../outside.csv\ntables/../keep.csv\nrun.json\n")
    for name in ("run.json", "keep.csv"):
        (tmp_path / name).write_text("{}")
    before = set(contents(tmp_path))
    rows = [one_row("waiting", "gaussian K=2 full", "em", 0, None, float("nan"), "error")]
    build(make(rows), tmp_path, ("html", "csv"))
    after = set(contents(tmp_path))
    assert {"tables/mine.csv", "run.json", "keep.csv", "report.md"} <= after
    gone = before - after
    assert "figures/waiting-gaussian-k-2-full-density.svg" in gone
    assert "tables/waiting-gaussian-k-2-full-optima.csv" in gone
    assert {name for name in before if name.endswith(".tex")} <= after
    build(make(rows), tmp_path)
    left = set(contents(tmp_path))
    assert "tables/waiting-gaussian-k-2-full-optima.tex" not in left
    build(make(rows), tmp_path / "new")
    ours = {name for name in left if name.startswith(("tables/", "figures/"))}
    assert ours - {"tables/mine.csv"} == {
        name for name in contents(tmp_path / "new") if name.startswith(("tables/", "figures/"))
    }


def test_wide_tables_come_in_parts():
    keys = [("mean 1", "a"), ("mean 2", "b"), *((f"sd {i}", f"s{i}") for i in range(8))]
    columns = [Column(key, heading, text) for heading, key in keys]
    frame = [Column("method", "method", text), Column("n_used", "replicates", text)]
    row = {key: key for _, key in keys} | {"method": "em", "n_used": 3}
    table = Table("t", "Bias: x.", [frame[0], *columns, frame[1]], [row])
    parts = _parts(table)
    assert [part.cells()[0][1:-1] for part in parts] == [
        ["a", "b"],
        ["s0", "s1", "s2", "s3", "s4", "s5"],
        ["s6", "s7"],
    ]
    assert {part.cells()[0][0] + part.cells()[0][-1] for part in parts} == {"em3"}
    assert [part.name for part in parts] == ["t-1", "t-2", "t-3"]
    assert parts[1].caption == "Bias: x (2 of 3)."
    narrow = Table("t", "Bias: x.", [frame[0], *columns[:6], frame[1]], [row])
    assert _parts(narrow) == [narrow]
