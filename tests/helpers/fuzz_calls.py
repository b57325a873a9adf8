"""The functions of the library proper that are called with odd values: one line a function.

A line is a valid call. What odd values an argument gets follows from the valid one: an int is a
count of at least one, a list of floats numbers, and so on (``fuzz.kind_of``). Where that is not
right, the kind is named, and its exceptions: values that are odd and good for this argument.
"""

import numpy as np
from fuzz import (
    call,
    choice,
    count,
    flag,
    function,
    indices,
    kind,
    logs,
    number,
    numbers,
    probability,
    rng,
    several,
    text,
    thing,
    truths,
)
from letters import Letters, search_on
from tiny_lm import TinyLM
from tiny_verifiers import opinion, tiny_verifier

from ttclib.cost import Cost
from ttclib.course.particle_filtering import kalman
from ttclib.course.process_reward_model import learning
from ttclib.course.small_language_model import beams, cuts, flops
from ttclib.course.smc_decoding import constraints
from ttclib.course.smc_decoding.doubt import doubt
from ttclib.lm import (
    arithmetic,
    automata,
    decoding,
    potentials,
    samplers,
    tokenizer,
    training,
)
from ttclib.lm.decoding import Decoder
from ttclib.lm.llama import Llama, Shape
from ttclib.lm.vocabulary import Vocabulary
from ttclib.measure import bootstrap, calibration, folds, verdict, votes
from ttclib.particles import genealogy, islands, resampling, smc, statespace, weights
from ttclib.particles.smc import run
from ttclib.sampling import diagnostics, mcmc, montecarlo
from ttclib.search import mcts, methods, reading, rollouts, scoring, search, selections
from ttclib.search.aggregation import AGGREGATIONS
from ttclib.search.methods import Setting
from ttclib.search.search import Search
from ttclib.show import slider
from ttclib.show.style import figure


def bell(x):
    return -0.5 * np.square(x).reshape(len(x), -1).sum(axis=1)


def uniform_step(x, rng):
    return x + rng.random(x.shape) - 0.5


def inside(points):
    return (points**2).sum(axis=1) < 1


BOAT = statespace.LinearGaussian()
SEEN = [0.5, -1.0, 2.0, 0.25]
FILTER = statespace.Bootstrap(BOAT, SEEN)
HISTORY = smc.run(FILTER, 4, smc.resample(), np.random.default_rng(0))
MEMBERS = HISTORY[-1]
WALK = mcmc.random_walk(bell, 0.5)
DRAWS = np.random.default_rng(0).integers(-8, 8, size=(6, 2)) / 4
GAPS = {"nan": "free", "inf": "free", "minus_inf": "free"}  # what comes out is as odd as this
WRONG_MOVES = (None, "text", np.zeros(77), 1j)
WRONG_CHOICES = (
    None,
    "text",
    (0, 0),
    np.zeros(4),
    ([0, 1, 2, 3], "text"),
    (np.arange(4), np.zeros(3)),
)


def select(selection):
    return selection(MEMBERS, np.random.default_rng(0))


def kernel_runs(kernel):
    return mcmc.run_chains(kernel, [0.5, 1.0], 3, np.random.default_rng(0))


def scheme(f, **more):
    """A resampling scheme."""
    shares = numbers([0.5, 0.25, 2.0, 0.0], low=0, longer="free")
    return call(f, weights=shares, n=4, rng=rng(), **more)


