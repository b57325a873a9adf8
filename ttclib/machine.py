"""The machine: versions, processor, memory, and what it can do in a second."""

from __future__ import annotations

import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np


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


def memory() -> dict[str, float]:
    """Gigabytes of memory: ``total``, ``available``, and ``used`` by this notebook's process."""
    try:
        import psutil
    except ModuleNotFoundError as error:
        line = "the size of the memory needs psutil: pip install 'ttclib[course]'"
        raise ModuleNotFoundError(line) from error
    system = psutil.virtual_memory()
    mine = psutil.Process().memory_info().rss
    return {"total": system.total / 1e9, "available": system.available / 1e9, "used": mine / 1e9}
