"""What the known mistakes of chapters 8 to 10 are said to do, computed as in ``test_symptoms``."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from scipy.stats import norm
from test_symptoms import spellings, wrong

from pgutils.exercises.catalogue import EXERCISES

NODES, SHARES = np.polynomial.hermite_e.hermegauss(60)
SHARES /= SHARES.sum()  # of normal noise: (f(NODES) * SHARES).sum() is the mean of f
EVEN = norm.ppf((np.arange(4000) + 0.5) / 4000)  # where f has kinks, np.mean(f(EVEN)) is


def right(exercise):
    """The book's answer."""
    return EXERCISES[exercise].solution


def slope(f, x, h=1e-6):
    """The derivative of a function of one number."""
    return (f(x + h) - f(x - h)) / (2 * h)


def gradient(f, *args, of=0):
    """The gradient of a function of tensors with respect to one of them."""
    tensors = [torch.as_tensor(arg).detach().clone() if not isinstance(arg, float) else arg for arg in args]
    tensors[of] = tensors[of].double().requires_grad_()
    result = f(*tensors).sum()
    if not result.requires_grad:
        return torch.zeros_like(tensors[of])
    (found,) = torch.autograd.grad(result, tensors[of], allow_unused=True, materialize_grads=True)
    return found


# Chapter 8. The log-probability of several numbers.

NAME = "gaussian-log-probability"


@pytest.mark.parametrize("name", [NAME, "squashed-log-probability"])
def test_a_log_probability_for_each_number_does_not_fit_or_spreads(name):
    f = wrong(name, "sum over dimensions forgotten", "do not fit, or spread over the wrong axis")
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="broadcast"):
        f(*rng.normal(size=(2, 3, 2)), np.zeros(2)) * np.ones(3)
    actions, means, log_std = *rng.normal(size=(2, 2, 2)), np.zeros(2)
    weights = np.array([1.0, 0.0])  # meant: only the first step counts
    assert (f(actions, means, log_std) * weights).sum() != pytest.approx(right(name)(actions, means, log_std)[0])


def test_scores_of_several_numbers():
    actions, means, log_std = np.random.default_rng(1).normal(size=(3, 3, 4))
    args = lambda shift: (actions, means + shift, log_std[0])  # noqa: E731
    true = slope(lambda shift: right(NAME)(*args(shift)), 0.0)
    mean = wrong(NAME, "mean over dimensions", "the steps are D times too short, and a ratio of two policies is wrong")
    np.testing.assert_allclose(slope(lambda shift: mean(*args(shift)), 0.0), true / 4, atol=1e-6)
    total = wrong(NAME, "sum over everything", "praised with the sum of all weights")
    weights = np.array([1.0, 2.0, -5.0])
    praise = slope(lambda shift: (total(*args(shift)) * weights).sum(), 0.0)
    assert praise == pytest.approx(weights.sum() * true.sum(), abs=1e-6)
    steps = wrong(NAME, "sum over the steps", "as many log-probabilities as an action has numbers")
    assert steps(*args(0.0)).shape == (4,)
    sign = wrong(NAME, "sign", "runs away from good actions")
    np.testing.assert_allclose(slope(lambda shift: sign(*args(shift)), 0.0), -true, atol=1e-6)


def one_number(f, action, log_std, mean=0.0):
    """The log-probability of an action of one number."""
    return f(np.array([[action]]), np.array([[mean]]), np.array([log_std]))[0]


@pytest.mark.parametrize(
    ("mistake", "symptom", "taken"),
    [
        ("variance for σ", "σ = 3 is taken for 9, and σ = ½ for ¼", {3: 9, 1 / 2: 1 / 4}),
        ("log σ taken for log σ²", "σ = 9 is taken for 3, and σ = ¼ for ½", {9: 3, 1 / 4: 1 / 2}),
    ],
)
def test_a_deviation_is_taken_for_another(mistake, symptom, taken):
    f = wrong(NAME, mistake, symptom)
    for sigma, other in taken.items():
        assert one_number(f, 0.7, np.log(sigma)) == pytest.approx(one_number(right(NAME), 0.7, np.log(other)))


def test_a_sigma_of_one_divides_by_zero():
    for spelling in (0, 1):
        f = wrong(NAME, "log σ for σ", "σ = 1 divides by zero", spelling)
        with np.errstate(all="ignore"):
            assert not np.isfinite(one_number(f, 0.7, 0.0))


def test_without_the_half_the_spread_settles_elsewhere():
    f = wrong(NAME, "half forgotten", "the mean's steps are twice as long, and the spread settles where it should not")
    steps = [slope(lambda m, f=f: one_number(f, 0.7, 0.3, m), 0.0) for f in (f, right(NAME))]
    assert steps[0] == pytest.approx(2 * steps[1])
    fit = lambda f, log_std: np.array([one_number(f, z, log_std) for z in NODES]) @ SHARES  # noqa: E731
    assert slope(lambda s: fit(right(NAME), s), 0.0) == pytest.approx(0, abs=1e-6)
    assert abs(slope(lambda s: fit(f, s), 0.0)) > 0.5


def test_with_the_log_of_the_variance_the_spread_settles_too_narrow():
    f = wrong(NAME, "log of the variance", "the spread settles where it should not, too narrow")
    assert slope(lambda s: np.array([one_number(f, z, s) for z in NODES]) @ SHARES, 0.0) < -0.5


def test_a_narrow_policy_calls_actions_likely_that_it_never_draws():
    f = wrong(NAME, "square divided by σ", "calls actions likely that it hardly ever draws")
    assert one_number(f, 0.5, np.log(0.01)) > -10 > -1000 > one_number(right(NAME), 0.5, np.log(0.01))


@pytest.mark.parametrize("mistake", ["normaliser forgotten", "log σ with the wrong sign"])
def test_every_action_widens(mistake):
    f = wrong(NAME, mistake, "every action widens the policy")
    assert all(slope(lambda s: one_number(f, action, s), 0.3) > 0 for action in np.linspace(-3, 3, 8))  # noqa: B023


@pytest.mark.parametrize("mistake", ["2π forgotten", "constant counted once"])
def test_constants_have_no_gradient(mistake):
    f = wrong(NAME, mistake, "none in the gradient; entropies and comparisons of densities are off")
    args = lambda shift: (np.ones((1, 2)), np.full((1, 2), shift), np.array([0.1, shift]))  # noqa: E731
    assert slope(lambda x: f(*args(x))[0], 0.2) == pytest.approx(slope(lambda x: right(NAME)(*args(x))[0], 0.2))
    assert f(*args(0.2)) != pytest.approx(right(NAME)(*args(0.2)))


def test_the_density_of_a_rare_action_has_no_gradient():
    f = wrong(NAME, "density", "rare actions hardly count")
    rare, common = (slope(lambda m, action=action: one_number(f, action, 0.0, m), 0.0) for action in (6.0, 1.0))
    assert 0 < rare < 1e-6 < 0.1 < common


# The entropy.

ENTROPY = "gaussian-entropy"