SAMPLING = [
    call(montecarlo.darts, n=100, rng=rng()),
    call(
        montecarlo.area,
        inside=function(inside),
        low=numbers([0.0, 0.0]),
        high=numbers([1.0, 1.0]),
        n=10,
        rng=rng(),
    ),
    call(montecarlo.Estimate(3.0, 0.5, Cost()).interval, z=number(2.0, 0.0)),
    call(
        mcmc.metropolis_hastings,
        kernel_runs,
        log_density=function(bell),
        propose=function(uniform_step, WRONG_MOVES),
        log_proposal=function(lambda to, given: np.zeros(len(to))).but(nothing="free"),
    ),
    call(
        mcmc.random_walk,
        kernel_runs,
        log_density=function(bell),
        step_size=number(0.5, 0.0, open_low=True).but(list="free", tuple="free", array="free"),
    ),
    call(
        mcmc.run_chains,
        kernel=thing(WALK),
        start=numbers([0.5, 1.0], longer="free").but(an_axis_more="free"),
        n=3,
        rng=rng(),
    ),
    call(
        diagnostics.ess,
        draws=numbers(DRAWS, longer="free").but(an_axis_more="drop"),
        method=choice("bulk"),
    ),
    call(diagnostics.rhat, draws=numbers(DRAWS, longer="free").but(an_axis_more="drop")),
    call(diagnostics.mcse, draws=numbers(DRAWS, longer="free").but(an_axis_more="drop")),
    call(diagnostics.summary, draws=numbers(DRAWS, longer="free").but(an_axis_more="drop")),
]

PARTICLES = [
    call(weights.relative, log_weights=logs([0.5, -1.0, 2.0], longer="free")),
    call(weights.normalise, log_weights=logs([0.5, -1.0, 2.0], longer="free")),
    *map(scheme, (resampling.multinomial, resampling.residual, resampling.stratified)),
    *map(scheme, (resampling.systematic, resampling.killing, resampling.winner_takes_all)),
    call(resampling.scheme, name=choice("systematic")),
    call(smc.smc, model=FILTER, n=4, select=function(smc.keep_all, WRONG_CHOICES), rng=rng()),
    call(smc.run, model=FILTER, n=4, select=function(smc.keep_all, WRONG_CHOICES), rng=rng()),
    call(beams.alive, population=MEMBERS),
    call(smc.resample, select, scheme=choice("systematic"), n=count(4).but(nothing="good")),
    call(smc.when_ess_below, select, threshold=probability(0.5), select=function(smc.keep_all, ())),
    call(beams.keep_top, select, k=2, copies=2),
    call(MEMBERS.mean, values=numbers([0.5, 1.0, 2.0, 4.0], **GAPS)),
    call(
        smc.Population,
        t=kind(1),
        particles=kind(np.arange(3.0)),
        log_weights=logs([0.5, -1.0, 2.0], longer="free"),
        ancestors=kind(np.array([0, 1, 1])),
    ),
    call(islands.split, population=MEMBERS, islands=2),
    call(islands.within, select, islands=2, select=function(smc.resample(), WRONG_CHOICES)),
    call(genealogy.lineages, history=several(HISTORY)),
    call(genealogy.distinct_ancestors, history=several(HISTORY)),
    call(
        statespace.LinearGaussian,
        transition=number(0.5),
        transition_cov=number(1.0, 0.0, open_low=True),
        initial_mean=number(0.5),
        initial_cov=number(2.0, 0.0, open_low=True),
    ),
    call(BOAT.simulate, length=5, rng=rng()),
    call(
        statespace.Bootstrap,
        model=BOAT,
        observations=numbers(SEEN, nan="free", longer="free").but(an_axis_more="free"),
    ),
    call(
        statespace.observations_array,
        observations=numbers(SEEN, nan="free", longer="free").but(an_axis_more="free"),
    ),
    call(kalman.kalman_filter, model=BOAT, observations=numbers(SEEN, nan="free", longer="free")),
]


ANSWERS = ["7", "8", "7", None]
ANSWER = (
    several(ANSWERS)
    .but(list_of_nothing="free", list_of_objects="free")
    .also("bad", a_text="787", unhashable=[[7], [8]])
)
FOUR = numbers([0.5, 0.25, 1.0, 0.75])
RIGHT = truths([True, False, True, True])
TABLE = numbers([[0.5, 0.25], [1.0, 0.75]], longer="free")
K = count(2).but(list="free", tuple="free", array="free")
COUNTS = numbers([[2, 0], [1, 1]], low=0, longer="free")

