"""Runs the fuzz targets on the toolchain of the project, which has no sanitizers, and without cargo-fuzz.

`python3 -m fuzz.run` runs each target for 20 seconds; `--seconds` takes another time, and
TARGETs after the options choose some. What a run finds is added to target/fuzz/TARGET; `--keep` adds the least set that
reaches as much to fuzz/corpus/TARGET. An input that fails is written to fuzz/artifacts/TARGET.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FOUND = ROOT / "target" / "fuzz"
# As cargo-fuzz sets them for `--sanitizer none`.
COVERAGE = (
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
)
# An input that takes longer has found something that hangs.
TIMEOUT = 30
# Longer than the longest corpus takes to be read.
SPARE = 300


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="how long to run each target (20)")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the mutations; 0 takes a new one (0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many targets to run at a time")
    parser.add_argument("--keep", action="store_true", help="add to fuzz/corpus/ what was found")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    options = parser.parse_args()

    known = sorted(path.stem for path in (HERE / "fuzz_targets").glob("*.rs"))
    targets = options.targets or known
    if unknown := set(targets) - set(known):
        parser.error(f"no such target: {', '.join(sorted(unknown))}; known are {', '.join(known)}")
    programs = build()
    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda target: run(programs / target, options.seconds, options.seed), targets))
    for target, failure in zip(targets, results, strict=True):
        if failure:
            print(f"\n{target} failed:\n{failure}", file=sys.stderr)
    if options.keep:
        for target in targets:
            keep(programs / target)
    failed = sum(bool(failure) for failure in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


def build():
    """Builds all targets, and returns the folder of the programs."""
    host = re.search(r"^host: (.*)$", output("rustc", "-vV"), re.MULTILINE)[1]
    # With --target, the flags are not those of build scripts and macros.
    command = [
        "cargo",
        "build",
        "--locked",
        "--profile",
        "fuzz",
        "--target",
        host,
        "--package",
        "influxdb3-tokens-fuzz",
    ]
    flags = " ".join([os.environ.get("RUSTFLAGS", ""), "--cfg fuzzing", *COVERAGE]).strip()
    subprocess.run(command, check=True, cwd=ROOT, env=os.environ | {"RUSTFLAGS": flags})
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / host / "fuzz"


def run(program, seconds, seed):
    """Runs a target, prints a line, and returns the end of what it printed if it failed."""
    target = program.name
    found, artifacts = FOUND / target, HERE / "artifacts" / target
    for folder in (found, artifacts):
        folder.mkdir(parents=True, exist_ok=True)
    command = [program, f"-max_total_time={seconds}", f"-seed={seed}", f"-timeout={TIMEOUT}"]
    # Short inputs first would keep a short run from sequences of many steps.
    command += ["-len_control=0", "-print_final_stats=1", f"-artifact_prefix={artifacts}/", *dictionary(target)]
    command += [found, HERE / "corpus" / target]
    began = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds + SPARE)
    except subprocess.TimeoutExpired as error:
        return f"it did not end after {error.timeout:.0f} seconds"
    printed = done.stderr
    executions = re.findall(r"number_of_executed_units: (\d+)", printed)
    covered = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)/(\S+)", printed)
    edges, features, inputs, size = covered[-1] if covered else ("?",) * 4
    print(
        f"{target}: {executions[-1] if executions else '?'} executions in {time.monotonic() - began:.0f} s, "
        f"{edges} edges, {features} features, {inputs} inputs of {size}",
        flush=True,
    )
    return "\n".join(printed.splitlines()[-60:]) if done.returncode else None


def keep(program):
    """Adds to the corpus the inputs that reach more than those it has. Merging prefers small inputs."""
    target = program.name
    corpus, merged = HERE / "corpus" / target, FOUND / f"{target}.merged"
    shutil.rmtree(merged, ignore_errors=True)
    merged.mkdir()
    command = [program, "-merge=1", "-use_counters=0", f"-timeout={TIMEOUT}", merged, corpus, FOUND / target]
    subprocess.run(command, check=True, capture_output=True)
    kept = {path.read_bytes() for path in corpus.iterdir()}
    for path in sorted(merged.iterdir()):
        if path.read_bytes() not in kept:
            shutil.copy(path, corpus / path.name)
    shutil.rmtree(merged)


def dictionary(target):
    path = HERE / "dictionaries" / f"{target}.dict"
    return [f"-dict={path}"] if path.exists() else []


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


if __name__ == "__main__":
    sys.exit(main())
