"""What the command line prints: plain text of at most `width` columns, from results alone."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tabulate import tabulate

from mixcompare.report import words
from mixcompare.study import contests, sentences
from mixcompare.study.case import Case
from mixcompare.study.ends import parse, parse_theta

if TYPE_CHECKING:
    from mixcompare.data import Dataset
    from mixcompare.mixture import MixtureModel
    from mixcompare.records import Verdict
    from mixcompare.study.results import Results


def fit_text(results: Results, data: Dataset, model: MixtureModel, width: int) -> str:
    """The comparison of a few methods on one data set: table, best estimate, verdicts, what to believe."""
    model = model.on(data)
    fits = results.rows
    groups = [
        (str(method), rows, _best(rows)) for method, rows in fits.groupby("method", sort=False)
    ]
    table = [_method_row(method, rows, best) for method, rows, best in groups]
    parts = [_heading(data, model, width), _table(_METHOD_HEADERS, table, "lrlrrrr", width)]
    top = _best(fits)
    if parse_theta(top["theta"]) is not None:
        parts.append(_estimate(top, data, model, width))
    parts.append("\n".join(_sentence(method, rows, best, width) for method, rows, best in groups))
    optima = results.optima()
    if len(optima) > 1:
        parts.append(f"{len(optima)} distinct optima:\n" + _optima(optima, width))
    parts.append(_filled(results.advice(), width))
    return "\n\n".join(parts)


def verdict_text(verdict: Verdict, data: Dataset, model: MixtureModel, width: int) -> str:
    """A verdict on one point, with the numbers behind it."""
    model = model.on(data)
    parts = [_heading(data, model, width)]
    parts.append(_filled(f"Found {words.finding(verdict.finding)}: {verdict.message}.", width))
    numbers = [
        ("log-likelihood", f"{verdict.loglik:.6f} nats"),
        ("Newton decrement", f"{verdict.newton_decrement:.3g} nats"),
        ("attainable gain", f"{verdict.attainable_gain:.3g} nats"),
        ("flags", ", ".join(map(words.finding, verdict.flags)) or "none"),
    ]
    parts.append("\n".join(f"{name:18}{value}" for name, value in numbers))
    parts += [_filled(f"Note: {note}.", width) for note in verdict.notes]
    return "\n\n".join(parts)


def study_text(results: Results, width: int) -> str:
    """How a study ended: the answer, what was made, best known values and who reached them, expectations."""
    answer = "".join(f"{_filled(paragraph, width)}\n\n" for paragraph in results.answer())
    told = list(sentences.asked(results))
    for (data, model), rows in results.rows.groupby(["data", "model"], sort=False):
        case = Case(results, str(data), str(model), rows)
        told += [*sentences.best_known(case), *contests.reached(case)]
    parts = [_filled(text, width, subsequent_indent="  ") for text in told]
    expectations = results.expectations()
    if len(expectations):
        counts = expectations["status"].value_counts()
        said = [f"{counts[status]} {status}" for status in _STATUSES if counts.get(status)]
        parts.append(f"Expectations: {', '.join(said)}.")
        broken = expectations[expectations["status"] == "not reproduced"]
        parts += [_broken(row, width) for _, row in broken.iterrows()]
    return answer + "\n".join(parts)


# -- the table of methods -------------------------------------------------------------------------

_METHOD_HEADERS = (
    "method",
    "loglik",
    "found",
    "at best\nknown",
    "said ≠\nfound",
    "median\npasses",
    "median\nseconds",
)
_SAME = 1e-6
_STATUSES = ("reproduced", "not reproduced", "not checked")


def _best(rows: pd.DataFrame) -> pd.Series:
    """The row with the best end: the highest sound one that is not narrow, else the highest finite one.

    Of ends that differ by round-off the first.
    """
    sound = rows[(rows["sound"] == True) & ~rows["narrow"]]  # noqa: E712 - None is not True
    for candidates in (sound, rows):
        values = candidates["loglik"]
        if np.isfinite(values).any():
            return candidates[values >= values[np.isfinite(values)].max() - _SAME].iloc[0]
    return rows.iloc[0]


def _method_row(method: str, rows: pd.DataFrame, best: pd.Series) -> list[str]:
    fits = len(rows)
    wrong = int((rows["false_success"] | rows["false_failure"]).sum())
    return [
        method,
        _fixed(best["loglik"]),
        words.finding(best["finding"]),
        "-" if best["sampler"] else f"{int((rows['reached'] == True).sum())} of {fits}",  # noqa: E712
        "-" if rows["claimed"].isna().all() else f"{wrong} of {fits}",
        f"{rows['passes'].median():.0f}",
        f"{rows['seconds'].median():.2g}",
    ]


def _sentence(method: str, rows: pd.DataFrame, best: pd.Series, width: int) -> str:
    """What a method's ends were found to be, and the verdict on the best of them."""
    counts = rows["finding"].value_counts()
    ends = ", ".join(f"{number} {words.finding(str(name))}" for name, number in counts.items())
    text = f"{method}: {ends}; best: {best['verdict_message'] or words.finding(best['finding'])}"
    return _filled(text.rstrip(".") + ".", width, subsequent_indent="  ")