MEASURE = [
    call(votes.normal, answer=kind("7 ", bad={}, free={"nan": np.nan, "nothing": None})),
    call(
        votes.votes,
        answers=ANSWER,
        weights=numbers([0.5, 0.25, 1.0, 0.0], low=0).but(nothing="free"),
    ),
    call(
        votes.weighted_majority,
        answers=ANSWER,
        weights=numbers([0.5, 0.25, 1.0, 0.0], low=0).but(nothing="free"),
    ),
    call(votes.majority, answers=ANSWER),
    call(votes.best_of, scores=FOUR, answers=ANSWER),
    call(
        votes.pass_at_k,
        correct=truths([[1, 0], [1, 1]], longer="free").but(
            an_axis_more="free", an_axis_less="free"
        ),
        k=K,
    ),
    call(votes.best_at_k, scores=TABLE, right=truths([[1, 0], [1, 1]]), k=K),
    call(votes.majority_at_k, answers=ANSWER, right=kind("7"), k=K),
    call(bootstrap.counts, problems=3, replicates=4, rng=rng()),
    call(
        bootstrap.means,
        values=numbers([0.5, 0.25], **GAPS, longer="bad").but(an_axis_more="free"),
        counts=COUNTS,
    ),
    call(
        bootstrap.interval,
        replicates=numbers([0.5, 0.25, 1.0], **GAPS, longer="free").but(an_axis_more="free"),
        level=probability(0.5, open_low=True),
        axis=count(0, 0).but(too_few="free"),
    ),
    call(
        bootstrap.mean_interval,
        values=numbers([0.5, 0.25], **GAPS).but(an_axis_more="free"),
        counts=COUNTS,
        level=probability(0.5, open_low=True),
    ),
    call(folds.difficulty_bins, ease=numbers([0.5, 0.25, 1.0], longer="free"), number=2),
    call(
        verdict.verdict,
        low=number(-0.5, high=0.25).but(minus_inf="free"),
        high=number(0.25, low=-0.5).but(inf="free", truth="free"),
        claimed=numbers([-1.0, 1.0], nan="bad", inf="good", minus_inf="bad"),
    ),
    call(
        calibration.reliability,
        confidence=numbers([0.5, 0.25, 1.0, 0.75], 0, 1),
        right=RIGHT,
        bins=3,
    ),
    call(
        calibration.expected_calibration_error,
        confidence=numbers([0.5, 0.25, 1.0, 0.75], 0, 1),
        right=RIGHT,
        bins=3,
    ),
    call(calibration.auroc, score=FOUR, right=RIGHT),
    call(
        calibration.auc_within,
        scores=numbers([[0.5, 0.25], [1.0, 0.75]], nan="free"),
        right=truths([[1, 0], [1, 0]]),
    ),
]


LETTERS = Vocabulary([*"abc", None], 3)
NONE_A = constraints.without("a", LETTERS)
LM = TinyLM(3)
ROOM = count(4).but(nothing="free")
CONFIG = thing(Shape(7, 4, 1, 2, 6).config())
LOGS = np.log([[0.5, 0.25, 0.125, 0.125], [0.25, 0.25, 0.25, 0.25]])


def sampler(f, **more):
    """A sampler by its number, at work on two rows."""
    return call(f, lambda found: found(LOGS), **more)


def decoded(drawn):
    return drawn.particles.tokens, drawn.log_weights


