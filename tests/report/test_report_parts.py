"""Every part that the registry names, alike: an order, one place on the page, silence without rows."""

import pytest

from mixcompare import registry
from mixcompare.report.parts import methods
from mixcompare.report.parts.part import Part
from mixcompare.report.sections import case
from mixcompare.report.view import View

NAMES = registry.names("parts")


@pytest.fixture(scope="module")
def view(make):
    return View(make())


@pytest.mark.parametrize("name", NAMES)
def test_a_part_is_drawn_from_what_it_computes(view, name):
    part = registry.load("parts", name)
    assert isinstance(part, Part)
    for one in view.cases:
        made = part.show(view, one)
        assert made.slug.startswith(one.slug)
        assert made.title
        assert all(inner.blocks for inner in made.parts)


def test_the_page_has_the_parts_in_the_order_of_the_registry(view):
    one = view.cases[0]
    page = [part.slug for part in case.draw(view, one).parts if part.blocks]
    each = [registry.load("parts", name).show(view, one) for name in NAMES]
    assert page == [part.slug for made in each for part in made.parts or [made] if part.blocks]
    assert len(set(page)) == len(page) > 5


def test_another_part_is_one_more_name(view, monkeypatch):
    """Under its name it has the last place, and what it draws is on the page."""
    monkeypatch.setitem(registry.NAMES["parts"], "again", registry.NAMES["parts"]["optima"])
    slugs = [part.slug for part in case.draw(view, view.cases[0]).parts]
    assert slugs[-1] == f"{view.cases[0].slug}-optima"


@pytest.mark.parametrize(
    ("success", "failure", "told"),
    [
        ((6, 0), (0, 0), ["Success was claimed of 6 ends, all of them sound."]),
        ((0, 0), (1, 0), ["Failure was claimed of 1 end, which is not sound."]),
        (
            (1, 1),
            (1, 1),
            [
                "Success was claimed of 1 end, which is not sound",
                "failure was claimed of 1 end, which is sound.",
            ],
        ),
        (
            (3463, 140),
            (2, 0),
            [
                "Success was claimed of 3,463 ends, 140 of them not sound",
                "failure was claimed of 2 ends, none of them sound.",
            ],
        ),
        ((0, 0), (0, 0), []),
    ],
)
def test_what_was_claimed_is_told_of_words_that_were_said(success, failure, told):
    claims = [
        {"target": "likelihood", "said": word, "fits": fits, "wrong": wrong}
        for word, (fits, wrong) in (("success", success), ("failure", failure))
    ]
    other = {"target": "penalised likelihood", "said": "success", "fits": 9, "wrong": 9}
    opening, closing = "What solvers said against what was found.", "Green ends are sound."
    expected = " ".join([opening, *(["; ".join(told)] if told else []), closing])
    assert methods.message([*claims, other]).startswith(expected)
