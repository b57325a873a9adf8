"""What goes between the check of an exercise and the answer, which runs in another process.

The two sides are not equal. The teacher's side sends pickles, which the side with the student's
code may as well open. What comes back is read with care: JSON and raw numbers, from which only
plain values, arrays and the library's own records are made. No class and no code of the other
side is ever loaded here.

A message is a frame: its length, then the bytes.
"""

import collections.abc
import dataclasses
import decimal
import dis
import fractions
import importlib
import io
import json
import marshal
import math
import pickle
import struct
import sys
import types

import numpy as np

LARGEST = 64_000_000  # bytes of one message
DEEPEST = 40  # values within values
MOST = 200_000  # values of one message, an array counted as one
LONGEST = 4_000  # digits of an integer, letters of what an error says


class Gone(BaseException):
    """The other side ended, or says what cannot be read. No check catches it as a mistake."""


# ---- frames --------------------------------------------------------------------------------------


def send(file, data):
    """Write one frame."""
    file.write(struct.pack(">Q", len(data)))
    file.write(data)
    file.flush()


def receive(file):
    """Read one frame."""
    head = file.read(8)
    if len(head) < 8:
        raise Gone("the process of the answer ended")
    (length,) = struct.unpack(">Q", head)
    if length > LARGEST:
        raise Gone(f"the answer gives more than {LARGEST // 1_000_000} MB at once")
    data = file.read(length)
    if len(data) < length:
        raise Gone("the process of the answer ended")
    return data


# ---- values, as the student's side writes them ---------------------------------------------------


class Written:
    """Values written down as JSON and raw numbers.

    Parameters
    ----------
    lend : callable
        ``lend(object)`` → the number under which an object that has no plain form is known.
    borrowed : callable
        ``borrowed(object)`` → the number of an object that came from the other side, else None.
    """

    def __init__(self, lend, borrowed):
        self.lend = lend
        self.borrowed = borrowed
        self.raw = []

    def value(self, x, depth=0):
        """Return the JSON of a value; its arrays are put aside."""
        if depth > DEEPEST:
            raise ValueError("values lie too deep within values")
        again = lambda part: self.value(part, depth + 1)  # noqa: E731
        if (number := self.borrowed(x)) is not None:
            return {"yours": number}
        if x is None or isinstance(x, bool | str):
            return x if type(x) in (bool, str, type(None)) else str.__str__(x)
        if x is ...:
            return {"blank": 1}
        if isinstance(x, int):
            return {"int": hex(int.__int__(x))}
        if isinstance(x, float) and not isinstance(x, np.generic):
            return {"float": float.hex(x)}
        if type(x) is fractions.Fraction:
            return {"fraction": [again(x.numerator), again(x.denominator)]}
        if type(x) is decimal.Decimal:
            return {"decimal": str(x)}
        if type(x) is complex:
            return {"complex": [x.real.hex(), x.imag.hex()]}
        if isinstance(x, bytes | bytearray):
            return {"bytes": self.put(bytes(x))}
        if isinstance(x, np.generic | np.ndarray):
            return self.array(x, again)
        torch = sys.modules.get("torch")
        if torch and isinstance(x, torch.Tensor):
            return {"tensor": self.array(x.detach().cpu().numpy(), again)}
        if isinstance(x, np.random.Generator):
            kind = type(x.bit_generator).__name__
            return {"generator": kind, "state": again(x.bit_generator.state)}
        if isinstance(x, range):
            return {"range": [x.start, x.stop, x.step]}
        if isinstance(x, slice):
            return {"slice": list(map(again, (x.start, x.stop, x.step)))}
        if record := recorded(x):
            return {"record": record[0], "fields": {k: again(v) for k, v in record[1].items()}}
        for kind in (tuple, list, set, frozenset):
            if isinstance(x, kind):
                return {kind.__name__: list(map(again, x))}
        if isinstance(x, dict):
            return {"dict": [[again(k), again(v)] for k, v in x.items()]}
        if isinstance(x, collections.abc.Iterator):
            listed = [again(part) for part, _ in zip(x, range(MOST), strict=False)]
            return {"iterator": listed}
        if isinstance(x, collections.abc.Mapping | collections.abc.KeysView):
            return again(dict(x) if isinstance(x, collections.abc.Mapping) else list(x))
        if isinstance(x, collections.abc.ValuesView | collections.abc.ItemsView):
            return again(list(x))
        kind = "function" if callable(x) else "object"
        return {kind: self.lend(x), "name": type(x).__name__[:80]}

    def array(self, x, again):
        """Return the JSON of an array or of one of NumPy's numbers."""
        kind = "number" if isinstance(x, np.generic) else "array"
        x = np.asarray(x)
        if x.dtype.kind in "biufc":
            plain = np.ascontiguousarray(x, dtype=x.dtype.newbyteorder("="))
            return {kind: x.dtype.str, "shape": list(x.shape), "raw": self.put(plain.tobytes())}
        listed = list(map(again, x.reshape(-1).tolist()))
        return {kind: "U" if x.dtype.kind == "U" else "O", "shape": list(x.shape), "list": listed}

    def put(self, data):
        """Put raw bytes aside and return their place."""
        self.raw.append(data)
        return len(self.raw) - 1

    def message(self, tree):
        """Return the bytes of a message whose values were written here."""
        text = json.dumps([tree, [len(part) for part in self.raw]]).encode()
        return struct.pack(">Q", len(text)) + text + b"".join(self.raw)