@pytest.mark.parametrize(
    ("mistake", "symptom", "factor"),
    [
        ("e forgotten", "none in the gradient", 1),
        ("e with the wrong sign", "none in the gradient", 1),
        ("constant counted once", "none in the gradient", 1),
        ("constants forgotten", "none in the gradient", 1),
        ("half forgotten", "none in the gradient", 1),
        ("mean over dimensions", "D times too weak", 1 / 3),
        ("variance for σ", "twice too strong", 2),
        ("log σ forgotten", "no gradient at all", 0),
        ("sign", "narrows the policy", -1),
        ("never negative", "no longer holds a policy that is very narrow", 0),
        ("σ for log σ", "pulls a narrow policy hardly at all", np.exp(-3)),
    ],
)
def test_the_gradient_of_a_bonus_for_entropy(mistake, symptom, factor):
    f, narrow = wrong(ENTROPY, mistake, symptom), np.full(3, -3.0)
    found = slope(lambda shift: f(narrow + shift * np.eye(3)[0]), 0.0)
    assert found == pytest.approx(
        factor * slope(lambda shift: right(ENTROPY)(narrow + shift * np.eye(3)[0]), 0.0), abs=1e-6
    )


def test_entropies_that_are_read_as_too_low_or_too_high():
    log_std = np.array([0.5, -1.2])
    for mistake, symptom, by in (("e forgotten", "by ½ a number", -1), ("e with the wrong sign", "by 1 a number", -2)):
        f = wrong(ENTROPY, mistake, symptom)
        assert f(log_std) - right(ENTROPY)(log_std) == pytest.approx(by)
    assert wrong(ENTROPY, "half forgotten", "read as too high")(log_std) > right(ENTROPY)(log_std)
    assert wrong(ENTROPY, "constants forgotten", "read as too low")(log_std) < right(ENTROPY)(log_std)
    f = wrong(ENTROPY, "log taken twice", "a policy of σ = 1 has no entropy, and a narrow one none either")
    assert not np.isfinite(f(np.zeros(1)))
    assert not np.isfinite(f(-np.ones(1)))


def test_an_entropy_for_each_number_does_not_fit_or_spreads():
    f = wrong(ENTROPY, "one for each number", "shapes do not fit, or spread over the wrong axis")
    with pytest.raises(ValueError, match="broadcast"):
        f(np.zeros(2)) * np.ones(3)
    taken = np.array([1.0, 0.0])  # of two steps the first is one, the second padding
    pulls = [
        [slope(lambda x, f=f, number=number: (f(x * number) * taken).sum(), 0.0) for number in np.eye(2)]
        for f in (f, right(ENTROPY))
    ]
    np.testing.assert_allclose(pulls, [[1, 0], [1, 1]], atol=1e-6)


# What is drawn and what is sent.

SENT = "drawn-and-sent"


def acted(mistake, symptom, means=0.0, sigma=1.0, low=-2.0, high=2.0):
    """What is stored and what is sent by a mistake."""
    f = wrong(SENT, mistake, symptom)
    return f(np.full(len(EVEN), means), float(np.log(sigma)), EVEN, low, high)


@pytest.mark.parametrize("mean", [0.9, 0.5, -0.5])
def test_the_score_of_clipped_actions_drifts_inwards_and_narrows(mean):
    stored, _ = acted("clipped action stored", "μ drifts inwards, and inside the range σ shrinks", mean, 0.5)
    z = (stored - mean) / 0.5
    assert np.sign(mean) * z.mean() < -0.005
    assert (z**2 - 1).mean() < -0.05


def test_outside_the_range_sigma_does_not_shrink():
    stored, _ = acted("clipped action stored", "inside the range σ shrinks", 1.75, 0.5)
    assert (((stored - 1.75) / 0.5) ** 2 - 1).mean() > 0.5


@pytest.mark.parametrize(("low", "high", "drift"), [(1.0, 3.0, 2.0), (-1.0, 3.0, 1.0)])
def test_the_score_of_an_action_that_nobody_has_drawn(low, high, drift):
    said = "the score is that of an action that nobody has drawn, unless the range is -1 to 1"
    stored, _ = acted("action of the environment stored", said, low=low, high=high)
    assert np.mean(np.isclose(stored, EVEN)) < 0.001
    assert stored.mean() == pytest.approx(drift)  # of μ = 0 and σ = 1, so this is the mean score
    stored, _ = acted("action of the environment stored", said, low=-1.0, high=1.0)
    assert np.isclose(stored, EVEN).mean() == pytest.approx(np.mean(np.abs(EVEN) <= 1))


def test_what_the_environment_receives():
    _, sent = acted("not scaled", "could pull twice as hard never does")
    assert sent.max() == 1
    _, sent = acted("cut without scaling", "the lowest action in five steps of six", low=1.0, high=3.0)
    assert round(6 * (sent == 1).mean()) == 5
    _, sent = acted("squashed", "the ends are never reached", sigma=3.0)
    assert np.abs(sent).max() < 2
    for spelling in (0, 1):
        f = wrong(SENT, "scaled too far", "what is sent leaves the range", spelling)
        assert np.abs(f(EVEN, 0.0, EVEN, -2.0, 2.0)[1]).max() > 2
    for low, high in ((-2.0, 2.0), (1.0, 3.0)):
        drawn, sent = acted("middle forgotten", "right for even ranges, and wrong for all others", low=low, high=high)
        wanted = (low + high) / 2 + (high - low) / 2 * drawn.clip(-1, 1)
        assert np.allclose(sent, wanted) == (low == -2)
    assert acted("order", "is not cut")[1].max() > 2
    assert acted("not cut", "some environments cut it silently")[1].max() > 2


def test_how_the_policy_explores():
    for sigma, other in ((9, 3), (1 / 4, 1 / 2)):
        stored, _ = acted("log σ taken for log σ²", "σ = 9 is taken for 3, and σ = ¼ for ½", sigma=sigma)
        np.testing.assert_allclose(stored, other * EVEN)
    assert not acted("log σ for σ", "does not explore at all")[0].any()
    assert (acted("noise forgotten", "the score of μ is 0 at every step", 0.3)[0] == 0.3).all()
    assert np.ptp(acted("noise held", "the draws are not")[0]) == 0
    for sigma, compare in ((0.5, np.less), (2.0, np.greater)):
        f = acted("variance for σ", "narrow policies explore too little and wide ones too much", sigma=sigma)
        assert compare(f[0].std(), 0.99 * sigma if sigma < 1 else 1.01 * sigma)


# Squashed actions.

SQUASHED = "squashed-log-probability"


def squashed(f, u, mean=0.0, log_std=0.0):
    """The log-probabilities of actions of one number."""
    return f(u[:, None], np.full((len(u), 1), mean), np.array([log_std]))


def mass(f, log_std=0.0):
    """The integral of a density over the actions, from -1 to 1."""
    u = np.linspace(-12, 12, 24001)
    return np.trapezoid(np.exp(squashed(f, u, 0.2, log_std)) * (1 - np.tanh(u) ** 2), u)


def entropy_of(f, log_std):
    return -squashed(f, NODES * np.exp(log_std), 0.0, log_std) @ SHARES


@pytest.mark.parametrize("mistake", ["square forgotten", "no logarithm", "half the Jacobian"])
def test_densities_that_do_not_integrate_to_one(mistake):
    assert mass(right(SQUASHED)) == pytest.approx(1, abs=1e-6)
    for spelling in range(2 if mistake == "square forgotten" else 1):
        assert abs(mass(wrong(SQUASHED, mistake, "does not integrate to 1", spelling)) - 1) > 0.1


def test_without_the_jacobian_the_score_is_right_and_the_entropy_grows_for_ever():
    f = wrong(SQUASHED, "Jacobian forgotten", "none in the score; a bonus for entropy drives σ to infinity")
    u = np.array([0.3, -1.0])
    for move in (lambda f, x: squashed(f, u, x), lambda f, x: squashed(f, u, 0.0, x)):
        scores = [slope(lambda x, f=f, move=move: move(f, x), 0.2) for f in (f, right(SQUASHED))]
        np.testing.assert_allclose(*scores, atol=1e-6)
    for log_std in (0.0, 3.0):
        assert slope(lambda s: entropy_of(f, s), log_std) == pytest.approx(1, abs=1e-5)
    assert slope(lambda s: entropy_of(right(SQUASHED), s), 1.0) < 0


