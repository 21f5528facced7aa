"""The index of a folder of reports: every study, every expectation, the broken ones first."""

import json
import re
import shutil

import pytest
from click.testing import CliRunner
from test_report_build import Page, contents

from mixcompare.cli import main
from mixcompare.errors import StoreError
from mixcompare.report import summary
from mixcompare.report.build import build
from mixcompare.report.index import tally, write_index


@pytest.fixture
def folder(built, tmp_path):
    """Two reports of the same study, the second with what was found put right."""
    for name in ("first", "second_study"):
        shutil.copytree(built, tmp_path / name)
    path = tmp_path / "second_study" / "summary.json"
    values = json.loads(path.read_text())
    for block in values["expectations"]:
        block |= {"status": "reproduced", "source": "a | b"}
    path.write_text(json.dumps(values | {"title": "The <second> study"}))
    return tmp_path


def invoke(folder):
    return CliRunner().invoke(main, ["index", str(folder)])


def test_a_report_writes_its_summary(make, built):
    found = summary.read(built / "summary.json")
    results = make()
    assert found.title == "Three data sets & <two> models"
    assert found.question == "Do they agree, and does each know it?"
    assert results.answer()[0].startswith(found.found.rstrip("."))
    assert (found.fits, found.data_sets, found.quick) == (len(results.rows), 5, False)
    assert found.methods == ["em", "bfgs[naive]", "bfgs", "l-bfgs-b[bounded]", "nuts"]
    assert (built / "figures" / f"{found.figure}.svg").is_file()
    assert [one.status for one in found.expectations] == [
        "reproduced", "not reproduced", "reproduced",
    ]  # fmt: skip
    first = found.expectations[0]
    assert (first.quantity, first.where) == ("best_loglik", {"data": "waiting", "method": "em"})
    assert first.found == pytest.approx(-1034.0018)
    assert (first.expected, first.source) == ("-1034.0018 ± 0.001", "mclust & mixtools_100%")
    assert "nats" in found.quantities["best_loglik"]


def test_quick_summaries_say_so_and_what_was_not_checked(make, tmp_path):
    build(make(quick=True), tmp_path / "quick", ["md"])
    found = summary.read(tmp_path / "quick" / "summary.json")
    assert found.quick
    assert found.expectations[2].status == "not checked"
    index = write_index(tmp_path)
    assert index.tally == (
        "1 of 3 expected numbers were reproduced, 1 was not and 1 cannot be checked at quick size."
    )
    assert "Quick size. " in (tmp_path / "README.md").read_text()


def test_every_expectation_is_listed_and_the_broken_one_first(folder):
    index = write_index(folder)
    page = Page((folder / "index.html").read_text())
    assert page.stack == []
    text = (folder / "index.html").read_text()
    rows = re.findall(r"<tr>(<th scope=\"row\".*?)</tr>", text)
    assert len(index.rows) == 6
    assert len(rows) == 7
    assert "not reproduced" in rows[0]
    assert "first/report.html#expectations" in rows[0]
    for word in ("best loglik", 'waiting; <span class="name">em</span>', "−1<", "−1034.0018"):
        assert word in rows[0]
    assert [i for i, row in enumerate(rows) if "not reproduced" in row] == [0, 2]
    assert index.tally == "5 of 6 expected numbers were reproduced and 1 was not."
    assert "models: 2 of 3 expected numbers were reproduced and 1 was not.</summary>" in text
    assert "study: All 3 expected numbers were reproduced.</summary>" in text
    lines = (folder / "README.md").read_text().splitlines()
    assert len([line for line in lines if line.startswith(("| reproduced", "| not repr"))]) == 7
    assert any(r"a \| b" in line for line in lines)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], ""),
        (["reproduced"], "The one expected number was reproduced."),
        (["not reproduced"], "The one expected number was not reproduced."),
        (["not reproduced"] * 2, "None of 2 expected numbers were reproduced and 2 were not."),
        (
            ["reproduced", "not checked"],
            "1 of 2 expected numbers were reproduced and 1 cannot be checked at",
        ),
    ],
)
def test_counts_in_words(found, said):
    assert tally([{"status": status} for status in found]).startswith(said)


def test_every_study_has_its_title_question_and_sentence(folder, make):
    write_index(folder)
    text, page = (folder / "README.md").read_text(), (folder / "index.html").read_text()
    said = make().answer()[0].split(". ")[0]
    assert "## [Three data sets & \\<two\\> models](first/report.md)" in text
    assert "## [The \\<second\\> study](second_study/report.md)" in text
    assert '<a href="second_study/report.html">The &lt;second&gt; study</a>' in page
    assert said.replace("[", r"\[").replace("]", r"\]") in text
    assert page.count("Do they agree, and does each know it?") == 2
    links = [link for _, link in Page(page).links if not link.startswith(("#", "data:"))]
    links += re.findall(r"\]\(([^)#]+)[^)]*\)", text)
    assert all((folder / link.partition("#")[0]).is_file() for link in links)


def test_the_page_stands_alone(folder):
    write_index(folder)
    text = (folder / "index.html").read_text()
    assert "://" not in text
    assert "<script" not in text
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert page.headings.count(1) == 1
    assert {link[1:] for _, link in page.links if link.startswith("#")} <= set(page.ids)


def test_the_same_reports_give_the_same_bytes(folder):
    write_index(folder)
    first = contents(folder)
    write_index(folder)
    assert contents(folder) == first


def test_exit_code_1_says_that_one_was_not_reproduced(folder):
    result = invoke(folder)
    assert result.exit_code == 1
    assert "5 of 6 expected numbers were reproduced and 1 was not." in result.stdout
    shutil.rmtree(folder / "first")
    result = invoke(folder)
    assert result.exit_code == 0
    assert "All 3 expected numbers were reproduced." in result.stdout
    assert "index.html" in result.stdout


def test_a_report_without_a_summary_is_named_and_not_left_out(folder):
    (folder / "first" / "summary.json").unlink()
    result = invoke(folder)
    assert result.exit_code == 0
    assert "first: written without a summary" in result.stderr
    assert '<a href="first/report.html">first</a>' in (folder / "index.html").read_text()


@pytest.mark.parametrize(
    "content",
    ["{", '{"title": 1}', "[]", "{}", '{"expectations": [{}]}', '{"expectations": 1}', "\xff"],
)
def test_a_damaged_summary_is_one_message(folder, content):
    (folder / "first" / "summary.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(StoreError, match=r"summary\.json: expected the summary of a report"):
        write_index(folder)
    assert not (folder / "README.md").exists()
    assert invoke(folder).exit_code == 2


@pytest.mark.parametrize(
    ("figures", "emblem"),
    [
        (["heights-k-2-findings", "heights-k-2-groups"], "heights-k-2-groups"),
        (["heights-k-2-findings", "other-k-2-groups"], "heights-k-2-findings"),
        (["heights-k-2-groups", "other-criteria"], "other-criteria"),
        ([], ""),
    ],
)
def test_the_figure_that_tells_most_stands_for_a_study(figures, emblem):
    assert summary.emblem(figures, "heights") == emblem
