"""Odd values for every argument of a function, and which of four promises a call breaks.

A *kind* of argument (a count, a probability, log weights, a generator …) holds a good value and a
list of odd ones. Of each odd value the kind says whether it is *bad* (to be refused in one clear
line), *good* (to give the very result of the plain value) or *free* (either will do). Kinds are
found from the good value; where that is not enough, the line of the call names the kind.
"""

import ast
import functools
import importlib
import inspect
import itertools
import math
import multiprocessing
import random
import re
import time
import warnings
from collections import UserString
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil

import ttclib

OURS = (Path(ttclib.__file__).parent, Path(__file__).with_name("fuzz_mutants.py"))
FOREIGN = "foreign error"
SILENT = "no answer"
TAKEN = "bad value taken"
REFUSED = "good value refused"
PATIENCE = 5.0  # seconds of processor time for one call
LONGEST = 200  # characters of a line of error
ALLOWED = r"must|needs?|use |at (least|most)|one of|only|holds? |takes? |are not|is no|reads"
ALLOWED += "|repeat|cannot write|no text over this vocabulary"


class Odd(NamedTuple):
    """A value, how it is called in a report, and what it is: bad, good or free."""

    label: str
    value: Any
    verdict: str


@dataclass(frozen=True)
class Kind:
    """A good value of an argument, and odd ones."""

    value: Any
    odd: tuple[Odd, ...]

    def but(self, **verdicts):
        """The same, where the values of these labels are something else for this argument.

        Labels are written with ``_`` for every character that no name can hold; ``drop`` leaves
        the value out.
        """
        left = dict(verdicts)
        changed = []
        for odd in self.odd:
            verdict = left.pop(re.sub(r"\W+", "_", odd.label).strip("_"), odd.verdict)
            changed += [] if verdict == "drop" else [odd._replace(verdict=verdict)]
        if left:
            raise ValueError(f"no such odd value: {', '.join(left)}")
        return Kind(self.value, tuple(changed))

    def also(self, verdict, **values):
        """The same, with more odd values."""
        return Kind(self.value, self.odd + tuple(Odd(k, v, verdict) for k, v in values.items()))


class Plain:
    """Something that is nothing in particular."""

    def __repr__(self):
        return "Plain()"


ANYTHING = {"nothing": None, "object": Plain(), "mapping": {"a": 1}, "set": {1, 2}}
NOT_SCALAR = ANYTHING | {
    "text": "3",
    "empty text": "",
    "bytes": b"3",
    "empty list": [],
    "list": [2],
    "tuple": (2,),
    "array": np.array([2.0]),
    "complex": 2 + 1j,
    "truth": True,
    "nan": math.nan,
    "numpy nan": np.float32("nan"),
    "inf": math.inf,
    "minus inf": -math.inf,
    "beyond floats": 10**400,
    "below floats": -(10**400),
}


def kind(value, **verdicts):
    """A kind by its values: ``bad={label: value}``, ``good=…``, ``free=…``."""
    odd = [Odd(label, v, name) for name, values in verdicts.items() for label, v in values.items()]
    return Kind(value, tuple(odd))


def count(value, least=1):
    """How many: a whole number of at least ``least``. No count of anything is 1e308."""
    bad = NOT_SCALAR | {"half": value + 0.5, "too few": least - 1, "negative": -3, "huge": 1e308}
    good = {
        "numpy int": np.int64(value),
        "small numpy int": np.int16(value),
        "float": float(value),
        "numpy float": np.float32(value),
        "fraction": Fraction(value),
    }
    return kind(value, bad=bad, good=good, free={"array of no axes": np.array(value)})


def number(value, low=-math.inf, high=math.inf, open_low=False):
    """A finite number from ``low`` to ``high``; ``value`` is exact in half precision."""
    bad = dict(NOT_SCALAR)
    free = {"array of no axes": np.array(value), "huge": 1e308, "tiny": 1e-308}
    if low > -math.inf:
        bad |= {"too low": low - 0.25, "negative": min(-3.0, low - 1)}
    if open_low:
        bad["the limit"] = low
    if high < math.inf:
        bad |= {"too high": high + 0.25, "huge": free.pop("huge")}
    good = {
        "numpy float": np.float64(value),
        "half precision": np.float16(value),
        "fraction": Fraction(value),
    }
    if value == int(value):
        good |= {"int": int(value), "numpy int": np.int32(value)}
    return kind(value, bad=bad, good=good, free=free)


def probability(value, open_low=False):
    return number(value, 0.0, 1.0, open_low)