def test_the_wrong_sign_makes_all_densities_too_low_but_one():
    f = wrong(
        SQUASHED, "Jacobian with the wrong sign", "every density but that of 0 is too low, most of all near the ends"
    )
    u = np.array([0.0, 0.5, 1.0, 2.0, 4.0])
    difference = squashed(f, u) - squashed(right(SQUASHED), u)
    assert difference[0] == 0
    assert (np.diff(difference) < 0).all()


def test_actions_far_out():
    f = wrong(SQUASHED, "unstable logarithm", "one action far out makes a whole batch infinite")
    with np.errstate(all="ignore"):
        assert np.isinf(squashed(f, np.array([0.1, 25.0, -0.3])).mean())
    for spelling in (0, 1):
        f = wrong(SQUASHED, "a small number added", "entropies of wide policies are too high", spelling)
        assert entropy_of(f, np.log(0.5)) == pytest.approx(entropy_of(right(SQUASHED), np.log(0.5)), abs=1e-3)
        assert entropy_of(f, np.log(6.0)) > entropy_of(right(SQUASHED), np.log(6.0)) + 0.5


def test_a_squashed_policy_of_sigma_one_divides_by_zero():
    for spelling in (0, 1):
        f = wrong(SQUASHED, "log σ for σ", "a policy of σ = 1 divides by zero", spelling)
        assert not np.isfinite(squashed(f, np.array([0.3]))).any()


def test_the_mean_over_squashed_numbers_makes_short_steps():
    f = wrong(SQUASHED, "mean over dimensions", "the steps are D times too short")
    u = np.array([[0.3, -1.0, 0.5]])
    moved = lambda f, x: f(u, np.full((1, 3), x), np.zeros(3))[0]  # noqa: E731
    assert slope(lambda x: moved(f, x), 0.2) == pytest.approx(slope(lambda x: moved(right(SQUASHED), x), 0.2) / 3)


@pytest.mark.parametrize("mistake", ["squashed twice", "Gaussian of the squashed action"])
def test_what_was_drawn_is_judged_as_something_else(mistake):
    f = wrong(SQUASHED, mistake, "what was drawn is judged as if it had been something else")

    def score(f, u, mean=1.5):
        return slope(lambda m: squashed(f, np.atleast_1d(u), m), mean)

    np.testing.assert_allclose(score(f, NODES), score(right(SQUASHED), np.tanh(NODES)), atol=1e-5)
    assert score(f, 2.0) < 0 < score(right(SQUASHED), 2.0)
    drawn = 1.5 + NODES
    assert score(right(SQUASHED), drawn) @ SHARES == pytest.approx(0, abs=1e-6)
    assert score(f, drawn) @ SHARES < -0.5  # so the mean drifts


# The mean that is learned with clipped actions.

CUT = "cut-and-kept"


def settled(estimate, steps=1500):
    """Where the mean ends, from 0, with a spread of ½ and the target 0.9."""
    mean = 0.0
    for _ in range(steps):
        mean += 0.05 * estimate(mean, 0.5, EVEN[::20], 0.9)
    return mean


def test_where_the_mean_settles():
    learned = settled(right(CUT))
    assert learned > 1
    assert settled(wrong(CUT, "cut actions left out", "shies away from its ends")) < 0.8
    assert settled(wrong(CUT, "sign", "runs away from the target"), 200) < -0.3


def test_an_environment_that_rewards_the_impossible():
    said = "some environments cut it silently, some fail, and some reward the impossible"
    for f in spellings(CUT, "cut nowhere", said):
        found = [f(mean, 0.5, EVEN, 2.0) for mean in (1.5, 2.0, 2.5)]
        np.testing.assert_allclose(found, [1, 0, -1], atol=0.01)  # as if an action of 2 could be had


def test_an_environment_that_cuts_silently():
    wrong(CUT, "cut nowhere", "some environments cut it silently")
    found = []
    for action in (2.0, 5.0):
        env = gym.make("Pendulum-v1").unwrapped
        env.reset(seed=0)
        found.append(env.step(np.array([action]))[:2])
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


def test_noise_that_is_cut():
    f = wrong(CUT, "noise cut", "no Gaussian any more, and the environment still gets too much")
    assert f(0.0, 0.5, np.array([1.0]), 0.9) == f(0.0, 0.5, np.array([3.0]), 0.9)
    assert np.mean(np.abs(EVEN) >= 1) > 0.3  # all these are drawn at one of two points
    assert f(0.9, 0.5, np.array([1.0]), 1.4) == pytest.approx(2)  # the score times 1, the pay for an action of 1.4
    mean_reward = lambda mean: np.mean(1 - (mean + 0.5 * EVEN.clip(-1, 1) - 0.3) ** 2)  # noqa: E731
    assert 0 < f(0.0, 0.5, EVEN, 0.3) < 0.6 * slope(mean_reward, 0.0)


def test_scores_that_are_not_divided():
    for spelling in (0, 1):
        f = wrong(CUT, "not divided by σ²", "a narrow policy takes steps that are far too short", spelling)
        args = 0.3, 0.05, EVEN, 0.9
        assert 0 < f(*args) < 0.06 * right(CUT)(*args)


def test_the_drift_of_equal_rewards():
    subtracted = wrong(CUT, "a mean subtracted", "equal rewards do no harm any more; what varies remains wrong")
    assert subtracted(0.9, 0.5, EVEN, 1e6) / -1e12 == pytest.approx(0, abs=1e-4)
    assert subtracted(1.5, 0.5, EVEN, 0.9) != pytest.approx(right(CUT)(1.5, 0.5, EVEN, 0.9), rel=0.1)
    exchanged, broken = wrong(CUT, "exchanged", "the same drift"), EXERCISES[CUT].broken
    far = 1e6  # then all rewards are -far², nearly
    drifts = [f(0.9, 0.5, EVEN, far) / -(far**2) for f in (exchanged, broken, right(CUT))]
    np.testing.assert_allclose(drifts, [drifts[0], drifts[0], 0], atol=1e-4)
    assert drifts[0] < -0.3


# Chapter 9. Divergences.

KL = "kl-categorical"


def kl(f, old, new):
    """The divergence of two policies of one state."""
    return f(np.log([old]), np.log([new]))[0]


def test_divergences_the_wrong_way_round():
    f = wrong(KL, "the wrong way round", "hardly a difference; far from it another policy is called near")
    old = np.array([0.7, 0.2, 0.1])
    near = old + np.array([0.001, -0.002, 0.001])
    assert kl(f, old, near) == pytest.approx(kl(right(KL), old, near), rel=0.02)
    far = [new for new in np.random.default_rng(0).dirichlet(np.ones(3), size=50) if kl(right(KL), old, new) > 0.3]
    nearest = [min(far, key=lambda new, g=g: kl(g, old, new)) for g in (f, right(KL))]
    assert nearest[0] is not nearest[1]
    gaussian = wrong("kl-gaussian", "the wrong way round", "has become narrow seems nearer than it is")
    args = np.zeros((1, 1)), np.zeros((1, 1)), np.zeros((1, 1)), -np.ones((1, 1))
    assert gaussian(*args) < right("kl-gaussian")(*args)


