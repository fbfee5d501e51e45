#!/bin/sh
# notes.sh TAG: what CHANGELOG.md says of the version that a tag is of; fails where the tag is not the version in Cargo.toml, or the
# changelog has nothing on it.
set -eu
tag=$1
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
if [ "$tag" != "v$version" ]; then
    echo "the tag is $tag, and Cargo.toml's version is $version: the tag would be v$version" >&2
    exit 1
fi
# From its heading to the next.
notes=$(awk -v heading="## [$version]" 'index($0, "## ") == 1 { inside = index($0, heading) == 1; next } inside' CHANGELOG.md)
if [ -z "$(printf %s "$notes" | tr -d '[:space:]')" ]; then
    echo "CHANGELOG.md has no section \"## [$version]\", or nothing in it" >&2
    exit 1
fi
printf '%s\n' "$notes"