def recorded(x):
    """Return (name of its class, fields) of the library's own records, else None."""
    kind = type(x)
    if not kind.__module__.startswith("ttclib."):
        return None
    if hasattr(kind, "_fields"):
        return f"{kind.__module__}:{kind.__qualname__}", x._asdict()
    if dataclasses.is_dataclass(kind):
        fields = {f.name: getattr(x, f.name) for f in dataclasses.fields(kind)}
        return f"{kind.__module__}:{kind.__qualname__}", fields
    return None


# ---- values, as the teacher's side reads them ----------------------------------------------------


class Reader:
    """Values of a message, made of nothing but plain types, arrays and the library's records.

    Parameters
    ----------
    ours : callable
        ``ours(number)`` → an object that was lent to the other side.
    theirs : callable
        ``theirs(kind, number, name)`` → what stands for a function or an object of theirs.
    """

    def __init__(self, data, ours, theirs):
        self.ours, self.theirs = ours, theirs
        self.left = MOST
        try:
            (length,) = struct.unpack(">Q", data[:8])
            self.tree, sizes = json.loads(data[8 : 8 + length])
            self.raw = []
            at = 8 + length
            for size in sizes:
                self.raw.append(data[at : at + int(size)])
                at += int(size)
            if at != len(data) or any(int(size) < 0 for size in sizes):
                raise ValueError
        except (ValueError, TypeError, struct.error, RecursionError, OverflowError) as error:
            raise Gone("the process of the answer says what cannot be read") from error

    def value(self, tree):
        """Return a value; whatever is not as it should be ends the exchange."""
        try:
            return self.made(tree, 0)
        except Gone:
            raise
        except Exception as error:
            raise Gone("the process of the answer says what cannot be read") from error

    def made(self, tree, depth):
        """Return the value of one piece of JSON."""
        self.left -= 1
        if depth > DEEPEST + 2 or self.left < 0:
            raise ValueError
        again = lambda part: self.made(part, depth + 1)  # noqa: E731
        if tree is None or isinstance(tree, bool | str):
            return tree
        if type(tree) is not dict:
            raise ValueError
        kind, x = next(iter(tree.items()))
        if kind == "yours":
            return self.ours(int(x))
        if kind == "blank":
            return ...
        if kind == "int":
            if len(x) > LONGEST:
                raise ValueError
            return int(x, 16)
        if kind == "float":
            return float.fromhex(x)
        if kind == "fraction":
            return fractions.Fraction(*map(again, x))
        if kind == "decimal":
            return decimal.Decimal(x[:LONGEST])
        if kind == "complex":
            return complex(*map(float.fromhex, x))
        if kind == "bytes":
            return self.raw[int(x)]
        if kind in ("array", "number"):
            return self.array(tree, kind, again)
        if kind == "tensor":
            import torch

            return torch.from_numpy(self.array(x, "array", again).copy())
        if kind == "generator":
            if x not in ("PCG64", "MT19937", "Philox", "SFC64", "PCG64DXSM"):
                raise ValueError
            bits = getattr(np.random, x)()
            bits.state = again(tree["state"])
            return np.random.Generator(bits)
        if kind == "range":
            return range(*map(int, x))
        if kind == "slice":
            return slice(*map(again, x))
        if kind == "record":
            return record(x, {str(k): again(v) for k, v in tree["fields"].items()})
        if kind in ("tuple", "list", "set", "frozenset"):
            make = {"tuple": tuple, "list": list, "set": set, "frozenset": frozenset}[kind]
            return make([again(part) for part in x])
        if kind == "dict":
            return {again(k): again(v) for k, v in x}
        if kind == "iterator":
            return iter([again(part) for part in x])
        if kind in ("function", "object"):
            return self.theirs(kind, int(x), str(tree["name"])[:80])
        raise ValueError

    def array(self, tree, kind, again):
        """Return an array of numbers from raw bytes, or of objects from a list."""
        code = tree[kind]
        shape = tuple(int(n) for n in tree["shape"])
        if code in ("O", "U"):
            made = [again(part) for part in tree["list"]]
            array = np.empty(len(made), dtype=object)
            array[:] = made
            array = (array if code == "O" else array.astype(str)).reshape(shape)
        else:
            dtype = np.dtype(code)
            if dtype.kind not in "biufc" or math.prod(shape) > LARGEST:
                raise ValueError
            dtype = dtype.newbyteorder("=")
            array = np.frombuffer(self.raw[int(tree["raw"])], dtype).reshape(shape).copy()
        return array[()] if kind == "number" else array


