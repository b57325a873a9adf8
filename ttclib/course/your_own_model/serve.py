"""A small server of the course's models, for an endpoint to talk to.

``python -m ttclib.course.your_own_model.serve lab-small`` serves POST /v1/completions as vLLM does,
as far as search needs it: one more token, and its log probabilities. A server for many users queues
requests, batches them and keeps what it has read; this one does none of that.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from ttclib.course.your_own_model.endpoint import IMPOSSIBLE, spoken
from ttclib.lm.protocols import LanguageModel


class Refused(ValueError):
    """A request that gets an error for an answer."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code


def complete(lm: LanguageModel, name: str, most: int, asked: dict) -> dict:
    """Answer one request: the likeliest next token of each prompt, and the likeliest few.

    Parameters
    ----------
    lm : LanguageModel
    name : str
        What it is called here.
    most : int
        How many log probabilities it gives at most, as vLLM's ``--max-logprobs``.
    asked : dict
        The request's JSON.

    Raises
    ------
    Refused
        If it asks for another model, for more than one token, or for too many log probabilities.
    """
    if asked.get("model") != name:
        raise Refused(404, f"The model {asked.get('model')!r} does not exist; here is {name!r}.")
    top = asked.get("logprobs") or 0
    if top > most:
        raise Refused(400, f"logprobs is {top}; this server gives {most} at most.")
    if asked.get("max_tokens") != 1:
        raise Refused(400, "This server writes one token at a time: max_tokens=1.")
    prompts = asked["prompt"]
    if isinstance(prompts, str) or isinstance(prompts[0], int):
        prompts = [prompts]
    tokens = [lm.vocabulary.encode(one) if isinstance(one, str) else one for one in prompts]
    longest = max(map(len, tokens))
    if longest >= lm.context:
        raise Refused(400, f"A prompt has {longest} tokens; the context holds {lm.context}.")
    session = lm.start(tokens, longest)
    log_probs = np.maximum(session.log_probs[session.rows], IMPOSSIBLE)
    names = spoken(lm.vocabulary)
    if asked.get("return_tokens_as_token_ids"):
        names = [f"token_id:{token}" for token in range(len(names))]
    return {
        "object": "text_completion",
        "model": name,
        "choices": [_choice(i, row, top, names) for i, row in enumerate(log_probs)],
        "usage": {"prompt_tokens": sum(map(len, tokens)), "completion_tokens": len(tokens)},
    }


def _choice(index: int, log_probs: np.ndarray, top: int, names: list[str]) -> dict:
    """Write one answer: the likeliest token, and the ``top`` likeliest if there are to be any."""
    likeliest = np.argsort(-log_probs, kind="stable")[: max(top, 1)].tolist()
    pairs = [(names[token], float(log_probs[token])) for token in likeliest]
    text, log_prob = pairs[0]
    said = {"tokens": [text], "token_logprobs": [log_prob]}
    said["top_logprobs"] = [dict(pairs[::-1])]  # of tokens with one name the likeliest stays
    return {"index": index, "text": text, "logprobs": said if top else None}


def _error(message: str) -> dict:
    return {"error": {"message": message}}


def server(lm: LanguageModel, name: str, port: int = 0, most: int = 20) -> ThreadingHTTPServer:
    """Return a server at a port of this machine, 0 for any that is free; it is not yet running."""
    alone = threading.Lock()  # a model feeds one batch at a time

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            if self.path != "/v1/completions":
                return self._say(404, _error(f"There is nothing at {self.path}."))
            try:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with alone:
                    self._say(200, complete(lm, name, most, asked))
            except Refused as refused:
                self._say(refused.code, _error(str(refused)))
            except (ValueError, KeyError, TypeError, IndexError) as error:
                self._say(400, _error(f"{type(error).__name__}: {error}"))

        def do_GET(self):
            self._say(200, {"object": "list", "data": [{"id": name, "object": "model"}]})

        def _say(self, code, said):
            body = json.dumps(said).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


class Served:
    """A server in a process of its own, which ends with this one or with :meth:`stop`.

    Parameters
    ----------
    name : str
        One of the course's language models: see :func:`ttclib.lm.models.load`.
    most : int, optional
        How many log probabilities it gives at most.

    Raises
    ------
    ValueError
        If it does not start: the line that it ended with.
    """

    def __init__(self, name: str, most: int = 20):
        command = [sys.executable, "-m", __spec__.name, name, "--top", str(most), "--with-parent"]
        complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115  the process writes on
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": complaints}
        self.process = subprocess.Popen(command, text=True, **pipes)
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            self.stop()
            complaints.seek(0)
            raise ValueError(complaints.read().strip().splitlines()[-1])

    def stop(self) -> None:
        """End the process."""
        with self.process, contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_) -> None:
        self.stop()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve a model until interrupted."""
    from ttclib.lm.models import load  # whoever only starts the process needs no PyTorch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="lab-small, lab-large, …, or smollm2")
    parser.add_argument("--port", type=int, default=0, help="by default any that is free")
    parser.add_argument("--top", type=int, default=20, help="most log probabilities a token")
    parser.add_argument("--with-parent", action="store_true", help="end when stdin is closed")
    chosen = parser.parse_args(arguments)
    serving = server(load(chosen.model), chosen.model, chosen.port, chosen.top)
    print(f"http://127.0.0.1:{serving.server_port}/v1", flush=True)
    if chosen.with_parent:
        threading.Thread(target=lambda: (sys.stdin.read(), serving.shutdown()), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        serving.serve_forever()


if __name__ == "__main__":
    main()
