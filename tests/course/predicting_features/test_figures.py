"""Pictures of notebook 15: what they draw, and the numbers beside it."""

import numpy as np
import pytest
from drawings import Drawing, Sheet, bands, numbers_of

torch = pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from ttclib.course.predicting_features import collapse, figures
from ttclib.course.predicting_features import two_numbers as two
from ttclib.course.predicting_features.worlds import World


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    monkeypatch.setattr(figures, "Picture", Sheet)


def clips(share=0.5):
    return World("white", share).clips(3, torch.Generator().manual_seed(2))


def test_the_cross_is_where_the_shape_is():
    known = {"clear": clips(0.0), "noisy": clips(0.9)}
    sheet = figures.film_picture(known)
    axes = np.array(sheet.fig.axes).reshape(2, 8)
    for row, one in zip(axes, known.values(), strict=True):
        for frame, ax in enumerate(row):
            (image,) = ax.images
            assert np.asarray(image.get_array()) == pytest.approx(one.video[0, frame].numpy())
            cross, arrow = ax.lines
            place = one.position[0, frame].numpy()
            assert numbers_of(cross)[0] == pytest.approx(place[::-1])
            way = np.diff(numbers_of(arrow), axis=0)[0]
            assert way == pytest.approx(2 * one.velocity[0, frame].numpy()[::-1], abs=1e-5)
    # without a background the brightest pixel is the cross's
    bright = np.unravel_index(known["clear"].video[0, 4].numpy().argmax(), (16, 16))
    assert np.abs(known["clear"].position[0, 4].numpy() - bright).max() <= 0.5
    first = ", ".join(f"{x:.1f}" for x in known["clear"].position[0, 0])
    assert f"clear: from ({first}) to (" in sheet.text


