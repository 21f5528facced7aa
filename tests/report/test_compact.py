"""Smaller SVG text draws the same picture: what is hidden goes, what repeats is said once."""

import re

import pytest

from mixcompare.report.compact import compact, share

STYLE = "fill:#1f5fa8;stroke:#1f5fa8"


def mark(x, style=STYLE, shape="m", clip="c"):
    return f'<g clip-path="url(#{clip})">\n<use xlink:href="#{shape}" x="{x}" y="1" style="{style}"/>\n</g>\n'


def places(text):
    return re.findall(r'x="(\d+)"', text)


def test_of_equal_opaque_marks_the_topmost_is_kept():
    text = compact(mark(1) + mark(2) + mark(1) + mark(3) + mark(2))
    assert places(text) == ["1", "3", "2"]
    assert text.count("<g clip-path") == text.count(STYLE) == 1
    assert text.count("<g") == text.count("</g>")


def test_marks_that_differ_stay_in_their_order():
    red = "fill:#b5173a"
    text = compact(mark(1) + mark(1, red) + mark(1, shape="n"))
    assert re.findall(r'style="([^"]*)"', text) == [STYLE, red, STYLE]
    assert len(places(text)) == 3
    assert compact(mark(1) + mark(1, clip="d")).count("<use") == 2


@pytest.mark.parametrize("style", ["fill:#000;fill-opacity:0.5", "fill:#000;opacity:0.5"])
def test_marks_that_shine_through_are_all_kept(style):
    assert places(compact(mark(1, style) * 3)) == ["1"] * 3


def test_a_layer_is_left_as_it_is():
    text = mark(1, "opacity:0.5") + mark(2, "opacity:0.5")
    assert compact(text) == text
    line = '<path d="M0 0h1" clip-path="url(#c)" style="opacity:0.3"/>\n'
    assert compact(line * 4) == line * 4


def test_lines_of_one_style_say_it_once():
    attributes = ' clip-path="url(#c)" style="fill:none;stroke-opacity:0.35"'
    text = compact("".join(f'<path d="M{i} 0h1"{attributes}/>\n' for i in range(3)))
    assert (
        text
        == f'<g{attributes}>\n<path d="M0 0h1"/>\n<path d="M1 0h1"/>\n<path d="M2 0h1"/>\n</g>\n'
    )


def test_shapes_of_several_figures_are_drawn_once_a_page():
    figure = '<svg>\n<defs>\n<path id="{}-1" d="M0 0"/>\n{}</defs>\n<use href="#{}-1"/>\n</svg>'
    own = '<path id="b-2" d="M9 9"/>\n'
    made, shapes = share({"a": figure.format("a", "", "a"), "b": figure.format("b", own, "b")})
    assert shapes == '<path id="shape-0" d="M0 0"/>\n'
    assert made["a"] == '<svg>\n<use href="#shape-0"/>\n</svg>'
    assert made["b"] == f'<svg>\n<defs>\n{own}</defs>\n<use href="#shape-0"/>\n</svg>'


def test_every_shape_that_a_page_refers_to_is_there(built):
    text = (built / "report.html").read_text()
    referred = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    assert referred <= set(re.findall(r' id="([^"]+)"', text))
    assert "shape-0" in referred
    for path in (built / "figures").glob("*.svg"):
        own = path.read_text()
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', own)) <= set(
            re.findall(r' id="([^"]+)"', own)
        )
