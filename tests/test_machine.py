"""What a machine may give: the limits that a container, a hub or Binder sets."""

import os

import pytest

from ttclib import machine
from ttclib.course.start_here import figures

WHOLE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
SMALL, SMALLER = WHOLE // 4, WHOLE // 8
NONE = 9223372036854771712  # what version 1 says where there is no limit

# what /proc/self/cgroup says, files under /sys/fs/cgroup, and the limit
GROUPS = {
    "no groups": (None, {}, WHOLE),
    "no limit": ("0::/\n", {"memory.max": "max\n"}, WHOLE),
    "version 2, a container": ("0::/\n", {"memory.max": f"{SMALL}\n"}, SMALL),
    "version 2, a unit of a hub": (
        "0::/system.slice/jupyter-mia.service\n",
        {
            "system.slice/jupyter-mia.service/memory.max": f"{SMALLER}\n",
            "system.slice/memory.max": f"{SMALL}\n",
        },
        SMALLER,
    ),
    "version 2, a group around it": (
        "0::/class/mia\n",
        {"class/mia/memory.max": "max\n", "class/memory.max": f"{SMALL}\n"},
        SMALL,
    ),
    "version 1": (
        "5:cpu:/mia\n4:memory:/mia\n0::/\n",
        {"memory/mia/memory.limit_in_bytes": f"{SMALL}\n"},
        SMALL,
    ),
    "version 1, seen from within": (
        "4:memory:/docker/8f3a\n",
        {"memory/memory.limit_in_bytes": f"{SMALL}\n"},
        SMALL,
    ),
    "version 1, no limit": (
        "4:memory:/\n",
        {"memory/memory.limit_in_bytes": f"{NONE}\n"},
        WHOLE,
    ),
}


@pytest.mark.parametrize("name", GROUPS)
def test_the_memory_is_what_the_groups_of_the_process_allow(name, tmp_path, monkeypatch):
    said, files, limit = GROUPS[name]
    own = tmp_path / "own"
    if said:
        own.write_text(said)
    for file, text in files.items():
        place = tmp_path / "groups" / file
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    monkeypatch.setattr(machine, "_GROUPS", own)
    monkeypatch.setattr(machine, "_LIMITS", tmp_path / "groups")
    assert machine.memory_limit() == limit
    found = figures.memory()
    assert found["total"] == limit / 1e9
    assert found["available"] <= limit / 1e9 - found["used"] + 1e-9
