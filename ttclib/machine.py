"""The machine: versions, processor, memory, and what it can do in a second."""

from __future__ import annotations

import math
import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

_GROUPS = Path("/proc/self/cgroup")
_LIMITS = Path("/sys/fs/cgroup")
_NAMES = ("memory.max", "memory.limit_in_bytes")  # versions 2 and 1


def versions(*packages: str) -> str:
    """One line with the Python version and those of ``packages``."""
    found = [f"Python {platform.python_version()}"]
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    return " · ".join(found)


def processor() -> str:
    """Name of the processor; nothing that names the machine."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def matrix_flops() -> float:
    """Floating-point operations a second in a float32 matrix product, the work of a language model.

    The best of five products. One of two size × size matrices counts 2 · size³ operations.
    """
    size = 768
    a = np.random.default_rng(0).standard_normal((size, size), dtype=np.float32)
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        _ = a @ a
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def memory_limit() -> float:
    """Bytes that a process may use here: the machine's memory, or the least limit of its groups.

    A container, a hub and Binder set such limits by Linux's control groups, of version 1 or 2.
    """
    if not hasattr(os, "sysconf"):
        return math.inf
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for line in _GROUPS.read_text().splitlines() if _GROUPS.exists() else []:
        _, kind, group = line.split(":", 2)
        inner = _LIMITS / kind / group.lstrip("/")
        files = [at / name for at in (inner, *inner.parents) for name in _NAMES]
        said = [file.read_text().strip() for file in files if file.is_file()]
        found += [int(limit) for limit in said if limit != "max"]
    return min(found)