@pytest.mark.parametrize("mistake", ["averaged under the new policy", "sign"])
def test_negative_divergences(mistake):
    f = wrong(KL, mistake, "any step is short enough")
    policies = np.random.default_rng(0).dirichlet(np.ones(3), size=(2, 20))
    assert all(kl(f, old, new) < 0 for old, new in zip(*policies, strict=True))


def test_what_decides_how_far_the_policy_has_moved():
    old, new = np.array([0.5, 0.5 - 1e-9, 1e-9]), np.array([0.5, 0.499, 0.001])
    assert kl(right(KL), old, new) < 0.002
    for spelling, far in ((0, 10), (1, 10 / 3)):
        f = wrong(KL, "not averaged", "actions that are never taken decide", spelling)
        assert abs(kl(f, old, new)) > far
    log = wrong(KL, "logarithm of a logarithm", "rare actions count most")
    weights = [kl(log, np.array([0.9, 0.1]), np.array([0.9, 0.1]) * factor) for factor in ([2, 1], [1, 2])]
    assert weights[1] > 10 * weights[0] > 0


def test_divergences_that_are_too_small_or_not_zero():
    old, new = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.4, 0.2])
    f = wrong(KL, "mean over the actions", "farther than the bound allows, the more so the more actions there are")
    assert kl(f, old, new) == pytest.approx(kl(right(KL), old, new) / 3)
    f = wrong(KL, "cross-entropy", "it is not 0 where nothing has changed: an undecided policy may not move")
    assert kl(f, old, old) == pytest.approx(-(old * np.log(old)).sum())


def test_divergences_of_all_states_at_once():
    old, new = np.log([[0.5, 0.5], [0.9, 0.1]]), np.log([[0.4, 0.6], [0.8, 0.2]])
    for spelling in (0, 1):
        f = wrong(KL, "one number for all states", "none in a mean; but no maximum", spelling)
        assert np.mean(f(old, new)) == pytest.approx(right(KL)(old, new).mean())
        assert np.max(f(old, new)) < right(KL)(old, new).max()
    terms = wrong(KL, "terms of the sum", "some of them are negative, and look like no step at all")(old, new)
    assert (terms < 0).any(1).all()
    f = wrong(KL, "sum over the states", "the more states a batch has, the shorter the step")
    assert f(np.tile(old, (5, 1)), np.tile(new, (5, 1))) == pytest.approx(5 * f(old, new))


BELLS = "kl-gaussian"


def bells(f, apart=0.0, log_std=0.0, new_log_std=0.0, numbers=1):
    """The divergence of two Gaussians whose numbers are all alike."""
    return f(*(np.full((1, numbers), float(x)) for x in (0, log_std, apart, new_log_std)))[0]


@pytest.mark.parametrize(
    ("mistake", "symptom", "numbers"),
    [
        ("half forgotten", "so no step is short enough", 1),
        ("one half for all numbers", "with several numbers it is not 0", 3),
        ("spread left out", "it is not 0 even where nothing has changed", 1),
    ],
)
def test_divergences_of_a_gaussian_from_itself(mistake, symptom, numbers):
    f = wrong(BELLS, mistake, symptom)
    assert abs(bells(f, numbers=numbers)) >= 0.5
    if mistake == "half forgotten":
        assert min(bells(f, 0.1, 0.0, s) for s in np.linspace(-1, 1, 21)) > 0.5
    if mistake == "one half for all numbers":
        assert bells(f) == 0


@pytest.mark.parametrize(
    ("mistake", "symptom", "widens"),
    [
        ("log of the variance", "a policy that narrows a little is at a negative distance", -0.1),
        ("logarithm turned round", "a policy that widens is at a negative distance", 0.1),
        ("logarithm turned round", "so nothing stops it", 2.0),
    ],
)
def test_gaussians_at_a_negative_distance(mistake, symptom, widens):
    f = wrong(BELLS, mistake, symptom)
    assert all(bells(f, 0.0, start, start + widens) < 0 for start in (0.0, -3.0, 3.0))


def test_gaussians_that_are_called_near():
    f = wrong(BELLS, "deviation in place of variance", "though they hardly overlap")
    assert bells(f, 0.05, np.log(0.01), np.log(0.01)) < 0.2 < 10 < bells(right(BELLS), 0.05, np.log(0.01), np.log(0.01))
    f = wrong(BELLS, "means left out", "the mean may go anywhere")
    assert bells(f, 100.0) == 0 < bells(f, 0.0, 0.0, 0.3)
    f = wrong(BELLS, "the old policy's measure", "the step seems shorter than it is")
    assert bells(f, 1.0, 0.0, -0.5) < bells(right(BELLS), 1.0, 0.0, -0.5)
    f = wrong(BELLS, "mean over the numbers", "farther than the bound allows")
    assert bells(f, 1.0, numbers=4) == pytest.approx(bells(right(BELLS), 1.0, numbers=4) / 4)
    f = wrong(BELLS, "one for each number", "each number may move as far as the bound allows")
    assert bells(f, 1.0, numbers=4).tolist() == [0.5] * 4
    for spelling in range(3):
        f = wrong(BELLS, "log σ for σ", "a policy of σ = 1 divides by zero", spelling)
        with np.errstate(invalid="ignore"):
            assert not np.isfinite(bells(f, 1.0))
    f = wrong(BELLS, "log σ taken for log σ²", "σ = 9 is taken for 3, and σ = ¼ for ½")
    assert bells(f, 1.0, np.log(9), np.log(1 / 4)) == pytest.approx(bells(right(BELLS), 1.0, np.log(3), np.log(1 / 2)))


# The surrogate.

SURROGATE = "surrogate"
OLD = torch.tensor([[-0.5, -1.5], [-2.0, -0.3]], dtype=torch.float64)
GAINS = torch.tensor([[1.0, -2.0], [3.0, 0.5]], dtype=torch.float64)
TAKEN = torch.tensor([[True, True], [True, False]])


def slope_of_the_surrogate(f, new=OLD, mask=TAKEN):
    return gradient(f, new, OLD, GAINS, mask)


@pytest.mark.parametrize(
    ("mistake", "symptom", "factor"),
    [
        ("ratio upside down", "the policy learns to lose", -1),
        ("log-ratio", "the first step is right", 1),
        ("ratio of logarithms", "the slope is turned round", 1 / OLD),
        ("probability in place of the ratio", "once more by their probability", OLD.exp()),
        ("mean over steps", "batches of long episodes count for less", 2 / 3),
        ("sign", "accepts the wrong ones", -1),
        ("no gradient", "nothing is learned", 0),
        ("mean over each episode's steps", "the less each of its steps counts", torch.tensor([[1 / 2], [1]])),
        ("ratio minus one", "the gradient is the same", 1),
    ],
)
def test_slopes_of_the_surrogate(mistake, symptom, factor):
    f = wrong(SURROGATE, mistake, symptom)
    np.testing.assert_allclose(slope_of_the_surrogate(f), factor * slope_of_the_surrogate(right(SURROGATE)))


def test_promises_beyond_the_first_step():
    f, new = wrong(SURROGATE, "log-ratio", "beyond it the promise is not"), OLD + 0.5
    assert not torch.allclose(slope_of_the_surrogate(f, new), slope_of_the_surrogate(right(SURROGATE), new))
    f = wrong(SURROGATE, "ratio minus one", "a line search wants just that number")
    assert f(OLD, OLD, GAINS, TAKEN) == 0 != right(SURROGATE)(OLD, OLD, GAINS, TAKEN)
    f = wrong(SURROGATE, "padding counted", "short episodes promise gains that nobody will see")
    assert f(OLD, OLD, GAINS, TAKEN) - right(SURROGATE)(OLD, OLD, GAINS, TAKEN) == GAINS[1, 1] / 2


