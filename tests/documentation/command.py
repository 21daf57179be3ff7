#!/usr/bin/env python3
"""Stands for the command in a page that is tested.

`serve` gets free ports and a directory of its own, and stops once it listens.
"""

import os
import subprocess
import sys
import tempfile

BINARY = os.environ["TESTED_BINARY"]
REPLACED = {"--http-bind": "127.0.0.1:0", "--ops-bind": "127.0.0.1:0", "--data-dir": None}


def main():
    arguments = sys.argv[1:]
    if arguments[:1] != ["serve"] or {"--help", "-h", "--check-config"} & set(arguments):
        os.execv(BINARY, [BINARY, *arguments])
    with tempfile.TemporaryDirectory() as folder:
        command = [BINARY, "serve", "--http-bind", "127.0.0.1:0", "--data-dir", f"{folder}/data"]
        rest = iter(arguments[1:])
        for argument in rest:
            name, equals, _ = argument.partition("=")
            if name not in REPLACED:
                command.append(argument)
                continue
            if not equals:
                next(rest)
            if name == "--ops-bind":
                command += [name, REPLACED[name]]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        listening = process.stdout.readline()
        process.terminate()
        process.stdout.close()
        sys.exit(process.wait() if listening.startswith("listening on ") else process.wait() or 1)


if __name__ == "__main__":
    main()
