"""Serves a contestant in Python to the runner, as ../lib/serve.mjs does in JavaScript."""

import json
import os
import sys
import time
from pathlib import Path

STARTED = time.perf_counter()


def reply(message):
    print(json.dumps(message), flush=True)


def decline(error):
    """Says that PyTorch is missing, and ends."""
    reply({"ready": False, "reason": f"{sys.executable} has no PyTorch ({error}); Debian: python3-torch libopenblas0-pthread"})
    sys.exit(0)


def blas():
    """The linear algebra library in use: the reference one would make this an unfair race."""
    libraries = Path("/proc/self/maps").read_text().lower() if Path("/proc/self/maps").exists() else ""
    return next((name for name in ("openblas", "mkl", "blis") if f"lib{name}" in libraries), "unknown BLAS")


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def serve(*, name, version, threads, step, commands={}):
    """Answers requests, one JSON object a line, until there are no more. `step` makes a train step and returns its loss."""
    ready = {"ready": True, "name": name, "version": f"{version} {blas()}", "threads": threads}
    reply({**ready, "startMs": (time.perf_counter() - STARTED) * 1000})
    for line in sys.stdin:
        request = json.loads(line)
        if request["cmd"] == "steps":
            ms, losses = [], []
            for _ in range(request["count"]):
                start = time.perf_counter()
                losses.append(step())
                ms.append((time.perf_counter() - start) * 1000)
            reply({"ms": ms, "losses": losses, "loss": losses[-1]})
        elif request["cmd"] == "memory":
            reply({"rss": resident()})
        elif request["cmd"] == "exit":
            break
        elif request["cmd"] in commands:
            reply(commands[request["cmd"]](request))
        else:
            reply({"error": f"unknown command {request['cmd']}"})
