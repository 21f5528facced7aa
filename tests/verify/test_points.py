"""The verifier on points: each finding on a case known to be one, at any unit and labelling."""

from __future__ import annotations

import numpy as np
import pytest

from mixcompare.data import Dataset
from mixcompare.datasets import load_dataset
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.records import FINDINGS, Verdict
from mixcompare.starts.base import make_start
from mixcompare.theta import Theta
from mixcompare.verify.points import judge_point
from mixcompare.verify.policy import Policy
from mixcompare.verify.verifier import Verifier

FREE = MixtureModel("gaussian", 2)
TIED = MixtureModel("gaussian", 2, covariance="tied")
COINS = MixtureModel("bernoulli", 2)


def judge(model: MixtureModel, data: Dataset, theta: Theta) -> Verdict:
    return judge_point(model, data, model.conform(theta, data.n_features), Policy())


def normal(weights: list[float], means: list[float], sds: list[float]) -> Theta:
    return Theta(weights, means=means, covariances=np.square(sds))


def em(model: MixtureModel, data: Dataset, theta: Theta, iterations: int = 500) -> Theta:
    problem = Problem(model, data)
    theta = model.as_start(theta, data)
    for _ in range(iterations):
        theta = problem.maximise(problem.statistics(theta)[1])
    return theta


def rescaled(theta: Theta, scale: float, shift: float) -> Theta:
    return Theta(
        theta.weights,
        means=theta.means * scale + shift,
        covariances=theta.covariances * scale**2,
    )


@pytest.fixture(scope="module")
def waiting() -> Dataset:
    return load_dataset("old_faithful", columns=["waiting"])


@pytest.fixture(scope="module")
def waiting_maximum(waiting: Dataset) -> Theta:
    return em(FREE, waiting, normal([0.5, 0.5], [55, 80], [5, 5]))


@pytest.fixture(scope="module")
def coins() -> Dataset:
    return load_dataset("li_hang_coins")


def test_true_maximum(waiting: Dataset, waiting_maximum: Theta) -> None:
    verdict = judge(FREE, waiting, waiting_maximum)
    assert verdict.finding == "maximum"
    assert verdict.flags == ("maximum",)
    assert verdict.loglik == pytest.approx(-1034.00174983, abs=1e-6)
    assert verdict.newton_decrement < 1e-12
    assert (verdict.curvature > 1).all()
    assert not verdict.narrow


def test_wald_intervals_match_the_inverse_information(
    waiting: Dataset, waiting_maximum: Theta
) -> None:
    """Against standard errors by differencing the log-likelihood itself in natural parameters."""
    verdict = judge(FREE, waiting, waiting_maximum)
    at = np.array(
        [
            *waiting_maximum.means[:, 0],
            *(0.5 * np.log(waiting_maximum.covariances[:, 0, 0])),
            np.log(waiting_maximum.weights[0] / waiting_maximum.weights[1]),
        ]
    )

    def loglik(v: np.ndarray) -> float:
        w = 1 / (1 + np.exp(-v[4]))
        theta = FREE.conform(normal([w, 1 - w], list(v[:2]), list(np.exp(v[2:4]))), 1)
        return float(FREE.log_density(waiting.x, theta).sum())

    h = np.array([1e-2, 1e-2, 1e-3, 1e-3, 1e-3])
    steps = np.diag(h)
    hessian = np.array(
        [
            [
                (loglik(at + a + b) - loglik(at + a - b) - loglik(at - a + b) + loglik(at - a - b))
                / (4 * h[i] * h[j])
                for j, b in enumerate(steps)
            ]
            for i, a in enumerate(steps)
        ]
    )
    errors = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    half = {name: (high - low) / 2 / 1.959964 for name, (low, high) in verdict.intervals.items()}
    np.testing.assert_allclose(half["means"].ravel(), errors[:2], rtol=1e-3)
    np.testing.assert_allclose(half["log_sds"].ravel(), errors[2:4], rtol=1e-3)
    np.testing.assert_allclose(half["logit_weights"][0], errors[4], rtol=1e-3)