LM_LINES = [
    sampler(samplers.temperature, value=number(0.5, 0.0, open_low=True)),
    sampler(cuts.top_k, k=2),
    sampler(cuts.top_p, p=probability(0.5, open_low=True)),
    sampler(cuts.min_p, p=probability(0.5, open_low=True)),
    call(Vocabulary, texts=several([*"abc", None]), end=count(3, 0)),
    call(Vocabulary.words, words=several(["to", "be"], empty="free")),
    call(LETTERS.encode, text=text("ab")),
    call(
        LETTERS.decode,
        tokens=indices([0, 1], below=4, longer="free").but(
            empty="free", set="free", generator_expression="free"
        ),
    ),
    call(
        cuts.chain,
        lambda found: found(LOGS),
        samplers=kind(
            (samplers.plain, cuts.top_k(2)),
            bad={"a number": (samplers.plain, 3), "a text": ("plain",), "a list": ([],)},
        ),
    ),
    call(
        automata.lift,
        vocabulary=thing(LETTERS),
        first=text("a").but(
            object="free", user_string="free", int="free", nan="free", truth="free", bytes="free"
        ),
        step=function(lambda state, letter: state, ()),
        final=function(lambda state: True, ()),
        value=function(lambda state: 0.0, ()),
        kind=function(str, ()),
        what=text("it"),
    ),
    call(
        potentials.Feature,
        prefix=function(lambda tokens, lengths: np.zeros(len(tokens)), ()).but(nothing="free"),
        complete=function(lambda tokens, lengths: np.zeros(len(tokens)), ()).but(nothing="free"),
    ),
    call(LETTERS.containing, letters=text("ab")),
    call(tokenizer.encode, text=text("1+2")),
    call(constraints.regex, pattern=text("a+b"), vocabulary=LETTERS),
    call(constraints.without, letters=text("a"), vocabulary=LETTERS),
    call(constraints.words_at_most, letters=2, vocabulary=LETTERS),
    call(
        constraints.mentions,
        words=several(["ab"]),
        vocabulary=LETTERS,
        bonus=number(0.5),
    ),
    call(constraints.length, at_least=count(1, 0), at_most=3, vocabulary=LETTERS),
    call(constraints.both, a=NONE_A, b=constraints.length(1, 2, LETTERS)),
    call(doubt, vocabulary=LETTERS, penalty=4.0),
    call(automata.trim, automaton=NONE_A, what=text("it")),
    call(
        automata.Automaton,
        next=indices([[0, 1], [1, -1]], below=2, least=-1),
        log_values=numbers([0.5, 0.25]),
        log_finals=logs([0.0, 1.0]),
        first=count(1, 0),
    ),
    call(
        Decoder,
        lm=LM,
        prompt=text("a").but(list_of_texts="free"),
        potentials=several([NONE_A]).but(empty="free"),
        sampler=function(samplers.greedy, ()),
        proposal=choice("optimal"),
        max_tokens=count(3).but(nothing="free"),
        must_end=flag(True),
        stop=text("b").but(list_of_texts="free", empty="free"),
        until=text("c").but(nothing="free"),
        per_token=flag(True),
    ),
    call(
        decoding.sample,
        decoded,
        lm=LM,
        prompt=text("a").but(list_of_texts="free"),
        n=3,
        rng=rng(),
        sampler=function(samplers.plain),
        max_tokens=ROOM,
    ),
    call(beams.beam_search, decoded, lm=LM, prompt=text("a"), width=2),
    call(arithmetic.parse, text=text("1+2*3")),
    call(arithmetic.check_problem, text=text("1+2*3")),
    call(arithmetic.answer, text=text("1+2=3;#3")),
    call(
        arithmetic.check_solution,
        problem=text("1+2*3"),
        solution=text("2*3=6;1+6=7;#7"),
    ),
    call(arithmetic.random_expression, operations=count(3, 0), rng=rng()),
    call(arithmetic.split_of, problem=text("1+2")),
    call(arithmetic.problems, split=choice("test"), n=2, rng=rng()),
    call(arithmetic.example, problem=text("1+2*3")),
    call(flops.sequence_flops, config=CONFIG, start=count(1, 0), stop=3),
    call(Shape, vocabulary=7, width=4, layers=count(2, 0), heads=2, hidden=count(6, 0), context=9),
]