def test_gradients_that_should_not_flow():
    f = wrong(SURROGATE, "gradient through the old policy", "the two gradients cancel")
    assert not gradient(lambda both: f(both, both, GAINS, TAKEN), OLD).any()
    for spelling in (0, 1):
        f = wrong(SURROGATE, "gradient through the advantages", "bent so that the advantages come out large", spelling)
        assert (gradient(f, OLD, OLD, GAINS, TAKEN, of=2)[TAKEN] > 0).all()


@pytest.mark.parametrize("mistake", ["product of the ratios", "ratio of the episode"])
def test_products_of_ratios_vary_the_more_the_longer(mistake):
    f = wrong(SURROGATE, mistake, "the variance grows with the length")
    varies = []
    for steps in (1, 4, 8):
        flips = torch.tensor(np.array(list(np.ndindex(*(2,) * steps))))
        new, last = torch.tensor([0.3, 0.7]).double().log()[flips], torch.eye(steps)[-1].double()
        args = zip(new, strict=True)
        found = [f(x[None], torch.full((1, steps), np.log(0.5)), last[None], last[None] >= 0) for (x,) in args]
        varies.append(torch.stack(found).var(correction=0).item())
    assert varies[0] < varies[1] / 4 < varies[2] / 8


# Products with the Fisher matrix, and the equations that are solved with them.

FISHER, CG = "fisher-product", "conjugate-gradient"


def batch(p=0.5, runs=1, states=3):
    """Scores and probabilities of a policy with one logit, and a parameter that nothing depends on."""
    scores = np.zeros((runs, states, 2, 2))
    scores[..., 0] = 1 - p, -p
    return scores, np.broadcast_to([p, 1 - p], (runs, states, 2))


def times(f, v, damping=0.1, **more):
    return f(*batch(**more), np.array([v]), damping)[0]


@pytest.mark.parametrize("mistake", ["no damping", "damping as a factor"])
def test_directions_of_which_nothing_is_known(mistake):
    f = wrong(FISHER, mistake, "the step is without limit")
    assert not times(f, [0.0, 1.0]).any()
    assert times(right(FISHER), [0.0, 1.0])[1] == 0.1


def test_products_that_are_not_linear_or_do_not_listen():
    f = wrong(FISHER, "damping for every direction alike", "solves another equation")
    assert times(f, [0.0, 0.0]).any()
    f = wrong(FISHER, "v left out", "it is told the same")
    np.testing.assert_array_equal(times(f, [1.0, 2.0], 0.0), times(f, [-3.0, 0.0], 0.0))
    f = wrong(FISHER, "mean score first", "only the damping is left")
    np.testing.assert_allclose(times(f, [1.0, 2.0]), [0.1, 0.2])
    f = wrong(FISHER, "diagonal", "each parameter is scaled by itself")
    assert not f(np.ones((1, 1, 2, 2)), np.full((1, 1, 2), 0.5), np.array([[0.0, 1.0]]), 0.0)[0, 0]


def test_a_run_s_product_depends_on_the_others():
    f, other = wrong(FISHER, "mean over runs", "what the others have played"), np.random.default_rng(0)
    scores, probabilities = (x.copy() for x in batch(runs=2))
    before = f(scores, probabilities, np.ones((2, 2)), 0.1)[0]
    scores[1] += other.normal(size=scores[1].shape)
    assert not np.allclose(f(scores, probabilities, np.ones((2, 2)), 0.1)[0], before)


def test_rare_actions_hold_back_the_step():
    true = times(right(FISHER), [1.0, 0.0], 0.0, p=0.99)[0]
    assert true == pytest.approx(0.99 * 0.01)
    assert times(wrong(FISHER, "all actions alike", "hold back the step"), [1.0, 0.0], 0.0, p=0.99)[0] > 40 * true
    assert times(wrong(FISHER, "not averaged over the actions", "of no policy"), [1.0, 0.0], 0.0, p=0.99)[0] > 40 * true
    f = wrong(FISHER, "divided by the actions", "F is too small by the number of actions, so the step is too long")
    assert times(f, [1.0, 0.0], 0.0)[0] == pytest.approx(times(right(FISHER), [1.0, 0.0], 0.0)[0] / 2)
    f = wrong(FISHER, "damping subtracted", "may have eigenvalues below 0")
    assert times(f, [0.0, 1.0])[1] < 0
    f = wrong(FISHER, "sum over states", "the damping counts for nothing")
    shares = [0.1 / times(f, [1.0, 0.0], 0.1, states=n)[0] for n in (1, 1000)]
    assert shares[0] > 0.2 > 1e-3 > shares[1]


MATRIX, SIDE = np.diag([1.0, 4.0, 9.0]) + 0.5, np.array([1.0, -2.0, 3.0])
SOLVED = np.linalg.solve(MATRIX, SIDE)


def missed(mistake, symptom, steps=3):
    """How far from the solution a mistake ends after some steps."""
    return np.linalg.norm(wrong(CG, mistake, symptom)(MATRIX, SIDE, steps) - SOLVED)


def test_solutions_that_are_not_reached():
    start = np.linalg.norm(SOLVED)
    assert np.linalg.norm(right(CG)(MATRIX, SIDE, 3) - SOLVED) < 1e-12
    assert 1e-3 < missed("steepest descent", "never quite arrives where eigenvalues differ", 10) < start / 10
    assert wrong(CG, "steepest descent", "never quite arrives")(2 * np.eye(3), SIDE, 1) == pytest.approx(SIDE / 2)
    assert missed("no length", "it goes much too far") > 100 * start
    wandering = [missed("length by the residual", "then it wanders off", n) for n in (1, 2, 3, 4, 8)]
    assert wandering[0] == np.linalg.norm(right(CG)(MATRIX, SIDE, 1) - SOLVED)
    assert wandering[-1] > 1e-3
    assert missed("one step too many", "none but its cost", 2) < np.linalg.norm(right(CG)(MATRIX, SIDE, 2) - SOLVED)
    np.testing.assert_allclose(wrong(CG, "started at b", "off by the gradient, always")(MATRIX, SIDE, 3), SOLVED + SIDE)


def test_steps_that_are_not_taken():
    assert not wrong(CG, "one step too few", "with one step there is none at all")(MATRIX, SIDE, 1).any()
    for spelling in range(5):
        f = wrong(CG, "stopped too early", "where the gradient is small, no step is taken at all", spelling)
        assert not f(MATRIX, 1e-3 * SIDE / 2, 3).any()
    f = wrong(CG, "nothing divided by nothing", "one run whose gradient is 0, and its parameters are NaN")
    assert np.isnan(f(MATRIX, 0 * SIDE, 3)).all()


def second_direction(f, spread):
    """The residual after one step, and how much of the old direction the second one keeps."""
    matrix, b = np.diag(1 + spread * np.arange(3.0)), np.ones(3)
    first, second = f(matrix, b, 1), f(matrix, b, 2)
    residual = b - matrix @ first
    (new, old), *_ = np.linalg.lstsq(np.stack([residual, b], -1), second - first)
    return np.linalg.norm(residual), old / new


