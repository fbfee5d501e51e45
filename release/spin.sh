#!/bin/sh
# spin.sh VERSION DIRECTORY: Spin as its project released it, into a directory. The checksums are written down here, because those
# beside a download could be changed together with it.
set -eu
version=$1 directory=$2
case $version in
    3.6.2) sum=c65041c87c2cc95ff281b4197f5938716088ee3a9cbae7ec795a4d73894445a3 ;;
    4.2.1) sum=60cb9f78312acc577a1b839740dc932f2647f438461734bb96a1e374bcf6a3d1 ;;
    *) echo "no checksum is known of Spin $version" >&2; exit 1 ;;
esac
archive=$(mktemp)
trap 'rm -f "$archive"' EXIT
curl --fail --silent --show-error --location --proto '=https' --retry 3 --output "$archive" \
    "https://github.com/spinframework/spin/releases/download/v$version/spin-v$version-linux-amd64.tar.gz"
echo "$sum  $archive" | sha256sum --check --quiet
mkdir -p "$directory"
tar --extract --gzip --file "$archive" --directory "$directory" spin
"$directory/spin" --version