def _optima(optima: pd.DataFrame, width: int) -> str:
    shown = [
        [
            _fixed(row["loglik"]),
            f"{max(float(row['gap']), 0.0):.4g}",
            words.finding(row["finding"]),
            str(row["standing"]) + (", narrow" if row["narrow"] else ""),
            str(row["starts_reaching"]),
            _joined(row["methods"]),
        ]
        for _, row in optima.head(_MOST).iterrows()
    ]
    headers = ("log-likelihood", "nats below", "found", "standing", "starts", "fits")
    text = _table(headers, shown, "rrllrl", width)
    return text if len(optima) <= _MOST else f"{text}\n... and {len(optima) - _MOST} more"


_MOST = 8


# -- the best estimate ----------------------------------------------------------------------------


def _heading(data: Dataset, model: MixtureModel, width: int) -> str:
    rows = f" in {data.n_rows} rows" if data.counts is not None else ""
    given = {key: v for key, v in model.declared.options.items() if v is not None}
    options = ", ".join(f"{key} {value}" for key, value in given.items())
    K = model.n_components
    what = f"{K} {model.family.name} component{'s' if K > 1 else ''}{f' ({options})' if options else ''}"
    text = (
        f"{data.name}: {data.n:.0f} observations{rows} of {', '.join(data.columns)} (d = {data.n_features}). "
        f"Model: {what}, {model.n_parameters(data.n_features)} free parameters."
    )
    return _filled(text, width)


def _estimate(row: pd.Series, data: Dataset, model: MixtureModel, width: int) -> str:
    theta = parse_theta(row["theta"])
    assert theta is not None  # the caller has looked
    posterior = parse(row["posterior_intervals"])
    intervals = posterior or parse(row["wald"]) or {}
    lines = []
    with np.errstate(all="ignore"):
        scales = model.report_scale(theta)
    if model.n_components == 1:
        del scales["logit_weights"]
    for name, values in scales.items():
        lower, upper = intervals.get(name, (None, None))
        lines += _parameter_rows(name, values, lower, upper, data.columns)
    what = "without intervals"
    if intervals:
        what = f"with 95 % {'posterior' if posterior else 'Wald'} intervals"
    many = row["finding"] in ("ridge", "duplicate")
    title = "One of many equally good estimates" if many else "Best estimate"
    title = f"{title} ({row['method']}, start {row['start_index']}), {what}:"
    return f"{title}\n{_components(lines, theta.n_components, width)}"


def _components(lines: Sequence[Sequence[str]], K: int, width: int) -> str:
    """A column a component, in as few blocks as the width allows."""
    for size in range(K, 0, -1):
        blocks = []
        for start in range(0, K, size):
            numbers = range(start, min(start + size, K))
            headers = ("", *(f"component {k + 1}" for k in numbers))
            rows = [[line[0], *(line[1 + k] for k in numbers)] for line in lines]
            blocks.append(_table(headers, rows, "lr", width))
        if all(len(line) <= width for block in blocks for line in block.splitlines()):
            break
    return "\n\n".join(blocks)


