#!/bin/sh
# sbom.sh DIST VERSION HOST WHAT: one CycloneDX file beside each artifact. It names the crates that the artifact was made of, with their
# licences and checksums, and the macros that wrote parts of it; not what only builds or tests need. It may name an optional crate too
# many, because cargo's metadata knows less of features than its builds do, and it fails rather than name one too few.
# SOURCE_DATE_EPOCH fixes its time, and its serial number, which GitHub's attestations want, comes from its content.
set -eu
dist=$1 version=$2 host=$3 what=$4
: "${SOURCE_DATE_EPOCH:?}"

cyclonedx=0.5.9
tools=${XDG_CACHE_HOME:-$HOME/.cache}/landfall/cargo-cyclonedx-$cyclonedx
unset CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR CFLAGS CXXFLAGS
[ -x "$tools/bin/cargo-cyclonedx" ] || cargo install --quiet --locked --root "$tools" "cargo-cyclonedx@$cyclonedx"

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z | tar --create --null --files-from - | tar --extract --directory "$copy"

# describe PACKAGE FOLDER TARGET MEMBERS PROGRAM=ARTIFACT...
describe() {
    package=$1 folder=$2 target=$3 members=$4
    shift 4
    # In a workspace, cargo's metadata gives a crate the features that any member asks for: tokio would be in the components.
    sed "s/^members = .*/members = [$members]/" Cargo.toml >"$copy/Cargo.toml"
    (cd "$copy" && CARGO_NET_OFFLINE=true "$tools/bin/cargo-cyclonedx" cyclonedx --quiet --manifest-path Cargo.toml --format json \
        --spec-version 1.5 --describe binaries --no-build-deps --target "$target")
    cargo tree --quiet --locked --package "$package" --target "$target" --edges normal --prefix none --no-dedupe \
        --format '{p}' >"$copy/tree"
    awk '{ sub(/^v/, "", $2); print $1 "@" $2 }' "$copy/tree" | sort -u >"$copy/compiled"
    for pair; do
        output=$dist/${pair#*=}.cdx.json
        sed "s|path+file://$copy|path+file:///landfall|g" "$copy/$folder/${pair%%=*}_bin.cdx.json" >"$copy/content"
        # A UUID of version 8: a digest in its form.
        serial=$(sha256sum <"$copy/content" | sed 's/^\(.\{8\}\)\(.\{4\}\).\(.\{3\}\).\(.\{3\}\)\(.\{12\}\).*/\1-\2-8\3-8\4-\5/')
        sed "s|^  \"specVersion\": .*|&\n  \"serialNumber\": \"urn:uuid:$serial\",|" "$copy/content" >"$output"
        grep --quiet '^  "serialNumber"' "$output"
        sed -n 's/^ *"purl": "pkg:cargo\/\([^"?]*\).*/\1/p' "$output" | sort -u >"$copy/named"
        missing=$(comm -23 "$copy/compiled" "$copy/named" | tr '\n' ' ')
        if [ -n "$missing" ]; then
            echo "$output lacks $missing" >&2
            exit 1
        fi
    done
}

describe landfall . wasm32-wasip2 '' landfall-spin=landfall-spin.wasm landfall-wasi=landfall-wasi.wasm
if [ "$what" = all ]; then
    describe landfall-host host "$host" '"host"' "landfall=landfall-$version-$host"
fi
