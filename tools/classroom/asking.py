"""The teacher's side of a check: the check runs here, and calls an answer that runs elsewhere."""

import builtins
import signal
import socket
import sys
import time

import numpy as np

from tools.classroom import wire
from tools.classroom.answering import named_error, refill, wrapped


class OutOfTime(BaseException):
    """An answer took longer than it may. No check catches it as a mistake."""


class Asked(Exception):
    """An error in the student's code, known by name."""


class Session:
    """One answer, in another process.

    Parameters
    ----------
    channel : socket.socket
        Connected to a :class:`tools.classroom.answering.Side`.
    seconds : float
        How long all of it may take.
    """

    def __init__(self, channel: socket.socket, seconds: float):
        self.channel = channel
        self.reads, self.writes = channel.makefile("rb"), channel.makefile("wb")
        self.ends = time.monotonic() + seconds
        self.lent = {}  # number → (object, what it was)
        self.numbers = {}  # id → number
        self.functions = {}  # id → number, of what is lent for good
        self.raised = {}  # token → an error of ours that went through the student's code
        self.count = 0

    # ---- values ---------------------------------------------------------------------------------

    def lend(self, x):
        """Return the number under which the other side knows an object of ours."""
        known = self.functions if callable(x) else self.numbers
        if id(x) not in known:
            self.count += 1
            known[id(x)] = self.count
            self.lent[self.count] = (x, wrapped(x))
        return known[id(x)]

    def ours(self, number):
        """Return an object of ours by its number."""
        return self.lent[number][0]

    def theirs(self, kind, number, name):
        """Return what stands for a function of theirs; an object of theirs has no use here."""
        if kind == "object":
            return Foreign(name)

        def answer(*args, **kwargs):
            return self.call(number, args, kwargs)

        answer.ttc_handle = number
        return answer

    def said(self):
        """Read one message: (reader, tree)."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise OutOfTime
        self.channel.settimeout(left)
        try:
            reader = wire.Reader(wire.receive(self.reads), self.ours, self.theirs)
        except TimeoutError:
            raise OutOfTime from None
        except OSError as error:
            raise wire.Gone("the process of the answer ended") from error
        if not isinstance(reader.tree, dict):
            raise wire.Gone("the process of the answer says what cannot be read")
        return reader, reader.tree

    def tell(self, *words):
        """Send one message."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise OutOfTime
        self.channel.settimeout(left)
        try:
            wire.send(self.writes, wire.pickled(words, self.lend))
        except TimeoutError:
            raise OutOfTime from None
        except OSError as error:
            raise wire.Gone("the process of the answer ended") from error

    # ---- the talk -------------------------------------------------------------------------------

    def answer(self):
        """Return the answer, once the student's cell has run."""
        return self.result(*self.said())

    def call(self, handle, args, kwargs):
        """Call a function of the student's."""
        before = set(self.numbers)
        held = []
        for place, x in enumerate(args):
            if type(x) in (list, dict):
                held.append((self.lend(x), place))
        self.tell("call", handle, args, kwargs, held)
        try:
            while True:
                reader, tree = self.said()
                self.update(reader, tree.get("wrote", []))
                if "back" not in tree:
                    return self.result(reader, tree)
                self.called_back(reader, tree)
        finally:
            for known in set(self.numbers) - before:
                del self.lent[self.numbers.pop(known)]

    def called_back(self, reader, tree):
        """Call a function of ours for the student's code."""
        args, kwargs = (reader.value(tree.get(name)) for name in ("args", "kwargs"))
        function = reader.value({"yours": tree["back"]})
        if not callable(function) or type(args) is not tuple or type(kwargs) is not dict:
            raise wire.Gone("the process of the answer says what cannot be read")
        try:
            value = function(*args, **kwargs)
        except Exception as error:
            token = len(self.raised)
            self.raised[token] = error
            self.tell("raised", type(error).__name__, str(error), token)
            return
        news = []
        luck = any(isinstance(x, np.random.Generator) for x in (*args, *kwargs.values()))
        for number, (x, was) in self.lent.items():
            if callable(x) or (isinstance(x, np.random.Generator) and not luck):
                continue
            now = wrapped(x)
            if now != was:
                self.lent[number] = (x, now)
                news.append((number, Copied(x)))
        self.tell("returned", value, [(number, copied.x) for number, copied in news])

    def update(self, reader, wrote):
        """Take over what the student's code wrote into objects that it was given."""
        if not isinstance(wrote, list):
            raise wire.Gone("the process of the answer says what cannot be read")
        for entry in wrote:
            try:
                number, tree = entry
                x, _ = self.lent[number]
                refill(x, reader.value(tree))
                self.lent[number] = (x, wrapped(x))
            except wire.Gone:
                raise
            except Exception as error:
                raise wire.Gone("the process of the answer says what cannot be read") from error

    def result(self, reader, tree):
        """Return what a message gives, or raise what it raises."""
        if "raised" in tree:
            if tree.get("token") in self.raised:
                raise self.raised[tree["token"]]
            name, says = str(tree["raised"])[:80], str(tree.get("says", ""))[: wire.LONGEST]
            raise error_of(name, says)
        if "gave" not in tree:
            raise wire.Gone("the process of the answer says what cannot be read")
        gave = tree["gave"]
        if isinstance(gave, dict) and "slopes" in gave:
            return self.tensor(reader, gave)
        return reader.value(gave)

    def tensor(self, reader, gave):
        """Return a tensor with the slopes that the other side found for it."""
        import torch

        value = reader.value(gave["of"])
        slopes = []
        for number, tree in gave["slopes"]:
            x = reader.value({"yours": number})
            slope = reader.value(tree)
            if not isinstance(x, torch.Tensor) or slope.shape != x.shape:
                raise wire.Gone("the process of the answer says what cannot be read")
            slopes.append((x, slope.to(x.dtype)))
        if not slopes:
            return value.requires_grad_()
        # a value with exactly these slopes; what is added is zero
        return value + sum(((x - x.detach()) * slope).sum() for x, slope in slopes)


class Copied:
    """An object that is sent as it stands."""

    def __init__(self, x):
        self.x = x


class Foreign:
    """An object of the student's that is neither a value nor a function."""

    def __init__(self, name):
        self.name = name if name.isidentifier() else "object"

    def __repr__(self):
        return f"<{self.name}>"


def error_of(name, says):
    """Make the error that the student's code raised, with its words."""
    if not name.isidentifier():
        name = "Exception"
    base = np.linalg.LinAlgError if name == "LinAlgError" else getattr(builtins, name, None)
    known = isinstance(base, type) and issubclass(base, Exception)
    if name == "SystemExit":
        base, known = SystemExit, True
    return named_error(name, says, base if known else Asked)


def judge(check, answer, blanks):
    """Return the verdict of a check over an answer that runs elsewhere.

    ``blanks`` is how many ``...`` the source of the answer has: here there is no source.
    """
    from ttclib import exercise

    seen = exercise._blanks_left
    exercise._blanks_left = lambda yours: blanks if callable(yours) else seen(yours)
    try:
        return check(answer)
    finally:
        exercise._blanks_left = seen


def alarm(seconds):
    """End what this process does after so many seconds, in a way that no check catches."""

    def ring(*_):
        raise OutOfTime

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)


if "torch" in sys.modules:
    sys.modules["torch"].set_num_threads(1)
