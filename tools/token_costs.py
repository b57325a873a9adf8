"""What notebook 14 shows: seconds and bytes of a token in several mixers, against the context."""

from tools.artefact import Artefact, digest, kept_json, write_rows

PLAN = {
    "width": 64,
    "heads": 2,
    "chunk": 64,
    "lengths": [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384],
    "rounds": 3,
    "least": 0.1,  # seconds that a contender gets in a round
    "longest": {  # texts; what holds n × n scores would need 8 GB for the next
        "training": {"attention": 8192, "retention": 8192, "retention, steps": 1024},
        "generation": {"attention, no cache": 8192},
    },
}


def measure(job):
    """Time all contenders in turn at each length, and count the bytes that each holds at most."""
    import torch

    from ttclib.course.what_a_token_costs import measuring

    torch.set_num_threads(1)
    plan = job.settings
    sizes = [plan["width"], plan["heads"], plan["chunk"]]

    def at(form, length):
        longest = plan["longest"][form]
        names = [n for n in measuring.CONTENDERS[form] if length <= longest.get(n, length)]
        rows = []
        with torch.set_grad_enabled(form == measuring.TRAINING):
            runs = {name: measuring.run_of(form, name, length, *sizes) for name in names}
            held = {name: measuring.peak_bytes(run) for name, run in runs.items()}  # warms up, too
            for turn in range(plan["rounds"]):
                for name, run in runs.items():
                    row = {"form": form, "mixer": name, "length": length, "round": turn}
                    seconds = measuring.seconds_of(run, plan["least"])
                    rows.append(row | {"seconds": seconds, "bytes": held[name]})
        return rows

    rows = []
    for form in measuring.CONTENDERS:
        for length in plan["lengths"]:
            file = job.work / f"{form}-{length}.json"
            rows += kept_json(file, lambda f=form, n=length: at(f, n), digest([plan, form, length]))
            print(f"{form}, {length} tokens", flush=True)
    write_rows(job.folder / "costs.parquet", rows)


ARTEFACTS = (
    Artefact(
        "token-costs",
        "seconds and bytes of a token in several mixers, in training and generation",
        measure,
        PLAN,
    ),
)
