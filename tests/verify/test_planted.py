"""Planted cases: a hundred random points of (nearly) each finding, at units from 1e-6 to 1e6, none misjudged.

What a case is follows from how it was made, never from what a verifier says. Families of continuous data
are planted in every unit in turn; counts have no units.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mixcompare.data import Dataset
from mixcompare.mixture import MixtureModel
from mixcompare.problem import Problem
from mixcompare.theta import Theta
from mixcompare.verify.verifier import verify

Case = tuple[MixtureModel, Dataset, Theta]

CASES = 100
COSTLY = {
    ("gaussian 2-d", "saddle"): 28,
    ("gaussian tied", "duplicate"): 14,
    ("gaussian tied", "saddle"): 28,
    ("poisson", "boundary"): 56,
}
"""Cases of findings whose verdict takes long: a third of a second, up to two."""

SCALES = 10.0 ** np.arange(-6, 7, 2)
MOVED = 0.1
"""Nats below a maximum."""


# -- what is planted ------------------------------------------------------------------------------


def gaussian_data(rng: np.random.Generator, scale: float, d: int) -> tuple[Dataset, Theta]:
    """Two groups, four to eight sds apart, somewhere; and the truth."""
    n = int(rng.integers(80, 160))
    weight = rng.uniform(0.3, 0.7)
    direction = rng.standard_normal(d)
    centre = 5.0 * rng.standard_normal(d)
    means = centre + np.outer([0.0, rng.uniform(4, 8)], direction / np.linalg.norm(direction))
    roots = [np.linalg.qr(rng.standard_normal((d, d)))[0] for _ in range(2)]
    covariances = [(q * rng.uniform(0.5, 1.2, d) ** 2) @ q.T for q in roots]
    one = rng.random(n) < weight
    x = np.where(
        one[:, None],
        rng.multivariate_normal(means[0], covariances[0], n),
        rng.multivariate_normal(means[1], covariances[1], n),
    )
    truth = Theta(
        [weight, 1 - weight],
        means=scale * means,
        covariances=scale**2 * (np.array(covariances) + np.swapaxes(covariances, 1, 2)) / 2,
    )
    return Dataset(scale * x), truth


def gaussian(d: int) -> dict[str, Callable[[np.random.Generator, float], Case]]:
    """The findings that a Gaussian mixture with free covariances can have, in d dimensions."""
    model = MixtureModel("gaussian", 2)

    def maximum(rng: np.random.Generator, scale: float) -> Case:
        data, truth = gaussian_data(rng, scale, d)
        return model, data, climbed(model, data, truth)

    def saddle(rng: np.random.Generator, scale: float) -> Case:
        """Both components at the best single one: with free covariances some split always pays."""
        data, _ = gaussian_data(rng, scale, d)
        covariance = np.cov(data.x.T, bias=True).reshape(d, d)
        weight = rng.uniform(0.2, 0.8)
        point = Theta(
            [weight, 1 - weight],
            means=[data.x.mean(axis=0)] * 2,
            covariances=[covariance] * 2,
        )
        return model, data, point

    def singular(rng: np.random.Generator, scale: float) -> Case:
        """One component on a single observation, far narrower than the way to the next one."""
        data, truth = gaussian_data(rng, scale, d)
        means, covariances = truth.means.copy(), truth.covariances.copy()
        means[0] = data.x[rng.integers(data.n_rows)]
        gap = np.sort(np.linalg.norm(data.x - means[0], axis=1))[1]
        covariances[0] = (gap * 10.0 ** rng.uniform(-6, -4)) ** 2 * np.eye(d)
        weights = [1 / data.n, 1 - 1 / data.n]
        return model, data, Theta(weights, means=means, covariances=covariances)

    def out_of_domain(rng: np.random.Generator, scale: float) -> Case:
        data, truth = gaussian_data(rng, scale, d)
        kind = rng.integers(3)
        weights, covariances = truth.weights.copy(), truth.covariances.copy()
        if kind == 0:
            weights = np.array([1.0, 0.0]) + rng.uniform(1e-3, 1) * np.array([1, -1])
        elif kind == 1:
            weights *= 1 + rng.choice([-1, 1]) * rng.uniform(1e-3, 0.5)
        else:
            covariances[rng.integers(2)] *= -1
        return model, data, Theta(weights, means=truth.means, covariances=covariances)

    def non_finite(rng: np.random.Generator, scale: float) -> Case:
        data, truth = gaussian_data(rng, scale, d)
        values = {name: value.copy() for name, value in truth.items()}
        spoilt = values[rng.choice(list(values))]
        spoilt.flat[rng.integers(spoilt.size)] = rng.choice([np.nan, np.inf, -np.inf])
        return model, data, Theta(**values)

    return {
        "maximum": maximum,
        "not_stationary": moved(maximum),
        "saddle": saddle,
        "singular": singular,
        "out_of_domain": out_of_domain,
        "non_finite": non_finite,
    }


def tied() -> dict[str, Callable[[np.random.Generator, float], Case]]:
    """Two equal normal components of one variance.

    Split to a distance t under a variance that keeps the second moment, they gain n times c s t^3 / 6 +
    d k t^4 / 24 nats: s and k are the skewness and excess kurtosis of the data, c and d the third and
    fourth cumulants of the two points that the shares make, of which shares can be found with either
    sign. So some split ascends unless both s and k are zero.
    """
    model = MixtureModel("gaussian", 2, covariance="tied")

    def at(x: np.ndarray, counts: np.ndarray, rng: np.random.Generator, scale: float) -> Case:
        """Both components at the best single one of data that are moved somewhere, in some shares."""
        x = scale * (5.0 * rng.standard_normal() + rng.uniform(0.5, 2) * x)
        weight, mean = rng.uniform(0.05, 0.95), np.average(x, weights=counts)
        variance = np.average((x - mean) ** 2, weights=counts)
        point = Theta([weight, 1 - weight], means=[[mean]] * 2, covariances=[[[variance]]] * 2)
        return model, Dataset(x, counts=counts), point

    def duplicate(rng: np.random.Generator, scale: float) -> Case:
        """Gauss-Hermite nodes and weights: moments like the normal distribution's up to the 17th at least.

        What is left to a split is minus the squares of these cumulants, at the sixth and eighth order.
        """
        x, counts = np.polynomial.hermite_e.hermegauss(int(rng.integers(9, 16)))
        return at(x, rng.uniform(50, 300) * counts / counts.sum(), rng, scale)

    def saddle(rng: np.random.Generator, scale: float) -> Case:
        """No skewness; tails lighter or heavier than normal ones."""
        n = int(rng.integers(60, 120))
        half = rng.choice([rng.uniform(0, 1, n), rng.exponential(1.0, n)])
        return at(np.concatenate([half, -half]), np.ones(2 * n), rng, scale)

    return {"duplicate": duplicate, "saddle": saddle}


def poisson() -> dict[str, Callable[[np.random.Generator, float], Case]]:
    """Two rates well apart; or counts less spread than a single Poisson, which no mixture fits better."""
    model = MixtureModel("poisson", 2)

    def maximum(rng: np.random.Generator, scale: float) -> Case:
        low = rng.uniform(1, 4)
        rates = np.array([low, low + rng.uniform(12, 25)])
        weight = rng.uniform(0.3, 0.7)
        one = rng.random(int(rng.integers(80, 160))) < weight
        data = Dataset(rng.poisson(np.where(one, *rates)).astype(float))
        return model, data, climbed(model, data, Theta([weight, 1 - weight], rates=rates))

    def narrow_counts(rng: np.random.Generator) -> Dataset:
        return Dataset(rng.binomial(12, 0.6, int(rng.integers(60, 160))).astype(float))

    def duplicate(rng: np.random.Generator, scale: float) -> Case:
        data = narrow_counts(rng)
        weight = rng.uniform(0.1, 0.9)
        return model, data, Theta([weight, 1 - weight], rates=[data.x.mean()] * 2)

    def boundary(rng: np.random.Generator, scale: float) -> Case:
        data = narrow_counts(rng)
        return model, data, Theta([0.0, 1.0], rates=[rng.uniform(1, 20), data.x.mean()])

    def saddle(rng: np.random.Generator, scale: float) -> Case:
        """Equal rates at the mean of counts spread more than a Poisson."""
        _, data, _ = maximum(rng, scale)
        weight = rng.uniform(0.2, 0.8)
        return model, data, Theta([weight, 1 - weight], rates=[data.x.mean()] * 2)

    def out_of_domain(rng: np.random.Generator, scale: float) -> Case:
        model, data, top = maximum(rng, scale)
        signs = np.where(np.arange(2) == rng.integers(2), -1, 1)
        return model, data, Theta(top.weights, rates=top["rates"] * signs)

    return {
        "maximum": maximum,
        "not_stationary": moved(maximum),
        "duplicate": duplicate,
        "boundary": boundary,
        "saddle": saddle,
        "out_of_domain": out_of_domain,
    }


def coins_ridge(rng: np.random.Generator, scale: float) -> Case:
    """Single tosses of two coins: every pair with the right mean is as good as any other."""
    heads = int(rng.integers(20, 80))
    mean, weight = heads / 100, rng.uniform(0.2, 0.8)
    room = min(mean, 1 - mean) * min(1, weight / (1 - weight), (1 - weight) / weight)
    shift = rng.choice([-1, 1]) * rng.uniform(0.2, 0.8) * room
    probs = [mean + (1 - weight) * shift, mean - weight * shift]
    data = Dataset([0.0, 1.0], counts=[100 - heads, heads])
    return MixtureModel("bernoulli", 2), data, Theta([weight, 1 - weight], probs=probs)


def climbed(model: MixtureModel, data: Dataset, theta: Theta) -> Theta:
    """Where EM leads from a point."""
    problem = Problem(model, data)
    theta = model.as_start(theta, data)
    for _ in range(1000):
        before = theta
        theta = problem.maximise(problem.statistics(theta)[1])
        if all(
            np.allclose(theta[name], before[name], rtol=1e-12, atol=0)
            for name in ("weights", *theta.parameters)
        ):
            break
    return theta


def moved(
    planted: Callable[[np.random.Generator, float], Case],
) -> Callable[[np.random.Generator, float], Case]:
    """The same maxima, each left along a random direction until `MOVED` nats are lost."""

    def off(rng: np.random.Generator, scale: float) -> Case:
        model, data, top = planted(rng, scale)
        bound = model.on(data)
        frame = bound.family.frame(data)
        z = bound.to_unconstrained(top, frame)
        problem = Problem(bound, data)
        best = problem.value_and_score(z)[0]
        direction = rng.standard_normal(z.size)
        low, high = 0.0, 1e-3
        while best - problem.value_and_score(z + high * direction)[0] < MOVED:
            high *= 2
        for _ in range(50):
            middle = (low + high) / 2
            lost = best - problem.value_and_score(z + middle * direction)[0]
            low, high = (middle, high) if lost < MOVED else (low, middle)
        return model, data, bound.to_natural(z + high * direction, data.n_features, frame)

    return off


PLANTED = {
    **{("gaussian 1-d", finding): make for finding, make in gaussian(1).items()},
    **{("gaussian 2-d", finding): make for finding, make in gaussian(2).items()},
    **{("gaussian tied", finding): make for finding, make in tied().items()},
    **{("poisson", finding): make for finding, make in poisson().items()},
    ("bernoulli", "ridge"): coins_ridge,
}


# -- and what it is found to be -------------------------------------------------------------------


def misjudged(family: str, finding: str, numbers: range) -> list[str]:
    """The cases of these numbers that get another finding, in words."""
    wrong = []
    for number in numbers:
        scale = float(SCALES[number % SCALES.size])
        rng = np.random.default_rng([number, *map(ord, family + finding)])
        model, data, theta = PLANTED[family, finding](rng, scale)
        verdict = verify(model, data, theta)
        if verdict.finding != finding:
            wrong.append(f"case {number} in units of {scale:g}: {verdict}; {theta}")
        elif finding == "not_stationary" and not verdict.attainable_gain > MOVED / 2:
            wrong.append(f"case {number} in units of {scale:g}: gain {verdict.attainable_gain}")
    return wrong


@pytest.mark.parametrize(("family", "finding"), PLANTED)
def test_a_planted_case_in_every_unit(family: str, finding: str) -> None:
    costly = (family, finding) in COSTLY
    assert misjudged(family, finding, range(0, SCALES.size, 3 if costly else 1)) == []


@pytest.mark.slow
@pytest.mark.parametrize(("family", "finding"), PLANTED)
def test_all_planted_cases(family: str, finding: str) -> None:
    assert misjudged(family, finding, range(COSTLY.get((family, finding), CASES))) == []