def _parameter_rows(
    name: str, values: np.ndarray, lower: Any, upper: Any, columns: Sequence[str]
) -> list[list[str]]:
    """One row a scalar parameter, one cell a component, back on its natural scale."""
    label, back = words.PARAMETERS.get(name, name).split(" (")[0], _back(name)
    K = values.shape[0]
    flat = values.reshape(K, -1)
    ends = None if lower is None else (np.reshape(lower, (K, -1)), np.reshape(upper, (K, -1)))
    rows = []
    for j in range(flat.shape[1]):
        if np.isnan(flat[:, j]).all():  # padding: levels that this item has not
            continue
        cells = [_number(float(back(flat[k, j]))) for k in range(K)]
        if ends is not None:
            for k in range(K):
                low, high = (_number(float(back(float(end[k, j])))) for end in ends)
                cells[k] += f" [{low}, {high}]"
        rows.append([_label(label, name, j, values.shape[1:], columns), *cells])
    return rows


def _label(label: str, name: str, j: int, shape: tuple[int, ...], columns: Sequence[str]) -> str:
    if len(shape) == 2:  # features, and levels of each
        feature, level = divmod(j, shape[1])
        which = f" {columns[feature]}" if len(columns) > 1 else ""
        return f"{label}{which}, level {level + 1}"
    if not shape or len(columns) == 1:
        return label
    if name == "correlations":
        rows, others = np.tril_indices(len(columns), -1)
        return f"{label} {columns[others[j]]}, {columns[rows[j]]}"
    return f"{label} {columns[j]}" if j < len(columns) else f"{label} {j + 1}"


def _back(name: str) -> Callable[[Any], Any]:
    """From the reporting scale to the natural one: its names say what was done to the parameter."""
    if name.startswith("log_"):
        return np.exp
    if name.startswith("logit"):
        return lambda value: 1.0 / (1.0 + np.exp(-value))
    return np.tanh if name == "correlations" else lambda value: value


# -- small things ---------------------------------------------------------------------------------


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], align: str, width: int) -> str:
    """A plain table; words in its left-aligned columns are wrapped where it would be wider than `width`."""
    sides = [{"l": "left", "r": "right"}[side] for side in align.ljust(len(headers), align[-1])]
    for most in (width, 28, 20, 14, 10):
        body = [
            [_cell(c, most) if s == "left" else c for c, s in zip(r, sides, strict=True)]
            for r in rows
        ]
        columns = zip(headers, *body, strict=True)
        rule = [
            "-" * max(len(line) for cell in cells for line in cell.splitlines() or [""])
            for cells in columns
        ]
        text: str = tabulate(
            [headers, rule, *body], tablefmt="plain", colalign=sides, disable_numparse=True
        )
        if max(map(len, text.splitlines())) <= width:
            break
    return text


def _cell(text: str, most: int) -> str:
    """Words in a column of at most `most`; nelder-mead[bounded] can be broken before its bracket."""
    return text if len(text) <= most else _filled(text.replace("[", " ["), most)


def _filled(text: str, width: int, **indents: str) -> str:
    """Lines of at most `width`, broken at blanks alone: nelder-mead stays whole."""
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False, **indents)  # type: ignore[arg-type]


def _broken(row: pd.Series, width: int) -> str:
    where = ", ".join(f"{key} {value}" for key, value in row["where"].items())
    found = "nothing" if row["found"] is None else row["found"]
    text = f"not reproduced: {row['quantity']}{f' ({where})' if where else ''}: expected {row['expected']}, "
    text += f"found {found}" + (f" ({row['note']})" if row["note"] else "")
    return _filled(text, width, initial_indent="  ", subsequent_indent="    ")


def _joined(value: Any) -> str:
    value = parse(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return value if isinstance(value, str) else ", ".join(map(str, value))


def _fixed(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "none"


def _number(value: float) -> str:
    """Four significant digits, and no exponent between 1e-4 and 1e6."""
    if not 1e-4 <= abs(value) < 1e6:
        return f"{value:.4g}"
    return f"{value:.{max(0, 3 - int(np.floor(np.log10(abs(value)))))}f}"