SCORES = numbers([[0.5, 0.25], [1.0, 0.75]], **GAPS, longer="free")
SCORES = SCORES.but(two_axes_empty="free")  # nothing was scored yet
FOUND = run(search_on(LM, "a", opinion, max_tokens=4), 4, smc.keep_all, np.random.default_rng(0))[
    -1
]
GROWN = next(
    smc.smc(
        search_on(LM, "a", opinion, kind=mcts.TreeSearch, max_tokens=4),
        4,
        smc.keep_all,
        np.random.default_rng(0),
    )
)
TEXTS = ["#7", "#8", "", "#7"]
TINY = {"lm": LM, "task": Letters(), "max_tokens": ROOM}
PROMPT = text("a").but(list_of_texts="free")
JUDGE = function(opinion, ())
HALF = Setting("beam", 4, width=2)
STEPS = {"texts": FOUND.particles, "pauses": truths([True, False, False, True], longer="free")}


def searched(selection):
    """A selection by its number, at work on four texts under way."""
    return selection(FOUND, np.random.default_rng(0))


SEARCH = [
    call(selections.beam, searched, width=2),
    call(selections.trees, searched, number=2),
    call(selections.rebase, searched, temperature=number(0.5, 0.0, open_low=True)),
    call(
        mcts.uct,
        lambda selection: selection(GROWN, np.random.default_rng(0)),
        width=2,
        exploration=number(0.5, 0.0),
        share=number(0.5, 0.0, 1.0, open_low=True),
    ),
    *(call(f, scores=SCORES) for f in AGGREGATIONS.values()),
    call(
        Search,
        lm=LM,
        task=Letters(),
        problem=text("a").but(list_of_texts="free"),
        verifier=function(opinion, ()),
        aggregate=function(AGGREGATIONS["last"], ()),
        lookahead=count(1, 0),
        power=function(float, ()),
        max_tokens=ROOM,
    ),
    call(
        search.conclude,
        task=kind(Letters()),
        population=kind(FOUND),
        texts=several(TEXTS),
        how=choice("max"),
        aggregate=function(AGGREGATIONS["last"]),
    ),
    call(search.given, task=kind(Letters()), population=kind(FOUND), texts=several(TEXTS)),
    call(
        Setting,
        method=choice("beam"),
        n=4,
        width=2,
        lookahead=kind(0),
        verifier=text("prm"),
        aggregate=choice("last"),
        temperature=number(0.5, 0.0),
        model=text("lab-small"),
    ),
    call(methods.root_width, n=16),
    call(methods.select_for, searched, setting=HALF),
    call(methods.sampler_for, lambda found: found(LOGS), setting=HALF),
    call(
        methods.search_for,
        setting=HALF,
        lm=LM,
        task=Letters(),
        problems=text("a").but(list_of_texts="free"),
        verifier=function(opinion, ()),
        max_tokens=ROOM,
    ),
    call(scoring.as_verifier, verifier=function(opinion, ())),
    call(reading.stops, **STEPS),
    call(
        reading.rescore,
        verifier=thing(scoring.Scoring(opinion)),
        lm=LM,
        task=Letters(),
        problems=several(["a"]),
        texts=FOUND.particles,
    ),
    call(
        rollouts.collect,
        lm=LM,
        task=Letters(),
        problems=several(["a", "b"]),
        n=2,
        rng=rng(),
        max_tokens=ROOM,
    ),
    call(
        rollouts.draw,
        lm=LM,
        task=Letters(),
        problems=several(["a", "b"]),
        n=2,
        rng=rng(),
        at_once=2,
        max_tokens=ROOM,
    ),
]

ROWS = training.pack_texts([([1, 2, 3], 1), ([2, 3, 1], 1)], 4)


