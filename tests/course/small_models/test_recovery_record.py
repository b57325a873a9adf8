"""What notebook 13 says of recovery: each fact, and the numbers that it rests on.

Every run was made once: what is held here is what came out, and no more is said.
"""

from functools import cache

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from sentences import Says

from tools import pruning
from ttclib import artefacts
from ttclib.course.small_models import distil, prune_figures, recovery
from ttclib.lm import arithmetic, models
from ttclib.measure import bootstrap

says = Says("13_small_models")
COUNTS = prune_figures.problem_counts(400)


@cache
def teacher_weights():
    return models.load("lab-large").ours.shape.flops[0] // 2


@cache
def runs(size):
    name = "distillation" if size == "small, longer" else f"recovery-{size}"
    return recovery.read_runs(artefacts.path(name), teacher_weights())


@cache
def rival(size, name):
    return recovery.read_rivals(artefacts.path(f"recovery-{size}"))[name]


def gain(name, other):
    """How much more of the problems one run solves than another in the end, with its interval."""
    mine, theirs = (runs("half")[name].right[-1].astype(float) for name in (name, other))
    return bootstrap.mean_interval(mine - theirs, COUNTS)


@pytest.mark.answers("13-054", 1)
def test_half_of_the_weights_heal_within_a_hundredth_of_the_reading():
    made = artefacts.manifest()["lab-large"]["settings"]
    whole = made["training"]["batch"] * made["training"]["steps"] * made["texts"]["row"]
    for name in ("pruned", "pruned, taught"):
        run = runs("half")[name]
        assert run.weights / teacher_weights() == pytest.approx(0.51, abs=0.01)
        read = run.tokens[-1]
        hundredth = read < whole / 100 and round(read, -4) == 100_000
        says("100,000 tokens, less than a hundredth of what the large model read", hundredth)
        one_in_ten = 0.08 < run.right[0].mean() < 0.12
        says("Pruned by importance, the model still solves one problem in ten.", one_in_ten)
        assert run.kl[0] == pytest.approx(0.235, abs=0.01)
        assert run.kl[-1] < run.kl[0] / 6
        five = 0.48 < run.right[-1].mean() < 0.54
        says("Before, it solves one problem in ten, after 100,000 tokens five in ten", five)
        solved = run.right.mean(axis=1)
        most = solved[1] - solved[0] > 0.6 * (solved[-1] - solved[0])
        says("A quarter of that reading brings most of it.", most)
    seven = rival("half", "lab-large").right.mean() == pytest.approx(0.71, abs=0.01)
    says("the whole model solves seven", seven)


@pytest.mark.answers("13-054", 2)
def test_the_teacher_is_worth_no_answers_to_the_half():
    taught, plain = runs("half")["pruned, taught"], runs("half")["pruned"]
    _, low, high = gain("pruned, taught", "pruned")
    says("and it solves no more: the interval of the difference holds 0", low < 0 < high)
    nearer = taught.kl[-1] < plain.kl[-1]
    says("With the teacher it comes a little nearer to the teacher", nearer)
    assert abs(taught.loss[-1] - plain.loss[-1]) < 0.002  # and as near to the truth


@pytest.mark.answers("13-054", 3)
def test_new_weights_learn_hardly_anything_of_so_few_tokens():
    for name in ("scratch", "scratch, taught"):
        new = runs("half")[name]
        assert new.tokens[-1] == runs("half")["pruned"].tokens[-1]
        assert new.weights == runs("half")["pruned"].weights
        none = new.kl[-1] > 2.3 and new.right.shape[1] == 50 and not new.right.any()
        says("They are still more than 2.3 nats away, and of 50 problems they solve none.", none)
    says("That leaves up to six in a hundred possible", 0.94**50 < 0.05 < 0.945**50)
    plans = [artefact.settings["runs"]["scratch"] for artefact in pruning.ARTEFACTS[1:3]]
    faster = plans[1]["learning_rate"] == 8 * plans[0]["learning_rate"]
    more = runs("small")["scratch"].tokens[-1] == 8 * runs("half")["scratch"].tokens[-1]
    says("new weights learn eight times as fast from eight times the tokens", faster and more)


def test_the_learning_rate_is_the_best_of_four():
    plan = pruning.ARTEFACTS[1].settings["runs"]["pruned"]
    at_rate = {plan["learning_rate"]: runs("half")["pruned"].loss[-1]}
    for name, run in runs("half").items():
        if name.startswith("rate "):
            at_rate[float(name.removeprefix("rate "))] = run.loss[-1]
    best = min(at_rate, key=at_rate.get)
    inside = min(at_rate) < best < max(at_rate)
    says(
        "The learning rate of the half-size students is the best of four for the pruned one",
        len(at_rate) == 4 and best == plan["learning_rate"] and inside,
    )