@pytest.mark.parametrize("gain", [0.1, 0.01, 0.001])
def test_off_a_maximum_is_never_a_maximum(
    waiting: Dataset, waiting_maximum: Theta, gain: float
) -> None:
    """A hundred random directions; each point is just `gain` nats below the maximum."""
    frame = FREE.family.frame(waiting)
    top = FREE.to_unconstrained(waiting_maximum, frame)
    problem = Problem(FREE, waiting)
    best = problem.value_and_score(top)[0]
    rng = np.random.default_rng(5)
    for _ in range(100):
        direction = rng.standard_normal(top.size)
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            lost = best - problem.value_and_score(top + middle * direction)[0]
            low, high = (middle, high) if lost < gain else (low, middle)
        verdict = judge(FREE, waiting, FREE.to_natural(top + high * direction, 1, frame))
        assert verdict.finding == "not_stationary"
        assert verdict.attainable_gain == pytest.approx(gain, rel=0.02)


def test_symmetric_saddle_of_the_ten_points() -> None:
    data = load_dataset("ten_points")
    verdict = judge(
        FREE, data, Theta([0.5, 0.5], means=[6.56, 6.56], covariances=[18.1324, 18.1324])
    )
    assert verdict.finding == "saddle"
    assert "coincident_components" in verdict.flags
    assert verdict.loglik == pytest.approx(-28.6778873, abs=1e-6)
    assert verdict.curvature[0] == pytest.approx(-0.0215, abs=2e-4)
    assert not verdict.intervals
    best = judge(FREE, data, em(FREE, data, normal([0.5, 0.5], [4, 6], [1, 2**0.5])))
    assert best.finding == "maximum"
    assert best.loglik == pytest.approx(-20.008450, abs=1e-5)


@pytest.mark.parametrize(
    ("weight", "p", "q"),
    [
        (0.461862835113919, 0.5345950037850113, 0.6561346417857324),
        (0.40641711229946526, 0.5368421052631578, 0.6432432432432432),
        (0.4136, 0.5471, (0.6 - 0.4136 * 0.5471) / (1 - 0.4136)),
    ],
)
def test_ridge_of_the_three_coins(coins: Dataset, weight: float, p: float, q: float) -> None:
    verdict = judge(COINS, coins, Theta([weight, 1 - weight], probs=[p, q]))
    assert verdict.finding == "ridge"
    assert len(verdict.null_directions) == 2
    named = " ".join(verdict.null_directions)
    assert "weight 1" in named
    assert "probability 1" in named
    assert "probability 2" in named
    assert verdict.loglik == pytest.approx(-6.730116670092565, abs=1e-12)
    assert not verdict.intervals


def test_ridge_by_a_solver_that_stopped_just_off_its_crest(coins: Dataset) -> None:
    """The gradient is tiny and tilts the null directions' curvature to 3e-7: still a ridge."""
    end = Theta(
        [0.5668263581151431, 0.4331736418848569], probs=[0.5399532467728813, 0.6785735362590284]
    )
    assert judge(COINS, coins, end).finding == "ridge"


def test_ridge_off_its_crest_is_not_stationary(coins: Dataset) -> None:
    assert judge(COINS, coins, Theta([0.5, 0.5], probs=[0.55, 0.67])).finding == "not_stationary"


def test_coins_at_the_edge(coins: Dataset) -> None:
    verdict = judge(COINS, coins, Theta([0.6, 0.4], probs=[1, 0]))
    assert verdict.finding == "boundary"
    assert verdict.edges == ("probability 1 at 1", "probability 2 at 0")
    wrong = judge(COINS, coins, Theta([0.4, 0.6], probs=[0, 0.6]))
    assert wrong.finding == "not_stationary"


def test_edge_with_multiplier_of_the_wrong_sign() -> None:
    """Every other coordinate is at its best; the one at the edge wants to come in."""
    rng = np.random.default_rng(3)
    x = (rng.random((400, 3)) < np.where(rng.random(400) < 0.4, 0.15, 0.8)[:, None]).astype(float)
    data = Dataset(x)
    best = em(COINS, data, Theta([0.5, 0.5], probs=[[0.2] * 3, [0.8] * 3]))
    assert judge(COINS, data, best).finding == "maximum"
    held = Theta(best.weights, probs=np.where(np.arange(6).reshape(2, 3) == 0, 0.0, best.probs))
    problem = Problem(COINS, data)
    for _ in range(300):
        step = problem.maximise(problem.statistics(held)[1])
        held = Theta(step.weights, probs=np.where(np.arange(6).reshape(2, 3) == 0, 0.0, step.probs))
    verdict = judge(COINS, data, held)
    assert verdict.finding == "not_stationary"
    assert verdict.newton_decrement < 1e-4
    assert verdict.attainable_gain > 1