def record(name, fields):
    """Make one of the library's records; its own checks of the fields are not run."""
    module, _, path = name.partition(":")
    if not module.startswith("ttclib.") or module not in sys.modules:
        raise ValueError
    kind = sys.modules[module]
    for part in path.split("."):
        kind = vars(kind)[part]
    if not isinstance(kind, type):
        raise ValueError
    if issubclass(kind, tuple) and set(fields) == set(kind._fields):
        return tuple.__new__(kind, [fields[name] for name in kind._fields])
    if not dataclasses.is_dataclass(kind) or set(fields) != {
        f.name for f in dataclasses.fields(kind)
    }:
        raise ValueError
    made = object.__new__(kind)
    for key, value in fields.items():
        object.__setattr__(made, key, value)
    return made


# ---- what the teacher's side lends ---------------------------------------------------------------


class Lender(pickle.Pickler):
    """A pickle of arguments. Functions stay here and are called back; arrays keep their number."""

    def __init__(self, file, lend):
        super().__init__(file, protocol=5)
        self.lend = lend

    def persistent_id(self, x):
        """Say which objects are not copied, or have to be compared afterwards."""
        handle = getattr(x, "ttc_handle", None) if isinstance(x, types.FunctionType) else None
        if handle is not None:
            return ("theirs", handle)
        if isinstance(x, np.ndarray) and x.dtype.kind in "biufc":
            return ("array", self.lend(x), x.dtype.str, x.shape, x.tobytes())
        if isinstance(x, np.random.Generator) and type(x) is np.random.Generator:
            bits = x.bit_generator
            return ("generator", self.lend(x), type(bits).__name__, bits.state)
        torch = sys.modules.get("torch")
        if torch and type(x) is torch.Tensor:
            return ("tensor", self.lend(x), x.detach().cpu().numpy(), x.requires_grad)
        if type(x) is list:
            return None
        if isinstance(x, types.FunctionType) and importable(x):
            return None
        if isinstance(x, types.FunctionType) and pure(x):
            cells = [cell.cell_contents for cell in x.__closure__ or ()]
            more = (x.__name__, x.__defaults__, x.__kwdefaults__, cells)
            return ("code", self.lend(x), marshal.dumps(x.__code__), x.__module__, *more)
        if isinstance(x, types.FunctionType | types.MethodType) or self.kept(x):
            return ("function", self.lend(x), getattr(x, "__name__", "given"))
        return None

    def kept(self, x):
        """Whether an object stays on this side because it counts what is asked of it."""
        if isinstance(x, types.BuiltinMethodType):
            return not isinstance(x.__self__, types.ModuleType | type | str | None)
        one_of_a_check = type(x).__module__.startswith("ttclib.course") and callable(x)
        return isinstance(x, types.GeneratorType) or one_of_a_check


