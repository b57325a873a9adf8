"""A doubt weighs what casting out nines finds wrong."""

import numpy as np
import pytest

from ttclib.course.smc_decoding.doubt import doubt
from ttclib.lm.vocabulary import Vocabulary


def test_doubt_weighs_each_failure():
    vocabulary = Vocabulary.characters()
    texts = ["17-9=7;8*12=95;#95", "17-9=8;8*12=96;#96"]
    rows = [vocabulary.encode(text) + [vocabulary.end] for text in texts]
    tokens, lengths = np.array(rows), np.array([len(row) for row in rows])
    feature = doubt(vocabulary, penalty=3.0)
    assert feature.log_final(tokens, lengths).tolist() == [-6.0, 0.0]
    assert feature.log_value(tokens, np.array([7, 5])).tolist() == [-3.0, 0.0]
    with pytest.raises(ValueError, match="penalty"):
        doubt(vocabulary, 0)
