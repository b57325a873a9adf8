"""The student's side of a check: runs the answer, and nothing of the check.

A small server beside the student's code. It is asked for the answer, then for calls of it. What it
says is never trusted: see :mod:`tools.classroom.wire`.
"""

import builtins
import io
import socket

import numpy as np

from tools.classroom import wire


class Told(Exception):
    """An error of the teacher's side, on its way through the student's code."""


class Side:
    """One end of the talk; ``channel`` is a connected socket."""

    def __init__(self, channel: socket.socket):
        self.reads, self.writes = channel.makefile("rb"), channel.makefile("wb")
        self.given = {}  # number → (object of the teacher, what it was when it was last compared)
        self.numbers = {}  # id → number
        self.lent = {}  # number → function or object of the student's
        self.stubs = {}  # number → what stands for a function of the teacher's

    # ---- values ---------------------------------------------------------------------------------

    def written(self):
        """Return a writer of values."""
        return wire.Written(self.lend, lambda x: self.numbers.get(id(x)))

    def lend(self, x):
        """Return the number of an object of ours."""
        number = len(self.lent)
        self.lent[number] = x
        return number

    def read(self, data):
        """Return the arguments in a pickle of the teacher's."""
        return wire.Borrower(io.BytesIO(data), self.borrow, self.lent.__getitem__).load()

    def borrow(self, kind, number, made, rest):
        """Keep what came from the teacher under its number."""
        if kind == "function":
            made = self.stubs.setdefault(number, self.stub(number, rest[0]))
        elif number in self.given:
            return self.given[number][0]
        self.given[number] = (made, wrapped(made))
        self.numbers[id(made)] = number
        return made

    def stub(self, number, name):
        """Return a function that calls one of the teacher's."""

        def call(*args, **kwargs):
            writer = self.written()
            tree = {"back": number, "args": writer.value(args), "kwargs": writer.value(kwargs)}
            luck = any(isinstance(x, np.random.Generator) for x in (*args, *kwargs.values()))
            tree["wrote"] = self.changes(writer, luck)
            wire.send(self.writes, writer.message(tree))
            return self.serve(nested=True)

        call.__name__ = name
        return call

    def changes(self, writer, luck=True):
        """Return what was written into arrays of the teacher, and generators if ``luck``."""
        wrote = []
        for number, (x, before) in self.given.items():
            if callable(x) or (isinstance(x, np.random.Generator) and not luck):
                continue
            now = wrapped(x)
            if now is not None and now != before:
                self.given[number] = (x, now)
                wrote.append([number, plainly(writer, x)])
        return wrote

    def update(self, news):
        """Take over what the teacher's side wrote meanwhile."""
        for number, value in news:
            x, _ = self.given[number]
            refill(x, value)
            self.given[number] = (x, wrapped(x))

    # ---- the talk -------------------------------------------------------------------------------

    def serve(self, nested=False):
        """Answer requests, until the result of a call back comes where one is waited for."""
        while True:
            word, *rest = self.read(wire.receive(self.reads))
            if word == "returned" and nested:
                value, news = rest
                self.update(news)
                return value
            if word == "raised" and nested:
                name, says, token = rest
                base = getattr(builtins, name, None)
                known = isinstance(base, type) and issubclass(base, Exception)
                error = named_error(name, says, base if known else Told)
                error.ttc_token = token
                raise error
            if word == "call":
                self.call(*rest)

    def call(self, handle, args, kwargs, held):
        """Call a function of the student's, and say what it gave or raised."""
        for number in held:  # lists, which are told apart by what is in them
            x = args[number[1]]
            self.given[number[0]] = (x, wrapped(x))
        try:
            result = self.lent[handle](*args, **kwargs)
            writer = self.written()
            tree = {"gave": gradients(self, writer, result)}
        except BaseException as error:  # also SystemExit: it ends no process here
            writer = self.written()
            tree = raised(error)
        tree["wrote"] = self.changes(writer)
        wire.send(self.writes, writer.message(tree))
        functions = {n: made for n, made in self.given.items() if callable(made[0])}
        self.given = functions
        self.numbers = {id(made[0]): n for n, made in self.given.items()}

    def say(self, get):
        """Say the answer itself, or what went wrong on the way to it."""
        writer = self.written()
        try:
            tree = {"gave": writer.value(get())}
        except BaseException as error:
            writer, tree = self.written(), raised(error)
        wire.send(self.writes, writer.message(tree))


def raised(error):
    """Return what is said of an error."""
    try:
        says = str(error)[: wire.LONGEST]
    except Exception:
        says = ""
    return {
        "raised": type(error).__name__[:80],
        "says": says,
        "token": getattr(error, "ttc_token", None),
    }


def named_error(name, says, base):
    """Make an error with this name and these words, whatever its base wants to be given."""
    kind = type(name, (base,), {"__str__": lambda self: says})
    return kind.__new__(kind)


def wrapped(x):
    """Return what an array, a tensor, a generator or a list is now, to see whether it changes."""
    if isinstance(x, np.ndarray):
        return x.tobytes() if x.dtype.kind in "biufc" else None
    if isinstance(x, np.random.Generator):
        return repr(x.bit_generator.state)
    if isinstance(x, list | dict):
        return repr(x)
    if type(x).__name__ == "Tensor":
        return x.detach().numpy().tobytes()
    return None


def plainly(writer, x):
    """Write what is in an object of the teacher's, not that it is the teacher's."""
    borrowed, writer.borrowed = writer.borrowed, lambda _: None
    try:
        return writer.value(x)
    finally:
        writer.borrowed = borrowed


def refill(x, value):
    """Put new values into an object."""
    if isinstance(x, np.random.Generator):
        x.bit_generator.state = value.bit_generator.state
    elif isinstance(x, np.ndarray):
        np.copyto(x, value)
    elif isinstance(x, list):
        x[:] = value
    elif isinstance(x, dict):
        x.clear()
        x.update(value)
    elif type(x).__name__ == "Tensor":
        x.detach().copy_(value)


def gradients(side, writer, result):
    """Write a result; of a tensor that can be differentiated also how it changes."""
    if type(result).__name__ != "Tensor" or not result.requires_grad:
        return writer.value(result)
    import torch

    wanted = {
        number: x
        for number, (x, _) in side.given.items()
        if type(x).__name__ == "Tensor" and x.requires_grad
    }
    slopes = {}
    if result.ndim == 0 and wanted:
        found = torch.autograd.grad(result, list(wanted.values()), allow_unused=True)
        slopes = {n: slope for n, slope in zip(wanted, found, strict=True) if slope is not None}
    tree = {"tensor": writer.array(result.detach().numpy(), writer.value)}
    told = [[number, writer.value(slope)] for number, slope in slopes.items()]
    return {"slopes": told, "of": tree}