def test_how_much_of_the_old_direction_is_kept():
    f = wrong(CG, "share upside down", "the smaller the residual, the more of the old direction is kept")
    for g, sign in ((f, -1), (right(CG), 1)):
        residuals, kept = np.transpose([second_direction(g, spread) for spread in (0.2, 0.5, 1.0, 3.0)])
        assert (np.diff(residuals) > 0).all()
        assert (sign * np.diff(kept) > 0).all()


def test_directions_that_repeat_what_was_done_before():
    """What the second step leaves to be done along the first direction, which the first step had finished."""
    f = wrong(CG, "old direction kept whole", "later directions repeat what was done before")
    left = [[SIDE @ (SIDE - MATRIX @ g(MATRIX, SIDE, steps)) for steps in (1, 2)] for g in (f, right(CG))]
    np.testing.assert_allclose(left[1], 0, atol=1e-9)
    assert abs(left[0][0]) < 1e-9 < 0.1 < abs(left[0][1])
    assert missed("old direction kept whole", "") > 0.1


class Products:
    """The matrix, of which nothing but its products with vectors is known."""

    __array_ufunc__ = None

    def __matmul__(self, v):
        return MATRIX @ v

    __rmatmul__ = __matmul__


def test_a_matrix_that_cannot_be_stored():
    f = wrong(CG, "solved at once", "none on a small problem; a large network's matrix cannot be stored")
    np.testing.assert_allclose(f(MATRIX, SIDE, 3), right(CG)(MATRIX, SIDE, 3))
    np.testing.assert_allclose(right(CG)(Products(), SIDE, 3), SOLVED)
    with pytest.raises(np.linalg.LinAlgError):
        f(Products(), SIDE, 3)
    terabyte, weights = 10**12, 10**6
    assert 4 * weights**2 == 4 * terabyte  # four bytes for each number


# Line searches.

SEARCH, BACK = "line-search", "a-step-too-far"


@pytest.mark.parametrize(
    ("mistake", "symptom", "gains", "kls", "taken"),
    [
        ("gain not asked for", "worse by its own estimate", [-1.0], [0.01], 1),
        ("divergence not asked for", "knows nothing", [1.0], [9.0], 1),
        ("looked for apart", "worse by its own estimate", [1.0, -1.0, 1.0], [9.0, 0.01, 0.01], 0.5),
        ("one of the two", "the whole step is taken, however far it leads", [1.0, 1.0], [9.0, 0.01], 1),
        ("given up at the first that is near", "a shorter step would have helped", [-1.0, 1.0], [0.01, 0.01], 0),
        ("begun at one half", "half as long as they could be", [1.0], [0.01], 0.5),
        ("four fifths", "not the one that was tried", [1.0, 1.0], [9.0, 0.01], 0.8),
        ("the last that is good", "as short as can be", [1.0, 1.0, 1.0], [0.01, 0.01, 0.01], 0.25),
        ("number of the try", "the whole step becomes none at all", [1.0], [0.01], 0),
        ("strictly below", "exactly at the bound", [1.0], [0.05], 0),
        ("no loss", "a policy that has nothing to learn moves about", [0.0], [0.01], 1),
    ],
)
def test_fractions_that_are_taken(mistake, symptom, gains, kls, taken):
    f = wrong(SEARCH, mistake, symptom)
    assert (
        f(np.array([gains]), np.array([kls]), 0.05)
        == [taken]
        != right(SEARCH)(np.array([gains]), np.array([kls]), 0.05)
    )


def test_the_largest_gain_is_just_as_good():
    f = wrong(SEARCH, "the largest gain", "none: it has to try all lengths, which costs time")
    rng, runs = np.random.default_rng(0), np.arange(500)
    gains, kls = rng.normal(size=(500, 4)), rng.uniform(0, 0.1, size=(500, 4))
    best, first = f(gains, kls, 0.05), right(SEARCH)(gains, kls, 0.05)
    np.testing.assert_array_equal(best > 0, first > 0)
    moved = best > 0
    tries = [-np.log2(taken[moved]).astype(int) for taken in (best, first)]
    assert (kls[runs[moved], tries[0]] <= 0.05).all()
    assert (gains[runs[moved], tries[0]] >= gains[runs[moved], tries[1]]).all()
    for g, waits in ((f, True), (right(SEARCH), False)):
        ends = [g(np.array([[1.0, 1.0, last]]), np.zeros((1, 3)), 0.05)[0] for last in (0.5, 9.0)]
        assert (ends[0] != ends[1]) == waits


def test_runs_that_wait_for_others_or_move_though_refused():
    gains, kls = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]]), np.full((3, 2), 0.01)
    for spelling in range(3):
        f = wrong(SEARCH, "a step after all", "it is the run that was refused that moves, and for the worse", spelling)
        assert f(gains, kls, 0.05)[2] > 0
    for spelling in (0, 1):
        f = wrong(SEARCH, "one for all runs", "the run that is hardest to please holds back all others", spelling)
        assert f(gains[:2], kls[:2], 0.05).tolist() == [0.5, 0.5]


def moved(mistake, symptom, step=(4.0, -4.0), max_kl=0.01, tries=3):
    """How far from the start a search ends, and by what divergence."""
    start = np.array([0.5, -1.0])
    end = (wrong(BACK, mistake, symptom) if mistake else right(BACK))(start, np.array(step), max_kl, tries)
    log = [x - np.logaddexp(*x) for x in (start, end)]
    return (end - start)[0], np.exp(log[0]) @ (log[0] - log[1])


def test_where_searches_end():
    assert moved("refused and kept", "farther than the bound allows")[1] > 0.01
    assert moved(None, "")[0] == 0
    assert moved("on from the last try", "nearly every step is refused", (0.4, -0.4), 0.01, 10)[0] == 0
    assert moved(None, "", (0.4, -0.4), 0.01, 10)[0] > 0
    halves = [moved(m, s, (0.1, -0.1), 0.05) for m, s in ((None, ""), ("half a step", "half as long as they could be"))]
    assert halves[1][0] == pytest.approx(halves[0][0] / 2)
    assert moved("the shortest that will do", "as short as can be", (0.1, -0.1), 0.05)[0] == pytest.approx(0.1 / 4)
    assert moved("back from where it is", "down the gradient", (0.1, -0.1), 0.05)[0] == pytest.approx(-0.1)
    assert moved("no step at all", "nothing is learned", (0.1, -0.1), 0.05)[0] == 0
    assert moved("one try too many", "a short step where there should be none", (0.4, -0.4), 0.03, 1)[
        0
    ] == pytest.approx(0.2)
    assert moved("one try too few", "one more try would have moved it", (0.4, -0.4), 0.03, 2)[0] == 0


def test_a_rare_action_may_die_out():
    f = wrong(BACK, "divergence the wrong way round", "a rare action may die out altogether")
    start, step = np.log([0.99, 0.01]), np.array([0.0, -30.0])
    assert (f(start, step, 0.02, 10) == start + step).all()
    assert (right(BACK)(start, step, 0.02, 10) != start + step).any()


# Chapter 10. Ratios.

RATIO = "importance-ratio"


def of_rows(f, new, old, actions):
    """The ratios of actions, from probabilities."""
    return f(np.log(new), np.log(old), np.array(actions))


def ratio_from(f, old, new):
    """The ratio of an action whose probability goes from one number to another."""
    return of_rows(f, [[new, 1 - new]], [[old, 1 - old]], [0])[0]


