"""Every part that the registry names, alike: an order, one place on the page, silence without rows."""

import pytest

from mixcompare import registry
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