def flag(value):
    """True or false."""
    bad = {k: v for k, v in NOT_SCALAR.items() if k != "truth"}
    return kind(value, bad=bad, good={"numpy": np.bool_(value)}, free={"0": 0, "1": 1})


def _with(array, new, at=0):
    changed = np.array(array, dtype=np.result_type(array, type(new)))
    changed.flat[at % changed.size] = new
    return changed


def numbers(value, low=None, high=None, nan="bad", inf="bad", minus_inf="bad", longer="bad"):
    """An array of numbers, in any form that NumPy reads; ``value`` is exact in single precision.

    ``longer``: what an array with one more row is, where the other arguments keep theirs.
    """
    a = np.array(value, dtype=float)
    read_only = a.copy()
    read_only.setflags(write=False)
    bad = ANYTHING | {
        "text": "abc",
        "numeral": "3",
        "list of texts": np.full(a.shape, "3").tolist(),
        "list of nothing": np.full(a.shape, None).tolist(),
        "array of objects": np.full(a.shape, Plain()),
        "complex": a * (1 + 1j),
        "dates": np.full(a.shape, "2020-01-01", "datetime64[D]"),
        "ragged": [[1.0], [1.0, 2.0]],
        "empty": [],
        "two axes, empty": [[]],
        "an axis more": np.stack([a, a]),
        "generator expression": iter([1.0]),
    }
    good = {
        "list": a.tolist(),
        "single precision": a.astype(np.float32),
        "long precision": a.astype(np.longdouble),
        "array of numbers as objects": a.astype(object),
        "read-only": read_only,
        "every other": np.stack([a, a], axis=-1)[..., 0],
        "columns first": np.asfortranarray(a),
        "other bytes": a.astype(a.dtype.newbyteorder()),
    }
    free = {}
    if a.ndim:
        bad |= {"an axis less": a[0]}
        good |= {"tuple": tuple(a.tolist())}
        {"bad": bad, "free": free}[longer]["a row more"] = np.concatenate([a, a[-1:]])
        if (a == a.astype(np.int64)).all():
            good["whole numbers"] = a.astype(np.int64)
    for label, new, verdict in (
        ("a nan", math.nan, nan),
        ("an inf", math.inf, inf),
        ("a minus inf", -math.inf, minus_inf),
    ):
        {"bad": bad, "free": free, "good": good}[verdict][label] = _with(a, new, at=1)
    if low is not None:
        bad["one too low"] = _with(a, low - 0.5)
    if high is not None:
        bad["one too high"] = _with(a, high + 0.5)
    return kind(a, bad=bad, good=good, free=free)


def logs(value, **more):
    """Log weights or log probabilities: numbers or −inf."""
    return numbers(value, minus_inf="free", **more)


def truths(value, **more):
    """An array of true and false."""
    a = np.array(value, dtype=bool)
    found = numbers(a, **more).also("bad", a_two=_with(a.astype(int), 2))
    return Kind(a, found.odd)


def indices(value, below=None, least=0, **more):
    """An array of whole numbers, from ``least`` and ``below`` a limit."""
    a = np.array(value, dtype=int)
    bad = [odd for odd in numbers(a, low=least, **more).odd if odd.verdict != "good"]
    read_only = a.copy()
    read_only.setflags(write=False)
    good = {
        "list": a.tolist(),
        "tuple": tuple(a.tolist()),
        "short": a.astype(np.int16),
        "read-only": read_only,
        "every other": np.stack([a, a], axis=-1)[..., 0],
    }
    found = kind(a, good=good, bad={"a half": _with(a.astype(float), least + 0.5)})
    found = Kind(a, (*bad, *found.odd))
    return found if below is None else found.also("bad", one_beyond=_with(a, below))


class _Rng(NamedTuple):
    seed: int


def rng(seed=0):
    """A generator of random numbers, fresh for each call."""
    bad = ANYTHING | {
        "seed": 0,
        "numpy seed": np.int64(0),
        "real number": 0.5,
        "text": "0",
        "list": [0],
        "old generator": np.random.RandomState(0),
        "module": np.random,
        "Python's generator": random.Random(0),
        "seed sequence": np.random.SeedSequence(0),
        "bits": np.random.PCG64(0),
        "class": np.random.Generator,
        "function": np.random.default_rng,
    }
    return kind(_Rng(seed), bad=bad, free={"Mersenne twister": _Rng(-seed - 1)})