SOLVED = learning.PackedSolutions(
    ROWS.tokens,
    ROWS.positions,
    ROWS.texts,
    per_token=np.zeros((*ROWS.tokens.shape, 2), np.float16),
    written=ROWS.texts >= 0,
    ends=ROWS.texts >= 0,
    labels=np.zeros(ROWS.tokens.shape, np.float16),
    weights=np.ones(ROWS.tokens.shape, np.float16),
)
STEPPED = {"batch": 1, "steps": 2, "learning_rate": number(0.5, 0.0, open_low=True)}


def took_time(seconds):
    return seconds > 0


SHOW = [
    call(
        slider.powers_of_two,
        low=count(1, 0),
        high=count(3, 0),
        unit=text("darts"),
        default=count(2, 0).but(nothing="free", array_of_no_axes="free"),
        step=1,
    ),
    call(
        slider.options,
        values=several([1, 2], empty="bad").but(list_of_nothing="free", list_of_objects="free"),
        unit=text("darts").but(nothing="free"),
        ordered=flag(True),
    ),
    call(
        slider.choice,
        values=several([1, 2], empty="bad").but(list_of_nothing="free", list_of_objects="free"),
    ),
    call(
        slider.BudgetView,
        lambda view: view.close(),
        fig=thing(figure()[0]),
        draw=function(lambda seed, points: "drawn", ()),
        seed=count(1, 0),
        luck=flag(True),
        points=thing(slider.powers_of_two(0, 1, "darts")),
    ),
    call(
        slider.entry,
        parse=function(str, ()),
        default=text("3"),
        unit=text("darts").but(nothing="free"),
        label=text("n").but(nothing="free"),
    ),
]

LEARNING = [
    call(
        training.train_lm,
        took_time,
        model=thing(Llama(Shape(7, 4, 1, 2, 6, context=8), seed=0)),
        rows=thing(ROWS),
        seed=count(1, 0),
        **STEPPED,
    ),
    call(
        learning.train_verifier,
        lambda found: took_time(found[1]),
        net=thing(tiny_verifier(LM).net),
        rows=thing(SOLVED),
        held_out=thing(SOLVED),
        every=1,
        seed=count(1, 0),
        **STEPPED,
    ),
]

LINES = [*SAMPLING, *PARTICLES, *MEASURE, *LM_LINES, *SEARCH, *SHOW, *LEARNING]
CALLS = {
    f"{line.function.__module__.removeprefix('ttclib.')}.{line.function.__qualname__}": line
    for line in LINES
}

