"""What is wrong on purpose, rescaled, or expected many times, as the report says it."""

from dataclasses import replace

from mixcompare.report.sections import asked, expectations
from mixcompare.report.view import View
from mixcompare.study.results import Results


def test_methods_that_are_wrong_on_purpose_are_listed_as_such(make):
    made = make()
    table = asked.draw(asked.compute(View(made))).blocks[2].table
    assert "fault" not in [column.key for column in table.columns]
    fits = made.fits.assign(fault=["It squares." if m == "bfgs" else "" for m in made.fits.method])
    view = View(Results(fits, made.trajectories, made.study, made.data))
    table = asked.draw(asked.compute(view)).blocks[2].table
    assert "wrong on purpose" in [column.heading for column in table.columns]
    assert {row["method"]: row["fault"] for row in table.rows if row["fault"]} == {
        "bfgs": "It squares."
    }


def test_rescaled_data_are_said_to_be(make):
    made = make()
    waiting = replace(made.data["waiting", 0], rescaling="unit")
    data = {**made.data, ("waiting", 0): waiting}
    view = View(Results(made.fits, made.trajectories, made.study, data))
    sources = {row["data"]: row["source"] for row in asked.compute(view).data}
    assert sources["waiting"] == f"{waiting.source}, rescaled (unit)"
    assert "rescaled" not in sources["three coins"]


def test_many_expectations_are_folded():
    row = dict.fromkeys(("quantity", "where", "expected", "found", "source", "note"), "")
    few, many = ([{**row, "status": "reproduced"}] * n for n in (20, 21))
    assert not expectations.draw(few).blocks[0].folded
    assert expectations.draw(many).blocks[0].folded