def text(value, free=True):
    """Any text. ``free``: other texts are texts too, and may be refused or not."""
    others = {"empty": "", "long": value * 5000, "letters": "äö\n\t😀", "number": "3"}
    bad = ANYTHING | {
        "int": 3,
        "nan": math.nan,
        "bytes": value.encode(),
        "list of texts": [value],
        "user string": UserString(value),
        "truth": True,
    }
    found = kind(value, bad=bad, good={"numpy text": np.str_(value)})
    return Kind(value, found.odd + kind(value, free=others).odd) if free else found


def choice(value):
    """A name out of a few."""
    return text(value, free=False).also("bad", unknown="no such", empty="", unhashable=[value])


WRONG = (None, "text", Plain(), np.zeros(77), np.zeros((2, 77)), 1j, ["x"])


def function(value, returns=WRONG):
    """A function, which must not return any of ``returns``."""
    bad = ANYTHING | {"int": 3, "text": "f", "list": [value], "array": np.zeros(3)}
    found = kind(value, bad=bad)
    more = {f"returns {r!r:.20}": functools.partial(_constant, r) for r in returns}
    return Kind(value, found.odd + kind(value, bad=more).odd)


def _constant(value, *args, **kwargs):
    return value


def thing(value):
    """An object of some class, or with some methods."""
    bad = ANYTHING | {"int": 3, "text": "x", "list": [], "array": np.zeros(3), "class": type(value)}
    return kind(value, bad=bad)


def several(value, empty="bad"):
    """A sequence of things that are no numbers."""
    bad = ANYTHING | {"int": 3, "nan": math.nan}
    bad |= {"list of nothing": [None], "list of objects": [Plain()]}
    found = kind(value, bad=bad, good={"tuple": tuple(value)})
    return found.also(empty, empty=[])


def kind_of(value):
    """Find the kind of an argument from a good value."""
    if isinstance(value, Kind):
        return value
    by_type = {bool: flag, int: count, float: number, str: text}
    if type(value) in by_type:
        return by_type[type(value)](value)
    if isinstance(value, list | tuple | np.ndarray):
        array = np.asarray(value, dtype=None if isinstance(value, np.ndarray) else object)
        plain = np.asarray(value) if array.dtype != object or array.size else array
        kinds = {"f": numbers, "b": truths, "i": indices}
        return kinds.get(plain.dtype.kind, several)(value)
    return function(value) if inspect.isroutine(value) else thing(value)


@dataclass(frozen=True)
class Call:
    """A function with a good value for each argument, and what is done with its result."""

    function: Any
    kinds: dict
    then: Any = None
    nan: bool = False

    def run(self, **changed):
        values = {name: kind.value for name, kind in self.kinds.items()} | changed
        values = {name: _fresh(value) for name, value in values.items()}
        found = inspect.signature(self.function).parameters.values()
        starred = values.pop(next((p.name for p in found if p.kind is p.VAR_POSITIONAL), ""), None)
        result = self.function(*starred) if starred is not None else self.function(**values)
        if self.then:
            result = self.then(result)
        return list(result) if inspect.isgenerator(result) else result

    def trials(self, seed):
        """Every odd value of every argument, and a few pairs."""
        single = [{name: odd} for name, kind in self.kinds.items() for odd in kind.odd]
        luck = random.Random(f"{seed} {self.function.__module__} {self.function.__qualname__}")
        fuzzed = [name for name, kind in self.kinds.items() if kind.odd]
        pairs = []
        for a, b in itertools.combinations(fuzzed, 2):
            both = [luck.choice(self.kinds[name].odd) for name in (a, b)]
            if any(odd.verdict == "bad" for odd in both):
                pairs.append({a: both[0], b: both[1]})
        return single + luck.sample(pairs, min(4, len(pairs)))


def call(function, then=None, nan=False, **arguments):
    """One line a function: a good value, or a kind, for each argument.

    ``then`` does something with what comes back, such as using a selection; ``nan`` says that the
    docstring promises NaN for some bad values.
    """
    return Call(function, {name: kind_of(value) for name, value in arguments.items()}, then, nan)


def _fresh(value):
    if isinstance(value, _Rng):
        if value.seed < 0:
            return np.random.Generator(np.random.MT19937(-value.seed))
        return np.random.default_rng(value.seed)
    if isinstance(value, np.ndarray):
        copied = value.copy(order="K")
        copied.setflags(write=value.flags.writeable)
        return copied if value.flags.c_contiguous else value
    return value