# Who is not called, and why; every other public function and class is.
NOT_CALLED = {
    "a record that the library itself fills": (
        "lm.arithmetic.Operation lm.arithmetic.StepCheck lm.sequences.Sequences lm.sequences.Run "
        "lm.training.Packed lm.training.PackedTexts lm.training.TaughtTexts lm.vocabulary.Spelling "
        "measure.calibration.Reliability "
        "particles.smc.Weighed sampling.mcmc.State sampling.mcmc.Info sampling.mcmc.Kernel "
        "sampling.mcmc.Chain sampling.montecarlo.Estimate "
        "search.results.Curve search.results.Results search.results.Samples "
        "search.mcts.Nodes search.mcts.Tree search.rollouts.Rollouts search.search.Solutions "
        "show.slider.Control show.slider.Frame "
        "exercise.Verdict testing.BrokenPromise"
    ),
    "it takes nothing": (
        "cost.stopwatch lm.pretrained.cache_folder "
        "lm.pretrained.smollm2_fault lm.pretrained.load_smollm2 lm.pretrained.fast_dtype "
        "lm.pretrained.ensure_cache lm.pretrained.quiet lm.tokenizer.build "
        "lm.arithmetic.Arithmetic machine.memory_limit machine.versions machine.processor "
        "machine.matrix_flops particles.smc.keep_freed_blocks show.darts.board_figure "
        "artefacts.data_folder artefacts.manifest artefacts.faults artefacts.listing "
        "artefacts.differences"
    ),
    "called at every step or token with what its caller has checked": (
        "cost.Cost language.translate_with language.translated "
        "lm.arithmetic.apply lm.arithmetic.value lm.arithmetic.write "
        "lm.arithmetic.drawn lm.arithmetic.reducible lm.arithmetic.solve lm.decoding.optimal "
        "lm.decoding.bootstrap lm.engine.CachedSession lm.engine.Rows "
        "lm.llama.Block lm.llama.rotate lm.llama.OneToken lm.nines.nines lm.nines.failures "
        "lm.samplers.renormalise "
        "lm.samplers.plain lm.samplers.greedy lm.samplers.draw_tokens lm.training.side_by_side "
        "lm.training.pack_texts lm.training.lm_loss lm.training.soft_loss lm.training.batch_of "
        "lm.training.schedule "
        "lm.vocabulary.integer_type lm.vocabulary.in_bytes particles.smc.well_formed "
        "particles.smc.keep_all particles.statespace.log_normal "
        "particles.weights.effective_sample_size sampling.mcmc.accept_or_stay "
        "sampling.mcmc.positions_of sampling.mcmc.start_density sampling.mcmc.per_chain "
        "sampling.mcmc.step_sizes sampling.montecarlo.chunks sampling.montecarlo.values_of "
        "sampling.montecarlo.spent "
        "search.mcts.upper_bound search.mcts.TreeSearch "
        "search.rollouts.step_ends search.scoring.ScoringReader "
        "search.verifier.so_far search.verifier.CachedReader search.verifier.Trie "
        "search.protocols.Reading lm.automata.check_size "
        "lm.flops.coefficients cost.readable"
    ),
    "to be subclassed; it has no argument": (
        "particles.smc.FeynmanKac particles.statespace.StateSpaceModel"
    ),
    "it is what refuses": (
        "inputs.whole_number inputs.real_number inputs.positive inputs.float_array "
        "inputs.finite_array inputs.truth_array inputs.one_of inputs.generator inputs.checked "
        "inputs.short"
    ),
    "it compares or stops what a learner wrote; its own tests give it odd answers": (
        "exercise.mistake exercise.expect exercise.close exercise.exercise exercise.once_right"
    ),
    "it reads or writes files; the tests of damaged files are its own": (
        "artefacts.path artefacts.sha256 files.whole files.seal files.unseal files.reading_of "
        "files.in_short files.turn lm.gguf.read_llama lm.models.load lm.pretrained.read_model "
        "lm.pretrained.read_ours "
        "lm.pretrained.write_model lm.pretrained.damage lm.pretrained.wheel_file "
        "lm.pretrained.from_hub search.models.load_verifier "
        "search.results.read search.results.read_results search.results.read_samples "
        "search.results.read_drawn search.results.read_alone"
    ),
    "its arguments are models, or tables that files hold": (
        "lm.engine.CausalLM lm.pretrained.chat lm.llama.Llama lm.llama.Prepacked "
        "lm.training.descend "
        "measure.folds.halves measure.folds.choose measure.folds.two_fold measure.folds.average "
        "search.methods.width_rules search.results.where search.results.block "
        "search.scoring.Scoring search.verifier.Net search.verifier.RewardModel"
    ),
    "it draws what the library has computed": (
        "show.darts.plus_minus show.darts.throw show.live.LiveView "
        "show.population.draw_population show.population.label_members show.population.draw_ess "
        "show.slider.Stage show.style.figure show.style.literal "
        "show.style.missing show.style.end_labels show.style.truth show.style.band "
        "show.style.boxes show.style.counting_axis show.style.plain_ticks show.style.pixels "
        "show.style.webp_bytes show.style.small_png show.style.Picture show.style.ink"
    ),
    "it says which promise is broken, with an error of its own": (
        "testing.check_language_model testing.check_sampler testing.check_potential "
        "testing.check_task testing.check_verifier testing.check_selection"
    ),
}