@pytest.mark.answers("13-056a", 1)
def test_a_temperature_brings_the_student_nearer_to_the_teacher_and_not_to_the_truth():
    found = [runs("half")[name] for name in ("pruned, taught", "T = 2", "T = 4")]
    first, second, third = (run.kl[-1] for run in found)
    says("The higher, the nearer to the teacher", first > second > third)
    plain = runs("half")["pruned"].loss[-1]
    same = all(abs(run.loss[-1] - plain) < 0.002 and run.loss[-1] > plain for run in found)
    says("the loss stays where true tokens bring it, within 0.002", same)
    ends = [gain(name, "pruned")[1:] for name in ("pruned, taught", "T = 2", "T = 4")]
    says("each interval holds 0.", all(low < 0 < high for low, high in ends))


@pytest.mark.answers("13-056a", 1)
def test_random_parts_end_where_importance_begins():
    some, mine = runs("half")["random parts"], runs("half")["pruned"]
    same = some.kl[-1] == pytest.approx(mine.kl[0], rel=0.05)
    says("After 100,000 tokens they are as far from the teacher as the important parts were", same)
    four = some.right[-1].mean() == pytest.approx(0.0425)
    says("and solve 4 problems in a hundred", four)


@pytest.mark.answers("13-056a", 1)
def test_one_shot_beats_two_steps():
    twice, once = runs("half")["two steps"], runs("half")["pruned"]
    assert twice.tokens[-1] == once.tokens[-1] and len(twice.tokens) == 4
    says("After the second cut it is nearer than the one cut was", twice.kl[2] < once.kl[0] * 0.7)
    says("with half of the tokens left it ends farther away", twice.kl[-1] > once.kl[-1] * 1.2)
    _, low, high = gain("two steps", "pruned")
    says("and solves fewer: the interval of the difference lies below 0", low < high < 0)


def test_the_teacher_hardly_says_more_than_the_true_token():
    rows = pruning.packed("validation", **pruning.HELD_OUT)
    said = distil.log_probs(models.load("lab-large").ours, rows)
    log_p = said[rows.targets != -100].astype(float)
    entropy = -(np.exp(log_p) * log_p).sum(axis=1)
    certain = 0.01 < entropy.mean() < 0.04 and (entropy < 0.01).mean() > 0.8
    says("Its distribution is all but certain", certain)


@pytest.mark.answers("13-055a", 4)
@pytest.mark.answers("13-055a", 5)
def test_the_weights_of_a_broken_model_are_worth_more_than_new_ones():
    found = runs("small")
    assert all(run.tokens[-1] == 786_432 for run in found.values())
    for how in ("", ", taught"):
        pruned, new = found[f"pruned{how}"], found[f"scratch{how}"]
        farther = pruned.kl[0] > new.kl[0] + 0.4
        says("It is *farther* from the teacher than new weights are.", farther)
        passes = pruned.tokens[1] < 100_000 and (pruned.kl[1:] < new.kl[1:]).all()
        says("starts farther away than new weights, and passes them within 100,000 tokens", passes)
        ends = pruned.kl[-1] < 1.0 < 1.6 < new.kl[-1]
        says("In the end it is below 1 nat, where new weights are above 1.6.", ends)
    for start in ("pruned", "scratch"):
        moved = abs(found[f"{start}, taught"].kl[-1] - found[start].kl[-1])
        says("The teacher moves the end by less than 0.06 nats, in both rows.", moved < 0.06)
    none = all(run.right[-1].mean() < 0.01 for run in found.values())
    says("none of the four solves even one problem in a hundred", none)
    made = artefacts.manifest()["lab-small"]["settings"]["training"]
    times = made["batch"] * made["steps"] * pruning.ROW / found["pruned"].tokens[-1]
    half = 0.45 < rival("small", "lab-small").right.mean() < 0.55
    says("`lab-small` read 20 times as much, and solves half", 20 < times < 22 and half)


@pytest.mark.answers("13-056b", 6)
def test_a_small_student_that_reads_longer_solves_something():
    taught, plain = (runs("small, longer")[name] for name in ("pruned, taught", "pruned"))
    small = runs("small")["pruned"]
    assert taught.weights == plain.weights == small.weights
    read = plain.tokens[-1]
    more = round(read, -5) == 4_700_000 and read == taught.tokens[-1] == 6 * small.tokens[-1]
    says("They read 4.7 million tokens, six times as many as before.", more)
    made = artefacts.manifest()["lab-small"]["settings"]["training"]
    its = made["batch"] * made["steps"] * pruning.ROW
    says("read three and a half times as much", 3.4 < its / read < 3.6)
    shares = [round(run.right[-1].mean(), 3) for run in (plain, taught)]
    rival_is = round(rival("small", "lab-small").right.mean(), 2)
    at_last = (*shares, rival_is) == (0.135, 0.155, 0.52)
    says("with true tokens 0.14, with the teacher 0.16, and `lab-small` 0.52", at_last)
    problems = pruning.test_problems()
    operations = np.array([sum(map(problem.count, "+-*")) for problem in problems])
    short, long = (
        [run.right[-1][operations == k].mean() for run in (plain, taught)] for k in (2, 7)
    )
    some = min(short) > 1 / 3 and max(long) == 0
    says("of the problems with two operations a third and more, of those with seven none", some)
    lost = rival("small", "lab-small").right.astype(float) - taught.right[-1]
    assert bootstrap.mean_interval(lost, COUNTS)[1] > 0.3


