"""A language model over HTTP: what it says, what it leaves out, and what can go wrong on the way.

Models of a few lines are served from a thread: their numbers are the same to the last bit on both
sides. The course's model is served from a process of its own, as a learner does it.
"""

import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import psutil
import pytest
from letters import Letters
from tiny_lm import TinyLM

from ttclib.course.your_own_model import endpoint
from ttclib.course.your_own_model.endpoint import Endpoint
from ttclib.lm import samplers
from ttclib.lm.decoding import sample
from ttclib.lm.vocabulary import Vocabulary
from ttclib.particles.smc import keep_all, resample, smc
from ttclib.search.search import Search
from ttclib.search.selections import beam
from ttclib.testing import check_language_model

torch = pytest.importorskip("torch")
from tiny_transformers import tiny
from tiny_verifiers import opinion

from ttclib.course.your_own_model import serve
from ttclib.lm.arithmetic import TASK
from ttclib.lm.models import load
from ttclib.search.models import load_verifier

LETTERS = TinyLM(6, seed=3, zeros=0.2)
PROMPTS = ["abc", "f", "deed"]


@contextmanager
def running(server):
    """Run a server in a thread, and give its address."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def letters():
    with running(serve.server(LETTERS, "letters")) as url:
        yield url


@pytest.fixture(scope="module")
def lab():
    with serve.Served("lab-small", most=21) as served:
        yield served


def on(url, lm=LETTERS, name="letters", **options):
    return Endpoint(url, name, lm.vocabulary, lm.context, **options)


def top_k(k):
    """Keep the k likeliest tokens."""

    def keep(log_probs):
        least = np.sort(log_probs, axis=1)[:, [-k]]
        return samplers.renormalise(np.where(log_probs >= least, log_probs, -np.inf))

    return keep


# ---- the same model ------------------------------------------------------------------------------


def test_an_endpoint_keeps_the_promises_of_a_language_model(letters, lab):
    check_language_model(on(letters), PROMPTS)
    check_language_model(on(lab.url, load("lab-small"), "lab-small", top=21), ["1+2*3?", "7?"])


@pytest.mark.parametrize("top", [7, 3])
def test_it_is_the_served_model_cut_to_its_likeliest_tokens(letters, top, seed):
    """With all of them nothing is cut; the texts and what they cost are those of the model."""
    rng = np.random.default_rng(seed)
    options = {"max_tokens": 20}
    far = sample(on(letters, top=top), PROMPTS, 30, rng, **options).particles
    rng = np.random.default_rng(seed)
    here = sample(LETTERS, PROMPTS, 30, rng, sampler=top_k(top), **options).particles
    assert np.array_equal(far.tokens, here.tokens)
    assert far.log_p == pytest.approx(here.log_p, abs=1e-12)
    assert np.array_equal(far.paid[:, :2], here.paid[:, :2])


@pytest.mark.parametrize("select", [keep_all, beam(2), resample("systematic")])
def test_searches_run_on_it_unchanged(letters, select, seed):
    found = []
    for lm in (on(letters), LETTERS):
        search = Search(lm, Letters("b"), PROMPTS[:2], opinion, max_tokens=16)
        *_, last = smc(search, 12, select, np.random.default_rng(seed))
        found.append((search.texts(last.particles), last.log_weights, last.spent.lm_positions))
    (texts, weights, positions), (same, as_heavy, as_many) = found
    assert texts == same and positions == as_many
    assert weights == pytest.approx(as_heavy, abs=1e-12)


@pytest.mark.parametrize("top", [1, 3, 7])
def test_the_lost_mass_is_stated(letters, top):
    lm = on(letters, top=top)
    session = lm.start(list(map(LETTERS.vocabulary.encode, PROMPTS)), 30)
    exact = np.array([LETTERS.distribution(tuple(LETTERS.vocabulary.encode(p))) for p in PROMPTS])
    lost = 1 - np.sort(exact, axis=1)[:, -top:].sum(axis=1)
    assert lm.usage.lost == pytest.approx(lost.mean(), abs=1e-12)
    assert lm.usage.worst == pytest.approx(lost.max(), abs=1e-12)
    assert (np.isfinite(session.log_probs).sum(axis=1) <= top).all()
    assert np.exp(session.log_probs).sum(axis=1) == pytest.approx(1)
    session.feed(session.rows[:1], [0])
    (after,) = [LETTERS.distribution((*LETTERS.vocabulary.encode("abc"), 0))]
    lost = [*lost, 1 - np.sort(after)[-top:].sum()]
    assert lm.usage.lost == pytest.approx(np.mean(lost), abs=1e-12)  # over all rows so far


def test_usage_counts_what_is_sent_and_a_cost_what_a_server_has_to_feed(letters):
    lm = on(letters, parameters=1000)
    session = lm.start([[0, 1, 2], [3]], 30)
    assert (session.positions, session.flops.tolist()) == (4, [6000, 2000])
    session.feed([0, 0, 1], [1, 2, 3])
    assert (session.positions, session.flops.tolist()) == (3, [2000, 2000, 2000])
    assert (lm.usage.requests, lm.usage.rows, lm.usage.sent) == (2, 5, 4 + 4 + 4 + 2)
    assert on(letters).start([[0]], 30).flops == 0  # unknown


def test_the_course_s_model_in_a_process_of_its_own(lab):
    """It computes each text anew, in single precision."""
    lm = load("lab-small")
    far = on(lab.url, lm, "lab-small", top=21)
    texts = sample(lm, "12+34*2?", 8, np.random.default_rng(0)).particles
    rows = zip(texts.tokens, texts.lengths, strict=True)
    prompt = lm.vocabulary.encode("12+34*2?")
    beginnings = [[*prompt, *row[:k]] for row, n in rows for k in range(n)]
    here, there = lm.start(beginnings, lm.context), far.start(beginnings, lm.context)
    assert np.abs(np.exp(there.log_probs) - np.exp(here.log_probs[here.rows])).max() < 1e-4
    assert far.usage.worst < 1e-12


def test_a_search_with_the_course_s_verifier_runs_on_it(lab, seed):
    lm = load("lab-small")
    far = on(lab.url, lm, "lab-small", top=8, parameters=800_000)
    for select in (keep_all, beam(4), resample("systematic")):
        search = Search(far, TASK, "12+34*2?", load_verifier("prm"))
        *_, last = smc(search, 8, select, np.random.default_rng(seed))
        assert last.particles.finished.all() and ((last.particles.scores[:, 0]) > 0).all()
        assert last.spent.lm_flops == 2 * 800_000 * last.spent.lm_positions
        assert last.spent.verifier_positions > 0
    assert 0 < far.usage.lost < far.usage.worst < 0.05


# ---- three ways of writing log probabilities -----------------------------------------------------


class Canned(BaseHTTPRequestHandler):
    """It gives the next of some answers: (code, JSON), bytes, or None for nothing in time."""

    def do_POST(self):
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.keys.append(self.headers["Authorization"])
        said = self.server.answers.pop(0)
        if said is None:
            time.sleep(0.3)
            said = b""
        code, body = said if isinstance(said, tuple) else (200, said)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):  # who asked did not wait
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def canned(*answers):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Canned)
    server.answers, server.asked, server.keys = list(answers), [], []
    with running(server) as url:
        yield url, server


def says(*choices, **more):
    return {"choices": [{"index": i, "logprobs": one} for i, one in enumerate(choices)]} | more


HALVES = {"content": [{"top_logprobs": [{"id": i, "logprob": np.log(0.5)} for i in (2, 0)]}]}
SMALL = Vocabulary(["a", "b", "a", "\u00e9", None], 4)


def asked_once(*answers, rows=1, vocabulary=SMALL, **options):
    """What an endpoint makes of some answers: log probabilities, usage, and what it asked for."""
    with canned(*answers) as (url, server):
        lm = Endpoint(url, "m", vocabulary, 9, **options)
        return lm.start([[0]] * rows, 9).log_probs, lm.usage, server


def test_tokens_may_come_as_numbers_or_as_texts():
    by_number = {"top_logprobs": [{"token_id:2": np.log(0.5), "token_id:4": -9999.0}]}
    by_text = {"top_logprobs": [{"b": np.log(0.2), "a": np.log(0.6), "\u00e9": np.log(0.2)}]}
    found, usage, _ = asked_once(says(HALVES, by_number, by_text), rows=3)
    no = -np.inf
    assert found[0] == pytest.approx([np.log(0.5), no, np.log(0.5), no, no])
    assert found[1] == pytest.approx([no, no, 0, no, no])  # what is left of it
    assert found[2] == pytest.approx([no, np.log(0.5), no, np.log(0.5), no])  # which a? it is lost
    assert usage.worst == pytest.approx(0.6) and usage.lost == pytest.approx((0 + 0.5 + 0.6) / 3)


def test_the_end_may_come_by_its_name():
    lm = tiny(letters="ab")
    said = {"top_logprobs": [{"<end>": np.log(0.25), "a": np.log(0.75)}]}
    found, _, _ = asked_once(says(said), vocabulary=lm.vocabulary)
    assert np.exp(found) == pytest.approx(np.array([[0.75, 0, 0.25]]))


def test_our_server_writes_texts_for_who_does_not_ask_for_numbers():
    lm = tiny(letters="abc")
    request = {"model": "m", "prompt": ["ab", "c"], "logprobs": 4, "max_tokens": 1}
    said = serve.complete(lm, "m", 9, request)
    found, _, _ = asked_once(said, rows=2, vocabulary=lm.vocabulary)
    session = lm.start([[0, 1], [2]], 9)
    assert found == pytest.approx(session.log_probs[session.rows], abs=1e-6)
    (alone,) = serve.complete(lm, "m", 9, request | {"prompt": "ab"})["choices"]
    assert alone["text"] == said["choices"][0]["text"]
    assert (
        serve.complete(lm, "m", 9, request | {"logprobs": None})["choices"][0]["logprobs"] is None
    )


def test_answers_may_come_in_another_order_and_say_what_was_cached():
    said = says(HALVES, {"top_logprobs": [{"token_id:1": 0.0}]})
    said["choices"].reverse()
    said["usage"] = {"prompt_tokens_details": {"cached_tokens": 5}}
    found, usage, server = asked_once(said, rows=2, key="secret", top=3)
    assert np.isfinite(found).sum(axis=1).tolist() == [2, 1] and usage.cached == 5
    assert server.keys == ["Bearer secret"]
    (asked,) = server.asked
    assert (asked["logprobs"], asked["max_tokens"], asked["temperature"]) == (3, 1, 0)


# ---- what goes wrong -----------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(endpoint, "PAUSE", 0.0)


BUSY = (503, {"error": {"message": "Loading model"}})
FAULTS = {
    "no log probabilities": ([says(None)], ValueError, "gives no log probabilities of 'm'"),
    "another tokenizer": ([says({"top_logprobs": [{"x": 0.0}]})], ValueError, "names no token"),
    "a number beyond": (
        [says({"top_logprobs": [{"token_id:9": 0.0}]})],
        ValueError,
        "server is 9; it must be at most 4",
    ),
    "too few answers": ([{"choices": []}], ValueError, "gave 0 answers to 1 prompts"),
    "no JSON": ([b"<html>"], ValueError, "answers, but not in JSON"),
    "no model": (
        [(404, {"message": "no such model"})],
        ValueError,
        "no model 'm': it says 404, 'no such",
    ),
    "refused": (
        [(400, {"error": {"message": "at most 20"}})],
        ValueError,
        "refuses: it says 400, 'at most",
    ),
    "refused without a reason": ([(401, b"?")], ValueError, "refuses: it says 401, Unauthorized"),
    "busy": ([BUSY] * 3, ConnectionError, "in 3 tries: it says 503, 'Loading model'$"),
    "silent": ([None] * 3, ConnectionError, "in 3 tries: nothing within 0.1 s$"),
}


@pytest.mark.parametrize(("answers", "kind", "line"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_one_clear_line(answers, kind, line):
    with pytest.raises(kind, match=line) as caught:
        asked_once(*answers, timeout=0.1)
    assert "\n" not in str(caught.value)


def test_no_server_is_one_clear_line():
    with canned() as (url, _):
        pass
    with pytest.raises(ConnectionError, match=r"in 2 tries: .*refused; is the server running"):
        Endpoint(url, "m", SMALL, 9, tries=2).start([[0]], 9)


def test_a_busy_server_is_asked_again():
    found, _, server = asked_once(BUSY, (429, b""), None, says(HALVES), tries=4, timeout=0.1)
    assert len(server.asked) == 4 and np.isfinite(found).sum() == 2


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            {"model": "gpt"},
            "no model 'gpt': it says 404, \"The model 'gpt' does not exist; here is",
        ),
        ({"url": "{}/chat"}, "it says 404, 'There is nothing at /v1/chat/completions"),
    ],
)
def test_our_server_says_what_it_has(letters, change, line):
    settings = {"url": letters, "model": "letters"} | change
    settings["url"] = settings["url"].format(letters)
    with pytest.raises(ValueError, match=line):
        Endpoint(vocabulary=LETTERS.vocabulary, context=64, **settings).start([[0]], 9)


def test_our_server_gives_as_many_log_probabilities_as_it_was_told_to():
    with running(serve.server(LETTERS, "letters", most=5)) as url:
        on(url, top=5).start([[0]], 9)
        with pytest.raises(
            ValueError, match="refuses: it says 400, 'logprobs is 6; this server gives 5"
        ):
            on(url, top=6).start([[0]], 9)
        with pytest.raises(ValueError, match="the context holds 64"):
            on(url, top=5).start([[0] * 64], 64)
        for prompts in ([], [[]], [[0], []]):
            with pytest.raises(ValueError, match="a prompt is empty"):
                on(url, top=5).start(prompts, 9)
        with pytest.raises(ValueError, match="length is 65; it must be at most 64"):
            on(url, top=5).start([[0]], 65)
        with pytest.raises(ValueError, match=r"refuses: it says 400, 'IndexError"):
            on(url, top=5).log_probs([])


def test_a_model_that_the_course_has_not_is_refused():
    with pytest.raises(ValueError, match="model is 'gpt'; it must be one of lab-small"):
        serve.Served("gpt")


def test_a_server_ends_with_the_process_that_started_it():
    code = (
        "from ttclib.course.your_own_model.serve import Served\n"
        "served = Served('lab-small')\nprint(served.process.pid, flush=True)\ninput()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    parent = subprocess.Popen([sys.executable, "-c", code], text=True, **pipes)
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    assert psutil.wait_procs([child], timeout=30)[1] == []