def test_what_is_hidden_is_covered():
    masks = {"one": np.array([0, 22, 63]), "none": np.array([], dtype=int)}
    sheet = figures.masks_picture(clips().video[0].numpy(), masks, 4, 2)
    axes = np.array(sheet.fig.axes).reshape(2, 4)
    covered = []
    for time, ax in enumerate(axes[0]):
        for patch in ax.collections:
            corner = patch.get_paths()[0].vertices.min(axis=0) + 0.5
            covered.append(16 * time + 4 * int(corner[1] // 4) + int(corner[0] // 4))
    assert covered == [0, 22, 63] and not axes[1, 0].collections
    assert sheet.text == "masks: one: 3 of 64 patches hidden; none: 0 of 64 patches hidden"


def shot(step, size, loss):
    features = size * np.random.default_rng(step).normal(size=(50, 8)).astype(np.float32)
    return collapse.Snapshot(step, loss, size, 8 * size, 0.5, 0.2, 0.4, features)


def test_the_cloud_shrinks_on_axes_that_stay():
    shots = [shot(0, 1.0, 0.9), shot(10, 0.1, 0.05)]
    view = figures.collapse_view(shots, np.linspace(0, 1, 50))
    reach = []
    for one in shots:
        text = view.at(step=one.step)
        assert text.startswith(f"step {one.step}: loss {one.loss:.4f}, spread {one.spread:.4f}, ")
        cloud = view.fig.axes[0].collections[-1]
        points = np.asarray(cloud.get_offsets())
        reach.append(np.abs(points).max())
        assert np.asarray(cloud.get_array()) == pytest.approx(np.linspace(0, 1, 50))
        stars = [numbers_of(line)[0, 1] for line in view.moving(1)[1:]]
        assert stars == pytest.approx([one.loss, one.spread])
        (_, rank) = view.moving(2)
        assert numbers_of(rank)[0] == pytest.approx([one.step, one.rank])
    assert reach[1] < 0.3 * reach[0] < 0.3 * view.fig.axes[0].get_xlim()[1]


def test_two_directions_hold_the_most_of_the_variance():
    features = np.random.default_rng(0).normal(size=(200, 5)) * [5, 3, 1, 1, 0.1]
    points = figures.principal(features)
    values = np.sort(np.linalg.eigvalsh(np.cov(features.T)))[::-1]
    assert points.var(axis=0, ddof=1) == pytest.approx(values[:2])
    assert figures.principal(features + 7) == pytest.approx(points)


@pytest.mark.parametrize("case", figures.CASES)
def test_training_runs_along_the_exact_curve_where_there_is_one(case):
    how, momentum = case
    view = figures.two_numbers_view()
    steps = round(figures.TIME / figures.RATE)
    for rho in figures.RHOS:
        text = view.at(case=case, rho=rho)
        ends = [
            two.descend(start, rho, how, momentum, rate=figures.RATE, steps=steps).w[-1]
            for start in figures.STARTS
        ]
        assert text.endswith("w is " + ", ".join(f"{w:.2f}" for w in ends))
        dashed = [line for line in view.moving(1) if line.get_linestyle() == "--"]
        plain = [line for line in view.moving(1) if line.get_linestyle() == "-"]
        assert len(plain) == 4 and len(dashed) == 4 * (how in (two.NEITHER, two.STOP))
        for trained, exact in zip(plain, dashed, strict=False):
            at, w = numbers_of(exact).T
            time, found = numbers_of(trained).T
            seen = at <= time[-1]
            assert np.interp(at[seen], time, found) == pytest.approx(w[seen], abs=0.02)


def test_what_survives_lies_on_the_line():
    sheet = figures.survival_picture((0.04,))
    line, dots = sheet.fig.axes[0].lines[:2]
    rho, left = numbers_of(line).T
    for at, w in numbers_of(dots):
        if abs(at**2 - 0.16) > 0.01:  # at the border itself it takes very long
            assert w == pytest.approx(np.interp(at, rho, left), abs=0.02)


def test_how_long_momentum_waits():
    sheet = figures.pace_picture((0.0, 0.5, 0.9))
    plain, adam, exact = map(numbers_of, sheet.fig.axes[0].lines)
    assert plain == pytest.approx(exact, rel=0.02)
    assert np.ptp(adam[:, 1]) < 0.1 * adam[0, 1]
    assert f"gradient descent: {plain[0, 1]:,.0f}, " in sheet.text


def made_record(seeds=3):
    """Made up: each measure of each run is told apart by its numbers."""
    kinds = [(two.NEITHER, 0.0), (two.STOP, 0.0)]
    kinds += [(how, m) for how in (two.MOMENTUM, two.BOTH) for m in (0.9, 0.99)]
    columns = {name: [] for name in ("how", "momentum", "optimiser", "seed", "step")}
    columns |= {name: [] for name in collapse.MEASURES}
    for kind, (how, momentum) in enumerate(kinds):
        for seed in range(seeds):
            for step in (0, 100, 400):
                fixed = (how, momentum, two.ADAM, seed, step)
                for name, value in zip(columns, fixed, strict=False):
                    columns[name].append(value)
                fall = np.exp(-step / 80) if how == two.NEITHER else 1.0
                for i, name in enumerate(collapse.MEASURES):
                    columns[name].append((0.1 + 0.1 * kind + 0.01 * seed + 0.001 * i) * fall)
    table = {name: np.array(values) for name, values in columns.items()}
    rival = {"seed": np.arange(seeds), "position": np.full(seeds, 0.4), "velocity": np.zeros(seeds)}
    return collapse.Record(table, rival)


def test_bands_over_seeds():
    record = made_record()
    view = figures.cures_view(record)
    assert view.settings["momentum"].options == (0.0, 0.9, 0.99)
    for momentum in record.momenta:
        text = view.at(momentum=momentum)
        for ax, name in enumerate(("loss", "spread", "rank")):
            medians = [numbers_of(line) for line in view.moving(ax)]
            assert len(medians) == 4 and len(bands(view.fig.axes[ax])) == 4
            for how, found in zip(two.HOWS, medians, strict=True):
                start = int(name == "loss")
                wanted = np.median(record.run(how, momentum)[name], axis=0)[start:]
                assert found[:, 1] == pytest.approx(wanted)
                assert found[:, 0].tolist() == [0, 100, 400][start:]
        ends = [np.median(record.run(two.NEITHER)[name][:, -1]) for name in ("loss", "spread")]
        assert f"neither {ends[0]:.3f}, {ends[1]:.4f}, 0.0, 3 of 3 collapsed" in text
        lost = 3 if momentum == 0 else 0  # it is neither
        assert f"{lost} of 3 collapsed; both" in text


def test_rivals_stand_in_one_picture():
    record = made_record()
    sheet = figures.probe_picture(record, collapse.OfPixels((0.9, 0.6), (0.95, 0.75)))
    for ax, pixels, ceiling in zip(sheet.fig.axes, (0.9, 0.6), (0.95, 0.75), strict=True):
        upright = [line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1]
        assert pixels in upright and ceiling in upright
    labels = [tick.get_text() for tick in sheet.fig.axes[0].get_yticklabels()]
    assert labels == ["no training", "predicts pixels", *two.HOWS]
    middle = np.median(record.run(two.BOTH)["position"][:, -1])
    assert "predicts pixels 0.40" in sheet.text and f"both {middle:.2f}; pixels 0.90" in sheet.text
