"""A root with this machine's files, whose changes are in memory."""

# The beginning of a script for the shell. It makes the root in the folder `$1`, and goes there.
SCRIPT = """
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/changes" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
"""