WRITING = (
    "STORE_SUBSCR",
    "STORE_ATTR",
    "STORE_GLOBAL",
    "DELETE_SUBSCR",
    "DELETE_ATTR",
    "YIELD_VALUE",
)
SPEAKING = {"append", "extend", "add", "update", "pop", "insert", "mistake", "expect", "nonlocal"}
CONSTANT = (type(None), bool, int, float, complex, str, bytes, np.ndarray, np.generic)


def importable(function):
    """Whether the other side finds a function by its name; what a check defines stays here."""
    module = sys.modules.get(function.__module__)
    found = getattr(module, function.__name__, None) is function
    installed = (function.__module__ or "").partition(".")[0] in ("ttclib", "numpy", "torch")
    return found and installed and not function.__module__.endswith("checks")


def pure(function, depth=0):
    """Whether a function of the library only computes, so that a copy of it does the same.

    It writes nothing but its own variables, and what it reads from around it never changes.
    """
    if not (function.__module__ or "").startswith("ttclib.") or depth > 4:
        return False
    code = function.__code__
    free = set(code.co_freevars)
    for step in dis.get_instructions(code):
        if step.opname in WRITING or (step.opname == "STORE_DEREF" and step.argval in free):
            return False
    if SPEAKING & set(code.co_names) or any(isinstance(c, types.CodeType) for c in code.co_consts):
        return False
    around = [cell.cell_contents for cell in function.__closure__ or ()]
    around += [function.__globals__[n] for n in code.co_names if n in function.__globals__]
    around += list(function.__defaults__ or ())
    return all(
        isinstance(x, (*CONSTANT, types.ModuleType, type, types.BuiltinFunctionType, np.ufunc))
        or (isinstance(x, tuple) and all(isinstance(part, CONSTANT) for part in x))
        or (isinstance(x, types.FunctionType) and pure(x, depth + 1))
        for x in around
    )


def pickled(x, lend):
    """Pickle arguments for the other side."""
    file = io.BytesIO()
    Lender(file, lend).dump(x)
    return file.getvalue()


class Borrower(pickle.Unpickler):
    """The other end of :class:`Lender`, on the student's side."""

    def __init__(self, file, borrow, theirs):
        super().__init__(file)
        self.borrow, self.theirs = borrow, theirs

    def persistent_load(self, told):
        """Make what stands for an object of the teacher's side."""
        kind, number, *rest = told
        if kind == "theirs":
            return self.theirs(number)
        if kind == "array":
            dtype, shape, raw = rest
            made = np.frombuffer(raw, dtype).reshape(shape).copy()
        elif kind == "generator":
            name, state = rest
            bits = getattr(np.random, name)()
            bits.state = state
            made = np.random.Generator(bits)
        elif kind == "tensor":
            import torch

            made = torch.from_numpy(np.array(rest[0])).requires_grad_(rest[1])
        elif kind == "code":
            code, module, name, defaults, more, cells = rest
            known = vars(importlib.import_module(module))
            cells = tuple(map(types.CellType, cells))
            made = types.FunctionType(marshal.loads(code), known, name, defaults, cells)
            made.__kwdefaults__ = more
        else:
            made = None
        return self.borrow(kind, number, made, rest)
