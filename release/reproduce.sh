#!/bin/sh
# Builds HEAD twice, in fresh clones at different places with other target directories, and compares every byte of `make dist`.
# WHAT=wasm leaves out `landfall` itself.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

one() {
    git clone --quiet --no-hardlinks . "$1"
    git -C "$1" checkout --quiet --detach "$(git rev-parse HEAD)"
    (cd "$1" && TARGET=$2 sh release/dist.sh)
}
one "$work/first" target
one "$work/second/in a longer/place" "$work/elsewhere"

diff --recursive --brief "$work/first/target/dist" "$work/elsewhere/dist"
echo "both are the same"
