#!/bin/sh
# What a release has, the same bytes wherever it is built: `make dist` of the same commit, on Debian 12, gives the same SHA256SUMS.
# WHAT=wasm leaves out `landfall` itself, which takes ten times as long.
set -eu
export LC_ALL=C TZ=UTC0
umask 022

what=${WHAT:-all}
case $what in
    all | wasm) ;;
    *) echo "WHAT is \`$what\`; it may be all or wasm" >&2; exit 2 ;;
esac

target=${TARGET:-target}
mkdir -p "$target"
root=$(pwd -P)
target=$(cd "$target" && pwd -P)
dist=$target/dist
# Other flags than those of daily builds: a directory of its own, so that neither compiles the other's dependencies anew.
build=$target/dist-build
rm -rf "$dist"
mkdir -p "$dist" "$build"

if ! git diff --quiet HEAD -- || [ -n "$(git ls-files --others --exclude-standard)" ]; then
    echo "note: there are changes that are not committed; what is built is no release" >&2
fi
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
version=$(cargo pkgid --package landfall | sed 's/.*[#@]//')
host=$(rustc --version --verbose | sed -n 's/^host: //p')
wasi=wasm32-wasip2

# Where things are on this machine, and what stands for it in the output. The last that fits counts.
places=''
place() {
    places="$places$1=$2
"
}
cargo fetch --quiet --locked
sysroot=$(rustc --print sysroot)
commit=$(rustc --version --verbose | sed -n 's/^commit-hash: //p')
# The standard library's sources, where rustup has them; elsewhere they are called this already.
place "$sysroot/lib/rustlib/src/rust" "/rustc/$commit"
# cranelift and wasmtime ask git for a revision to call themselves by, and would get that of a repository around cargo's files.
GIT_CEILING_DIRECTORIES=''
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/; do
    place "${registry%/}" /crates
    GIT_CEILING_DIRECTORIES=$GIT_CEILING_DIRECTORIES:${registry%/}
done
export GIT_CEILING_DIRECTORIES
place "$root" /landfall
place "$build" /landfall/target

# One flag for each place: flags FLAG QUOTE BETWEEN.
flags() {
    printf %s "$places" | awk -v flag="$1" -v quote="$2" -v between="$3" \
        '{ printf "%s%s%s%s%s", (NR > 1 ? between : ""), quote, flag, $0, quote }'
}
unset RUSTFLAGS RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER CARGO_BUILD_TARGET CARGO_BUILD_RUSTFLAGS GIT_DIR GIT_WORK_TREE
CARGO_ENCODED_RUSTFLAGS=$(flags --remap-path-prefix= '' "$(printf '\037')")
export CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR="$build" CARGO_INCREMENTAL=0
# For the little C that comes with wasmtime, ring and zstd.
CFLAGS=$(flags -ffile-prefix-map= "'" ' ')
export CFLAGS CXXFLAGS="$CFLAGS" CC_SHELL_ESCAPED_FLAGS=1

# A directory as an archive: its names, modes, times and owner are the commit's or nobody's.
archive() {
    find "$1" -type d -exec chmod 755 {} +
    tar --create --directory "$(dirname "$1")" --format=ustar --sort=name --mtime="@$SOURCE_DATE_EPOCH" \
        --owner=0 --group=0 --numeric-owner "$(basename "$1")" | gzip --no-name --best >"$dist/$(basename "$1").tar.gz"
}

# What of this machine is in a file: a path in it would differ on the next one.
no_paths() {
    for path in "$root" "$build" "${CARGO_HOME:-$HOME/.cargo}" "$sysroot"; do
        if grep --text --fixed-strings --only-matching "$path" "$1" >/dev/null; then
            echo "$1 names $path" >&2
            exit 1
        fi
    done
}

cargo build --locked --release --target "$wasi" --package landfall --bins
for name in landfall-spin landfall-wasi; do
    install -m 644 "$build/$wasi/release/$name.wasm" "$dist/"
    no_paths "$dist/$name.wasm"
done

# The Spin application as one runs and pushes it: the manifest without its build, the component beside it.
spin=$build/landfall-$version-spin
rm -rf "$spin"
mkdir "$spin"
install -m 644 LICENSE runtime-config.toml "$dist/landfall-spin.wasm" "$spin/"
awk '/^\[/ { left_out = /^\[component\.landfall\.build\]/ } !left_out { sub(/^source = .*/, "source = \"landfall-spin.wasm\""); print }' \
    spin.toml >"$spin/spin.toml"
archive "$spin"

if [ "$what" = all ]; then
    cargo build --locked --profile host --target "$host" --package landfall-host
    program=$build/landfall-$version-$host
    rm -rf "$program"
    mkdir "$program"
    install -m 755 "$build/$host/host/landfall" "$program/"
    no_paths "$program/landfall"
    install -m 644 "$dist/landfall-spin.wasm" LICENSE README.md landfall.example.toml deploy/systemd/landfall.service "$program/"
    archive "$program"
fi

sh release/sbom.sh "$dist" "$version" "$host" "$what"

(cd "$dist" && sha256sum -- * >SHA256SUMS)
cat "$dist/SHA256SUMS"