def test_coinciding_components_where_no_split_ascends(coins: Dataset) -> None:
    verdict = judge(COINS, coins, Theta([0.46, 0.54], probs=[0.6, 0.6]))
    assert verdict.finding == "duplicate"
    # Moments like those of a normal distribution up to the seventeenth leave no split anything to gain.
    x, counts = np.polynomial.hermite_e.hermegauss(9)
    normal_like = Dataset(x, counts=100 * counts / counts.sum())
    verdict = judge(TIED, normal_like, normal([0.3, 0.7], [0, 0], [1, 1]))
    assert verdict.finding == "duplicate"
    assert "components 1 and 2 coincide" in verdict.message


@pytest.mark.parametrize("weight", [0.5, 0.1])
@pytest.mark.parametrize("tails", ["light", "heavy"])
def test_splitting_that_ascends_at_fourth_order_only(tails: str, weight: float) -> None:
    """Tied variances, no skewness: the Hessian is flat along the split, and it ascends for some shares.

    By the fourth cumulants, for even ones with light tails and for uneven ones with heavy tails. Shares
    of coinciding components change no density, so these points are all the same one.
    """
    u = np.linspace(-1, 1, 200)
    x = u if tails == "light" else np.tan(1.4 * u)
    sd = x.std()
    verdict = judge(TIED, Dataset(x), normal([weight, 1 - weight], [0, 0], [sd, sd]))
    assert verdict.finding == "saddle"
    assert verdict.margins["ascent"] > 1e4


@pytest.mark.parametrize("sd", [1e-3, 1e-6, 1e-12])
def test_collapsed_component(waiting: Dataset, sd: float) -> None:
    verdict = judge(FREE, waiting, normal([1 / 272, 271 / 272], [43, 71], [sd, 13.4]))
    assert verdict.finding == "singular"
    assert verdict.message.startswith("component 1 collapsed")


def test_collapse_on_ties_and_in_a_line() -> None:
    rng = np.random.default_rng(2)
    tied = Dataset(np.concatenate([rng.normal(0, 1, 100), np.full(5, 0.3)]))
    assert judge(FREE, tied, normal([0.05, 0.95], [0.3, 0.0], [1e-5, 1])).finding == "singular"
    x = rng.normal(size=(100, 2))
    x[:3, 1] = x[:3, 0]
    flat = Theta(
        [0.03, 0.97],
        means=[x[:3].mean(axis=0), [0, 0]],
        covariances=[np.cov(x[:3].T, bias=True) + 1e-12 * np.eye(2), np.eye(2)],
    )
    assert judge(FREE, Dataset(x), flat).finding == "singular"


def test_narrow_but_genuine_optimum(waiting: Dataset) -> None:
    """Two distinct observations hold a component up: bounded, stationary, and called narrow."""
    rng = np.random.default_rng(11)
    x = np.concatenate([rng.normal(0, 1, 200), [3.0, 3.0005, 3.001]])
    data = Dataset(x)
    end = em(FREE, data, normal([0.02, 0.98], [3.0005, 0.0], [4e-4, 1]), 200)
    verdict = judge(FREE, data, end)
    assert verdict.finding == "maximum"
    assert verdict.narrow
    assert verdict.narrow_ratio < 0.01
    assert "narrow" in verdict.flags


def test_empty_components(waiting: Dataset) -> None:
    mean, sd = float(waiting.x.mean()), float(waiting.x.std())
    verdict = judge(FREE, waiting, normal([0, 1], [50, mean], [5, sd]))
    assert verdict.finding == "not_stationary"  # free variances: more weight always pays somewhere
    # All patterns of two fair items, equally often: one component fits perfectly, none can be added.
    even = Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], counts=[25, 25, 25, 25])
    verdict = judge(COINS, even, Theta([0, 1], probs=[[0.2, 0.9], [0.5, 0.5]]))
    assert verdict.finding == "boundary"
    assert verdict.edges == ("weight 1",)


@pytest.mark.parametrize(
    ("theta", "phrase"),
    [
        (normal([1.2, -0.2], [55, 80], [5, 5]), "weight 1 is 1.2"),
        (normal([0.5, 0.4], [55, 80], [5, 5]), "sum to 0.9"),
        (Theta([0.5, 0.5], means=[55, 80], covariances=[25, -4]), "variance of component 2"),
    ],
)
def test_out_of_domain(waiting: Dataset, theta: Theta, phrase: str) -> None:
    verdict = judge(FREE, waiting, theta)
    assert verdict.finding == "out_of_domain"
    assert phrase in verdict.message


