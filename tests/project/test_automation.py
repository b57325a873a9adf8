"""What runs by itself, before a commit and on a host, calls what is there."""

import os
import shlex

import yaml

import course


def test_a_commit_is_checked_by_parts_of_the_tests_and_needs_no_network():
    text = (course.ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    for repository in yaml.safe_load(text)["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            assert hook["language"] == "system" and "additional_dependencies" not in hook
            python, script, command, flag, parts = shlex.split(hook["entry"])
            assert (python, command, flag) == ("python3", "test", "--only")
            assert (course.ROOT / script).resolve() == course.ROOT / "course.py"
            assert set(parts.split(",")) <= course.PARTS.keys()


def test_the_hosted_checks_are_the_same_file_that_runs_anywhere():
    text = (course.ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    (job,) = yaml.safe_load(text)["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands == [".ci/run"]
    assert os.access(course.ROOT / ".ci/run", os.X_OK)
    oldest = ".".join(map(str, course.OLDEST))
    assert job["strategy"]["matrix"]["python"][0] == oldest