def fault(call, odd):
    """Name the promise that a call breaks with some odd values, and how; None if none."""
    verdicts = {name: one.verdict for name, one in odd.items()}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            result = call.run(**{name: one.value for name, one in odd.items()})
        except Exception as error:
            return _of_error(error, verdicts, (*call.kinds, call.function.__name__))
        if "bad" in verdicts.values():
            return None if call.nan and _all_nan(result) else (TAKEN, f"returned {result!r:.80}")
        if "free" not in verdicts.values() and not same(result, call.run()):
            return REFUSED, f"another result: {result!r:.80}"
    return None


def _of_error(error, verdicts, names):
    said = f"{type(error).__name__}: {error}"
    if not isinstance(error, ValueError | TypeError) or not _is_ours(error):
        return FOREIGN, said
    line = str(error)
    if "\n" in line or len(line) > LONGEST:
        return FOREIGN, f"not one line of at most {LONGEST} characters: {said}"
    if set(verdicts.values()) == {"good"}:
        return REFUSED, said
    names = (
        *names,
        "text",
        "expression",
        "prompt",
        "scores",
    )  # or it names what a text is, or repeats it
    named = any(re.search(rf"\b{name.rstrip('s')}s?\b", line, re.IGNORECASE) for name in names)
    if not named and not line.startswith("'"):
        return FOREIGN, f"names no argument: {said}"
    return None if re.search(ALLOWED, line) else (FOREIGN, f"does not say what is allowed: {said}")


def _is_ours(error):
    """Whether a statement ``raise`` of the library raised it."""
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    file = Path(code.co_filename)
    return any(map(file.is_relative_to, OURS)) and any(
        first <= trace.tb_lineno <= last for first, last in _raises(file)
    )


@functools.cache
def _raises(file):
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return [(node.lineno, node.end_lineno) for node in nodes if isinstance(node, ast.Raise)]


def _all_nan(result):
    try:
        return bool(np.isnan(np.asarray(result, dtype=float)).all())
    except (TypeError, ValueError):
        return False


def same(a, b):
    """Whether two results are the same, but for the time they took."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return _alike(a, b)
    if is_dataclass(a) and type(a) is type(b):
        names = [field.name for field in fields(a) if field.name not in ("seconds", "_relative")]
        return all(same(getattr(a, name), getattr(b, name)) for name in names)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, float | int | np.generic):
        return _alike(a, b)
    plain = isinstance(a, str | bytes | bool | None | type(...))
    return a == b if plain else type(a) is type(b)


def _alike(a, b):
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    if a.dtype == object or a.dtype.kind in "US" or b.dtype.kind in "US":
        return bool((a == b).all())
    return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc" and b.dtype.kind in "fc"))


# ---- a worker that can be killed -----------------------------------------------------------------


def _work(pipe, module):
    calls = importlib.import_module(module).CALLS
    pipe.send("ready")
    while (order := pipe.recv()) is not None:
        name, seed, first = order
        for odd in calls[name].trials(seed)[first:]:
            found = fault(calls[name], odd)
            pipe.send((found, {key: one.label for key, one in odd.items()}))
        pipe.send(None)


class Worker:
    """A process that makes calls, and is replaced when one of them has no end.

    ``module`` is imported there; its ``CALLS`` are calls by name.
    """

    def __init__(self, module, patience=PATIENCE):
        self.module, self.patience, self.process = module, patience, None

    def _start(self):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, self.module), daemon=True)
        self.process.start()
        theirs.close()
        self.watched = psutil.Process(self.process.pid)
        self.pipe.recv()  # what it imports takes longer than a call

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.join()
            self.process = None

    def faults(self, name, call, seed):
        """Make every trial of a call, and return the broken promises: (promise, odd, how)."""
        found, done = [], 0
        trials = call.trials(seed)
        while True:
            if not self.process:
                self._start()
            self.pipe.send((name, seed, done))
            while (answer := self._answer()) not in (None, SILENT):
                done += 1
                (fault, labels) = answer
                if fault:
                    found.append((fault[0], labels, fault[1]))
            if answer is None:
                return found
            labels = {key: one.label for key, one in trials[done].items()}
            found.append((SILENT, labels, f"after {self.patience:g} s of work"))
            done += 1
            self.stop()

    def _answer(self):
        """What the worker says; SILENT where it works too long, or has died."""
        try:
            begun = sum(self.watched.cpu_times()[:2])
            started = time.monotonic()
            while not self.pipe.poll(0.5):
                worked = sum(self.watched.cpu_times()[:2]) - begun
                if worked > self.patience or not self.process.is_alive():
                    return SILENT
                if time.monotonic() - started > 60 * self.patience:
                    return SILENT
            return self.pipe.recv()
        except (EOFError, psutil.NoSuchProcess):
            return SILENT
