"""Compares this project with other generators, and writes docs/peers.md. `make peers` runs this.

The tools are installed into target/tools. Everything else is written to target/peers: documents, crates, and what cargo
builds. Results of the same day are kept, so an interrupted run continues.
"""

import argparse
import shutil
import sys
import time

from benches.peers import answers, documents, measure, page
from benches.peers.documents import ROOT
from benches.peers.subjects import REQUIREMENTS, SUBJECTS
from tools import pinned


def main():
    arguments = argparse.ArgumentParser(prog="benches.peers", description=__doc__)
    arguments.add_argument("--only", metavar="TEXT", help="only documents with this in their name; writes no page")
    arguments.add_argument("--fresh", action="store_true", help="measure everything again")
    options = arguments.parse_args()

    if options.fresh:
        shutil.rmtree(measure.CRATES, ignore_errors=True)
    chosen = documents.collect(pinned.install(REQUIREMENTS, "api"), ROOT / "target" / "peers" / "documents")
    chosen = [document for document in chosen if not options.only or options.only in document.name]
    results = {}
    for subject in SUBJECTS:
        for document in chosen:
            begun = time.monotonic()
            result = results[subject, document] = measure.result(subject, document)
            seconds = time.monotonic() - begun
            shown = f"{result.stage} {result.way}, {seconds:.0f} s {'; '.join(result.errors[:1])}"
            print(f"{subject.key}: {document.group}/{document.name}: {shown}", file=sys.stderr, flush=True)
    if not options.only:
        used = next(document for document in chosen if document.name == documents.USED)
        page.write(chosen, results, {subject: answers.answers(subject, used) for subject in SUBJECTS})


if __name__ == "__main__":
    main()