def test_ratios_of_more_and_less_probable_actions():
    f = wrong(RATIO, "turned round", "has become more probable counts less, and the estimate is of no policy at all")
    assert ratio_from(f, 0.5, 0.6) < 1
    rows = [[[0.6, 0.4]] * 2, [[0.5, 0.5]] * 2, [0, 1]]
    assert of_rows(f, *rows).mean() > 1.01
    assert of_rows(right(RATIO), *rows).mean() == pytest.approx(1)
    f = wrong(RATIO, "logarithm of the ratio", "0 where 1 belongs, and negative where the action has become rarer")
    assert ratio_from(f, 0.5, 0.5) == 0 > ratio_from(f, 0.5, 0.4)
    f = wrong(RATIO, "difference", "from 1% to 2% seems hardly to have moved")
    assert ratio_from(f, 0.01, 0.02) == pytest.approx(0.01)
    f = wrong(RATIO, "ratio of the logarithms", "what has become more probable has a ratio below 1")
    assert ratio_from(f, 0.5, 0.6) < 1


def test_ratios_that_depend_on_what_they_should_not():
    logits, old, actions = np.array([[0.3, -1.0], [2.0, 0.1]]), np.zeros((2, 2)), np.array([0, 1])
    f = wrong(RATIO, "logits not normalised", "adding 1 to all logits changes no probability, and all of your ratios")
    np.testing.assert_allclose(f(logits + 1, old, actions), np.e * f(logits, old, actions))
    np.testing.assert_allclose(right(RATIO)(logits + 1, old, actions), right(RATIO)(logits, old, actions))
    f = wrong(RATIO, "softmax along the steps", "depends on what was seen in another")
    assert f(logits + np.array([[0.0], [1.0]]), old, actions)[0] != pytest.approx(f(logits, old, actions)[0])
    f = wrong(RATIO, "too large for a float", "training ends in NaN")
    with np.errstate(all="ignore"):
        assert np.isnan(f(1000 * logits, 999 * logits, actions)).any()


def test_the_product_of_ratios_is_right_for_a_trajectory_and_varies_wildly():
    f = wrong(RATIO, "product over the steps", "right for a whole trajectory, and wildly variable for a long one")
    for steps in (1, 8):
        flips = list(np.ndindex(*(2,) * steps))
        found = np.array([of_rows(f, [[0.4, 0.6]] * steps, [[0.5, 0.5]] * steps, flip) for flip in flips])
        assert found.mean() == pytest.approx(1)
        assert found.var() == pytest.approx(1.04**steps - 1)


def test_ratios_of_all_actions_do_not_fit_or_spread():
    f = wrong(RATIO, "all actions", "advantages do not fit, or spread over the wrong axis")
    with pytest.raises(ValueError, match="broadcast"):
        f(np.zeros((5, 2)), np.zeros((5, 2)), np.zeros(5, int)) * np.ones(5)
    advantages = np.array([1.0, 0.0])  # so what is done in the second state should not matter
    for g, matters in ((f, True), (right(RATIO), False)):
        gains = [
            (g(np.array([[0.3, -1.0], [x, 0.1]]), np.zeros((2, 2)), np.array([0, 1])) * advantages).sum()
            for x in (0.0, 2.0)
        ]
        assert (gains[0] != gains[1]) == matters


# The clip.

CLIPPED = "clipped-objective"


def push(f, ratio, advantage=1.0, clip=0.2):
    """How strongly one sample is pushed up: the slope of the objective in its log-probability."""
    old = torch.zeros(1, dtype=torch.float64)
    return gradient(f, old + np.log(ratio), old, old + advantage, clip).item()


@pytest.mark.parametrize(
    ("mistake", "symptom", "silent", "moving"),
    [
        ("maximum", "cut where the ratio has moved the wrong way", [(0.5, 1), (1.5, -1)], [(1.5, 1), (0.5, -1)]),
        ("clipped alone", "no gradient to bring it back", [(0.5, 1), (1.5, -1)], [(1, 1), (1, -1)]),
        ("not clipped", "no brake", [], [(5, 1), (0.1, -1)]),
        ("clip on the log-ratio", "from e^-ε to e^ε", [(1.23, 1), (0.81, -1)], [(1.22, 1), (0.82, -1)]),
        ("one side only", "bad actions are pushed down without a brake", [(1.5, 1)], [(0.1, -1)]),
        ("ratio detached", "nothing is learned", [(1, 1), (1, -1), (0.5, 1)], []),
        ("logarithm of the ratio", "bad actions are not pushed down", [(1, -1), (1.5, -1)], [(1, 1)]),
    ],
)
def test_who_is_silent(mistake, symptom, silent, moving):
    f = wrong(CLIPPED, mistake, symptom)
    assert not any(push(f, ratio, float(advantage)) for ratio, advantage in silent)
    assert all(push(f, ratio, float(advantage)) * advantage > 0 for ratio, advantage in moving)


@pytest.mark.parametrize("mistake", ["sign", "turned round"])
def test_good_actions_become_rare(mistake):
    assert (
        push(wrong(CLIPPED, mistake, "good actions rare" if mistake == "sign" else "good actions become rare"), 1) < 0
    )


def test_other_symptoms_of_the_clip():
    for spelling in (0, 1):
        f = wrong(CLIPPED, "the log-ratio in the range of the ratio", "either the good actions are silent", spelling)
        assert [push(f, 1, advantage) == 0 for advantage in (1.0, -1.0)] in ([True, False], [False, True])
    f = wrong(CLIPPED, "clip of the product", "cut off at 1 + ε, so large ones count no more than small ones")
    sample = torch.zeros(1, dtype=torch.float64)
    assert f(sample, sample, sample + 5, 0.2) == f(sample, sample, sample + 500, 0.2) == pytest.approx(1.2)
    f = wrong(CLIPPED, "old log-probabilities not detached", "their gradients cancel")
    assert not gradient(lambda both: f(both, both, torch.ones(1), 0.2), sample).any()


def test_samples_that_seem_silent():
    f = wrong("silent-samples", "those that are left", "looks alarming while nothing is clipped")
    assert f(np.ones(4), np.ones(4), 0.2).all()
    for mistake, ratio, advantage in (("good ones only", 0.5, -1.0), ("bad ones only", 1.5, 1.0)):
        f = wrong("silent-samples", mistake, "the brake seems to be off when it is on")
        assert not f(np.array([ratio]), np.array([advantage]), 0.2).any()
        assert push(right(CLIPPED), ratio, advantage) == 0
    border = torch.tensor(1.25, requires_grad=True)
    border.clamp(0.75, 1.25).backward()
    assert border.grad == 1


def ascended(silent, start, advantage):
    """Where the probability of an action ends, which was ½ for the old policy, if silent samples have no gradient."""
    logit = np.log(start / (1 - start))
    for _ in range(1000):
        p = 1 / (1 + np.exp(-logit))
        if not silent(np.array([2 * p]), np.array([advantage]), 0.2)[0]:
            logit += 0.05 * 2 * p * advantage * (1 - p)
    return p


TOO_RARE, TOO_FREQUENT, GOOD, BAD = (0.25, 1.0), (0.75, -1.0), (0.5, 1.0), (0.5, -1.0)
ENDS = {TOO_RARE: 0.6, TOO_FREQUENT: 0.4, GOOD: 0.6, BAD: 0.4}  # where the ratio is 1.2 or 0.8


