"""The sections of a report, one a file: `compute(view)` gathers, `draw(data)` makes a Section of it."""
