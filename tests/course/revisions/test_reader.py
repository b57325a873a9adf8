"""Models that read attempts are the course's own, with a longer context."""

import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ttclib.artefacts import path
from ttclib.course.revisions.attempts import CONTEXT
from ttclib.course.revisions.reader import load_reader, read_reader
from ttclib.lm import models


def test_it_computes_what_the_model_does_and_has_room_for_attempts():
    lm = load_reader("lab-small")
    plain = models.load("lab-small")
    assert lm.context == CONTEXT > plain.context
    prompt = [lm.vocabulary.encode("12+34?")]
    laws = [each.start(prompt, 20).log_probs for each in (lm, plain)]
    assert np.array_equal(*laws)


def test_another_model_is_refused_in_one_line(tmp_path):
    shutil.copytree(path("lab-small"), tmp_path / "other")
    config = tmp_path / "other" / "config.json"
    config.write_text(config.read_text().replace('"silu"', '"gelu"'))
    with pytest.raises(ValueError, match=r"^.*other holds no model of the course; .*$"):
        read_reader(tmp_path / "other")