def test_non_finite(waiting: Dataset) -> None:
    assert judge(FREE, waiting, normal([0.5, 0.5], [np.nan, 80], [5, 5])).finding == "non_finite"
    assert Verifier(FREE, waiting).point(None).finding == "non_finite"
    impossible = Dataset([[0.0], [1.0]])
    assert judge(COINS, impossible, Theta([0.5, 0.5], probs=[0, 0])).finding == "non_finite"


FALSE_SUCCESS = {
    # seed: (mu1, s1, mu2, s2, pi) where bounded L-BFGS-B ended with success=True
    4: (0.50937382165, 0.27296580234, 0.35941078692, 0.28446704554, 0.34844135401),
    37: (0.63473140764, 0.11422408302, 0.01435819958, 0.19204107179, 0.66214721370),
    94: (0.57282930667, 0.15682139280, 0.01239166943, 0.07201634845, 0.62138048893),
}


@pytest.mark.parametrize("seed", FALSE_SUCCESS)
def test_false_success_of_bounded_lbfgsb(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = Dataset(np.concatenate([rng.normal(0, 0.08, 300), rng.normal(0.6, 0.12, 700)]))
    m1, s1, m2, s2, w = FALSE_SUCCESS[seed]
    verdict = judge(FREE, data, normal([w, 1 - w], [m1, m2], [s1, s2]))
    assert verdict.finding == "not_stationary"
    assert verdict.attainable_gain > 50


@pytest.mark.parametrize("scale", 10.0 ** np.arange(-6, 7, 2))
@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_findings_do_not_depend_on_units(scale: float, shift: float) -> None:
    ten = load_dataset("ten_points")
    moved = Dataset(ten.x * scale + shift * scale)
    saddle = Theta([0.5, 0.5], means=[[6.56], [6.56]], covariances=[[[18.1324]], [[18.1324]]])
    top = em(FREE, ten, normal([0.5, 0.5], [4, 6], [1, 2**0.5]))
    spike = Theta([0.1, 0.9], means=[ten.x[0], [7.0]], covariances=[[[1e-12]], [[18.0]]])
    off = Theta(top.weights, means=top.means + 0.2, covariances=top.covariances)
    expected = ["saddle", "maximum", "singular", "not_stationary"]
    found = [
        judge(FREE, moved, rescaled(t, scale, shift * scale)).finding
        for t in (saddle, top, spike, off)
    ]
    assert found == expected


def test_beyond_the_range_of_precision_the_verdict_says_so() -> None:
    """Groups 1e7 sds apart: rounding makes tenths of nats of nothing, and no verdict is built on it."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, 100), rng.normal(1e7, 1, 100)])
    end = em(FREE, Dataset(x), normal([0.5, 0.5], [0, 1e7], [1, 1]), 50)
    verdict = judge(FREE, Dataset(x), end)
    assert any(note.startswith("precision") for note in verdict.notes)
    assert verdict.finding == "maximum"
    near = np.concatenate([rng.normal(0, 1, 100), rng.normal(100, 1, 100)])
    end = em(FREE, Dataset(near), normal([0.5, 0.5], [0, 100], [1, 1]), 50)
    verdict = judge(FREE, Dataset(near), end)
    assert verdict.finding == "maximum"
    assert not verdict.notes


def test_labels_carry_no_meaning(waiting: Dataset) -> None:
    model = MixtureModel("gaussian", 3)
    end = em(model, waiting, normal([0.2, 0.3, 0.5], [52, 58, 80], [4, 4, 5]), 3000)
    first = judge(model, waiting, end)
    for order in ([1, 0, 2], [2, 1, 0], [1, 2, 0]):
        again = judge(model, waiting, end.take(order))
        assert again.finding == first.finding
        assert again.attainable_gain == pytest.approx(first.attainable_gain, abs=1e-7)
        np.testing.assert_allclose(again.curvature, first.curvature, rtol=1e-4, atol=1e-4)


def test_multivariate_maximum_and_counts() -> None:
    data = load_dataset("old_faithful")
    start = Theta([0.4, 0.6], means=[[2, 54], [4.3, 80]], covariances=[[[0.1, 0], [0, 30]]] * 2)
    verdict = judge(FREE, data, em(FREE, data, start))
    assert verdict.finding == "maximum"
    assert verdict.loglik == pytest.approx(-1130.26396018, abs=1e-6)
    assert set(verdict.intervals) == {"logit_weights", "means", "log_sds", "correlations"}
    role = load_dataset("role_conflict")
    end = em(COINS, role, Theta([0.3, 0.7], probs=[[0.9] * 4, [0.4] * 4]), 3000)
    verdict = judge(COINS, role, end)
    assert verdict.finding == "maximum"
    assert verdict.loglik == pytest.approx(-504.4677, abs=1e-4)


def test_verdict_carries_its_thresholds_and_every_finding_has_a_sentence(waiting: Dataset) -> None:
    from mixcompare.verify.sentences import _TEXTS

    verdict = judge(FREE, waiting, normal([0.5, 0.5], [55, 80], [5, 5]))
    assert verdict.thresholds["stationary"] == 1e-4
    assert verdict.margins["stationary"] > 1
    assert set(_TEXTS) == set(FINDINGS) - {"unsupported", "error"}


@pytest.mark.parametrize(("loss", "finding"), [(5e-5, "maximum"), (2e-4, "not_stationary")])
def test_the_margin_is_the_loss_over_the_threshold(
    waiting: Dataset, waiting_maximum: Theta, loss: float, finding: str
) -> None:
    """Moved off the maximum along one mean until so many nats are lost."""
    problem = Problem(FREE, waiting)
    top = problem.log_likelihood(waiting_maximum)

    def moved(step: float) -> Theta:
        means = waiting_maximum.means + np.array([[step], [0.0]])
        return Theta(waiting_maximum.weights, **{**waiting_maximum.parameters, "means": means})

    step = 0.01 * np.sqrt(loss / (top - problem.log_likelihood(moved(0.01))))
    verdict = judge(FREE, waiting, moved(step))
    assert verdict.finding == finding
    assert verdict.margins["stationary"] == pytest.approx(loss / 1e-4, rel=0.2)


def test_margins_of_every_test_that_was_made(waiting: Dataset, waiting_maximum: Theta) -> None:
    margins = judge(FREE, waiting, waiting_maximum).margins
    tests = {"stationary", "flat", "ascent", "coincide", "suspect", "narrow_ratio", "narrow_count"}
    assert set(margins) == tests  # no parameter is near an edge, no component near collapse
    spreads = np.sqrt(waiting_maximum.covariances.ravel())
    assert margins["narrow_ratio"] == pytest.approx(spreads.min() / spreads.max() / 0.05)
    least = waiting.n * waiting_maximum.weights.min() / 1.9
    assert margins["narrow_count"] == pytest.approx(least)
    assert min(margins["coincide"], margins["flat"], margins["suspect"]) > 1


def test_margins_of_edges_and_of_collapse(waiting: Dataset) -> None:
    data = Dataset(np.array([[1.0, 0], [1, 1], [1, 0], [1, 1], [1, 1]]))
    one = MixtureModel("bernoulli", 1)
    assert judge(one, data, Theta([1.0], probs=[[1.0, 0.6]])).margins.get("edge") is None
    # at the edge five ones gain -5 log(1 - 1e-9) nats, half the threshold: a cost below it
    verdict = judge(one, data, Theta([1.0], probs=[[1 - 1e-9, 0.6]]))
    assert verdict.finding == "boundary"
    assert verdict.margins["edge"] == pytest.approx(-5e-9 / 1e-8, rel=1e-3)
    spike = normal([0.01, 0.99], [waiting.x[0, 0], 71.0], [1e-5, 13.0])
    verdict = judge(FREE, waiting, spike)
    assert verdict.finding == "singular"
    assert verdict.margins["suspect"] < 1
    assert verdict.margins["contracting"] < 1


def test_a_model_without_free_parameters_is_at_its_maximum() -> None:
    """One class, and an item that everybody answered alike."""
    data = Dataset(np.zeros(4))
    model = MixtureModel("categorical", 1).on(data)
    verdict = judge(model, data, em(model, data, Theta([1.0], probs=[[[1.0]]]), 1))
    assert (verdict.finding, verdict.loglik, verdict.intervals) == ("maximum", 0.0, {})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("family", ["gaussian", "student_t", "exponential", "gamma"])
@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_a_point_of_any_size_is_judged_without_a_warning(family: str, size: float) -> None:
    data = Dataset(np.linspace(0.1, 5.0, 30))
    model = MixtureModel(family, 2).on(data)
    start = make_start("quantiles", model, data, 0, 0).theta
    for name in start.parameters:
        values = {key: np.array(value) for key, value in start.items()}
        values[name].flat[0] = size
        verdict = judge(model, data, Theta(**values))
        assert verdict.finding not in ("maximum", "ridge", "duplicate", "boundary")