@pytest.mark.parametrize(
    ("mistake", "symptom", "other"),
    [
        (
            "all outside",
            "an action that has moved the wrong way has no gradient to bring it back",
            [{TOO_RARE: 0.25, TOO_FREQUENT: 0.75}],
        ),
        (
            "the wrong ones",
            "what is pushed too far is pushed on, and what went wrong stays so",
            [{TOO_RARE: 0.25, TOO_FREQUENT: 0.75, GOOD: 0.98, BAD: 0.01}],
        ),
        ("the border counted", "none worth speaking of", [{}]),
        (
            "advantage forgotten",
            "actions that have moved the wrong way on that side are never mended",
            [{TOO_FREQUENT: 0.75, BAD: 0.01}, {TOO_RARE: 0.25, GOOD: 0.98}],
        ),
    ],
)
def test_where_silent_samples_stay(mistake, symptom, other):
    functions = spellings("silent-samples", mistake, symptom)
    for f, ends in zip((right("silent-samples"), *functions), ({}, *other), strict=True):
        for (start, advantage), end in (ENDS | ends).items():
            assert ascended(f, start, advantage) == pytest.approx(end, abs=0.01)


def test_the_border_is_hardly_ever_met():
    f, rng = wrong("silent-samples", "the border counted", "none worth speaking of"), np.random.default_rng(0)
    args = rng.uniform(0.5, 1.5, size=1000), rng.normal(size=1000), 0.2
    np.testing.assert_array_equal(f(*args), right("silent-samples")(*args))
    assert f(np.array([1.25]), np.ones(1), 0.25) != right("silent-samples")(np.array([1.25]), np.ones(1), 0.25)


ROOM = "room-to-rise"


def test_room_to_rise():
    highest, reached, batches = right(ROOM)
    less = wrong(ROOM, "one minus epsilon", "none")[0]
    assert highest - less == pytest.approx(0.2**2 / 1.2)  # nothing, where ε is small
    even, rare, _ = wrong(ROOM, "added", "rare actions seem to have as much room as frequent ones")
    assert rare - 0.01 == pytest.approx(1 - even)
    assert reached - 0.01 < 0.02 * (1 - highest)
    part = wrong(ROOM, "not a whole number", "none")[2]
    assert part < np.ceil(part) == batches
    slow = wrong(ROOM, "each time a fifth of the start", "eleven times as many batches as it does")[2]
    assert slow == (0.5 - 0.01) / (0.2 * 0.01)
    assert round(slow / batches) == 11


def test_one_batch_too_few():
    found = next(mistake for mistake in EXERCISES[ROOM].mistakes if mistake.name == "last batch missing")
    assert "after 21 batches it is at 0.46" in found.diagnosis
    assert round(0.01 * 1.2 ** wrong(ROOM, "last batch missing", "none")[2], 2) == 0.46


# The bonus for entropy.

BONUS = "entropy-bonus"
ROWS, SEEN = torch.tensor([[0.3, -0.5, 1.0], [0.0, 2.0, -1.0], [1.0, 1.0, -2.0]]).double(), torch.tensor([1, 1, 0]) > 0


def pull(f, logits=ROWS, mask=SEEN):
    """The gradient of a bonus with respect to the logits."""
    return gradient(lambda logits: f(logits.log_softmax(-1), mask), logits)


@pytest.mark.parametrize(
    ("mistake", "symptom", "factor"),
    [
        ("sign", "decided as fast as it can", -1),
        ("divided by the padded length", "the longer the longest episode, the smaller the bonus", 2 / 3),
        ("sum over the steps", "more the longer the episodes", 2),
        ("mean over the actions", "smaller than you think by the number of actions", 1 / 3),
        ("probabilities detached", "this bonus moves nothing at all", 0),
        ("no gradient", "logged and moves nothing", 0),
        ("bits", "β counts 1.44 times as much", 1 / np.log(2)),
    ],
)
def test_the_pull_of_a_bonus(mistake, symptom, factor):
    np.testing.assert_allclose(pull(wrong(BONUS, mistake, symptom)), factor * pull(right(BONUS)), atol=1e-12)
    assert round(1 / np.log(2), 2) == 1.44


def test_bonuses_for_what_is_not_doubt():
    f = wrong(BONUS, "padding counted", "also paid for states that nobody has seen")
    assert pull(f)[2].any()
    assert not pull(right(BONUS))[2].any()
    f = wrong(BONUS, "not weighted", "rises without end as an action dies out: as a bonus it makes the policy decided")
    logits, mask = torch.tensor([[0.1, 0.0, -0.1]]), torch.tensor([True])
    for _ in range(200):
        logits = logits + 0.1 * pull(f, logits, mask)
    assert logits.softmax(-1).max() > 0.99
    assert f(logits.log_softmax(-1), mask) > 30


def test_the_detached_logarithms_have_the_right_gradient():
    (detached,) = (c for c in EXERCISES[BONUS].conventions if c.name == "logarithms detached")
    assert "What that leaves out is the expected score, which is zero." in detached.explanation
    np.testing.assert_allclose(pull(detached.right), pull(right(BONUS)), atol=1e-12)


# Many epochs on one batch.

TOO_NEW = "an-old-policy-too-new"
START, ACTIONS, ADVANTAGES = torch.zeros(2).double(), torch.tensor([0, 1]), torch.tensor([1.0, -1.0]).double()


def after(f, epochs, rate=0.1, start=START):
    """The probability of the good action after some epochs."""
    return f(start, ACTIONS, ADVANTAGES, epochs, rate, 0.2).softmax(-1)[0].item()


def test_epochs():
    f = wrong(TOO_NEW, "old log-probabilities with a gradient", "one epoch is lost, or all")
    assert after(f, 4) == pytest.approx(after(right(TOO_NEW), 3))
    assert after(wrong(TOO_NEW, "no gradient at all", "nothing is learned"), 50) == 0.5
    assert after(right(TOO_NEW), 300) < 0.65
    assert after(wrong(TOO_NEW, "one epoch behind", "a brake that rolls along"), 300) > 0.99
    f = wrong(TOO_NEW, "clipped alone", "an action that has moved the wrong way has no gradient to bring it back")
    apart = (
        torch.tensor([-0.2, 0.2]).double(),
        torch.tensor([0, 0, 0, 1]),
        torch.tensor([-1.0, -1.0, -1.0, -8.0]).double(),
    )
    pushed = [g(*apart, 40, 0.05, 0.2).softmax(-1)[0].item() for g in (f, right(TOO_NEW))]
    assert pushed[0] != pytest.approx(pushed[1], abs=1e-3)
    assert after(wrong(TOO_NEW, "clip taken out", "many epochs on one batch, and no brake"), 300) > 0.99


def test_where_all_epochs_are_lost():
    wrong(TOO_NEW, "old log-probabilities with a gradient", "or all, where the same tensor is trained throughout")
    logits = START.clone().requires_grad_()
    old = logits.log_softmax(-1)[ACTIONS]
    for _ in range(5):
        gain = ((logits.log_softmax(-1)[ACTIONS] - old).exp() * ADVANTAGES).mean()
        (found,) = torch.autograd.grad(gain, logits, retain_graph=True)
        assert not found.any()
        logits.data += 0.1 * found


def test_without_the_old_policy_rare_actions_count_less():
    f = wrong(TOO_NEW, "ratio of the start", "rare actions count less than frequent ones")
    rare = torch.tensor([-4.0, 0.0]).double()
    steps = [f(rare, torch.tensor([k]), torch.ones(1).double(), 1, 0.1, 0.2) - rare for k in (0, 1)]
    scores = [torch.eye(2)[k] - rare.softmax(-1) for k in (0, 1)]
    sizes = [(step.norm() / score.norm()).item() for step, score in zip(steps, scores, strict=True)]
    np.testing.assert_allclose(sizes, 0.1 * rare.softmax(-1))
