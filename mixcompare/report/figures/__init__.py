"""One figure a file: `draw(data, ...)` takes plain arrays and returns matplotlib axes or a figure."""
