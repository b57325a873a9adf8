"""Bills and votes of notebook 16, on a record that is written down by hand."""

from own_record import texts, write

from ttclib.course.your_own_model import record, stories


def test_answers_and_scores():
    one = texts()
    assert one.answers == [8, 9, 8, 6] and one.right.tolist() == [False, True, False, False]
    assert one.scores(stories.sums_hold).tolist() == [0.01, 1, 0.01, 1]
    assert one.scores(stories.numbers_follow).tolist() == [0.01, 1, 0.01, 0.01]


def test_votes_over_all_parts():
    one = texts()
    assert [record.voted(one, n) for n in (1, 2, 4)] == [0.25, 0, 0]  # of ties the first
    weights = one.scores(stories.numbers_follow)
    assert [record.voted(one, n, weights) for n in (1, 2, 4)] == [0.25, 0.5, 1]


def test_the_prompt_is_paid_once():
    assert [record.bill(texts(), n) for n in (1, 2, 4)] == [110, 120, 140]
    assert record.bill(texts(), 2, 2) == 120


def test_who_stops_pays_for_what_was_written():
    one = texts()
    scores = one.scores(stories.numbers_follow)
    right, flops = record.stopped(one, 4, scores)
    assert (right, flops) == (1, 120)
    right, flops = record.stopped(one, 2, scores)  # the first two, and the last two in vain
    assert (right, flops) == (0.5, 120)
    right, flops = record.stopped(one, 1, scores)
    assert (right, flops) == (0.25, 110)


def test_every_method_has_its_line(tmp_path):
    lines = {line.name: line for line in record.lines(record.read(write(tmp_path)))}
    assert lines["majority"].right[:, 0].tolist() == [0.25, 0, 0, 0, 0]
    assert lines["best of N, numbers"].right[:, 0].tolist() == [0.25, 0.5, 1, 1, 1]
    judge = lines["best of N, the model as judge"]
    assert judge.right[:, 1].tolist() == [0.25, 0.5, 1, 1, 1]
    assert judge.flops[:, 0].tolist() == [110 + 50, 120 + 100, 140 + 200, 180 + 400, 260 + 800]
    beam = lines["beam, numbers"]
    assert beam.budgets == (4,) and beam.right.tolist() == [[1, 1]]
    assert beam.flops.tolist() == [[140, 140]]
    assert lines["greedy"].right.tolist() == [[0, 0]]
    stop = lines["stop at the first good one, numbers"]
    assert stop.right[2:, 0].tolist() == [1, 1, 1] and stop.flops[4, 0] == 120