@pytest.mark.answers("13-056b", 7)
def test_a_teacher_helps_a_small_student_that_reads_longer_and_is_not_worth_its_bill():
    taught, plain = (runs("small, longer")[name] for name in ("pruned, taught", "pruned"))
    gains = [
        bootstrap.mean_interval(taught.right[k].astype(float) - plain.right[k], COUNTS)
        for k in (1, 2)
    ]
    nearer = [round(run.kl[1], 2) for run in (taught, plain)] == [0.33, 0.41]
    says("Half way its student is nearer to it, 0.33 nats against 0.41", nearer)
    so = round(gains[0][0], 2) == 0.03 and gains[0][1] > 0
    says("and solves three problems in a hundred more; that interval lies above 0", so)
    assert taught.kl[2] < plain.kl[2] and taught.loss[2] < plain.loss[2]
    nothing = gains[1][1] < 0 < gains[1][2]
    says("what it solves more cannot be told from nothing", nothing)
    costs = taught.taught[-1] / taught.trained[-1]
    says("one and a half times what the student pays to learn", 1.5 <= costs < 1.6)
    says("has paid less in all than the other one had half way", plain.flops[-1] < taught.flops[1])
    twice = plain.right[-1].mean() > 2 * taught.right[1].mean()
    says("solves more than twice as much as that one did then", twice)


def test_what_is_said_of_pruning_in_the_end():
    longer = max(run.right[-1].mean() for run in runs("small, longer").values())
    less = longer < rival("small", "lab-small").right.mean() - 0.3
    says("What is left of it at the size of `lab-small` solves less than `lab-small`", less)
    whole = rival("half", "lab-large").right.mean()
    back = runs("half")["pruned"].right[-1].mean() > 0.7 * whole
    says("Half of the large model comes back quickly.", back)


def test_what_reads_more_wins():
    run = runs("small")["pruned, taught"]
    costs = run.taught[-1] / run.trained[-1]
    says("To read a token costs it 4.6 times what the small student pays", 4.5 < costs < 4.7)
    says("Who learns from true tokens can read five times as many.", 5 < 1 + costs < 6)
    same = models.load("lab-small").ours.shape.flops[0] // 2 == run.weights
    says("`lab-small` has as many weights as the small student and solves half", same)
    more = rival("small", "lab-small-more").right.astype(float)
    _, low, _ = bootstrap.mean_interval(more - rival("half", "lab-large").right, COUNTS)
    says("`lab-small-more` solves more than the large model itself", low > 0.05)
    shapes = [models.load(name).ours.shape.flops[0] for name in ("lab-small-more", "lab-large")]
    read = []
    for name in ("lab-small", "lab-small-more", "lab-large"):
        made = artefacts.manifest()[name]["settings"]["training"]
        read.append(made["batch"] * made["steps"])
    cheap = (read[0] + read[1]) * shapes[0] < read[2] * shapes[1] / 3
    says("its training cost less than a third of the large one's", cheap)


def test_a_student_makes_mistakes_of_its_own():
    written = recovery.read_texts(artefacts.path("recovery-half"))
    models_of = {"lab-small": rival("small", "lab-small")}
    for name in ("pruned", "pruned, taught"):
        models_of[name] = recovery.Rival(runs("half")[name].right[-1], written[name])
    teacher = rival("half", "lab-large")
    answer = arithmetic.TASK.answer
    same = {name: recovery.shared_mistakes(m, teacher, answer) for name, m in models_of.items()}
    says(
        "Of about a hundred problems that both fail", all(80 < len(s) < 110 for s in same.values())
    )
    share = {name: round(shared.mean(), 2) for name, shared in same.items()}
    seldom = (share["pruned"], share["pruned, taught"]) == (0.16, 0.18)
    says("a pruned student gives the teacher's wrong answer to 16 or 18 in a hundred", seldom)
    says("`lab-small`, which never met the teacher, to 12", share["lab-small"] == 0.12)
    most = share["pruned, taught"], share["lab-small"]
    spread = 2 * np.sqrt(sum(p * (1 - p) / len(same["lab-small"]) for p in most))
    says("That is too few to call that a difference.", most[0] - most[1] < spread)
