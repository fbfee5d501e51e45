#!/bin/sh
# Three sample modules on a GitHub of our own, Landfall in front of it, and `terraform init` through it.
set -eu

target=${TARGET:-target}
work=$(mktemp -d)
stop() {
    trap - EXIT INT TERM
    kill "${github:-}" "${registry:-}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

# Waits up to ten seconds until a command succeeds.
until_true() {
    tries=100
    until "$@"; do
        tries=$((tries - 1))
        if [ "$tries" = 0 ]; then
            echo "the demo did not start; its log:" >&2
            cat "$work"/*.log >&2
            exit 1
        fi
        sleep 0.1
    done
}

"$target/debug/landfall-stand-in" demo-repositories "$work/repositories" >"$work/demo.log"
"$target/debug/landfall-stand-in" --repositories "$work/repositories" \
    --private-key-out "$work/app.pem" --ready-file "$work/ready.json" >"$work/github.log" 2>&1 &
github=$!
until_true test -s "$work/ready.json"
field() {
    sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/ready.json"
}

# The key goes by the environment: a flag would show it to everyone who lists processes.
LANDFALL_VARIABLE_GITHUB_PRIVATE_KEY="$(cat "$work/app.pem")" \
"$target/debug/landfall" serve --listen "${LISTEN:-127.0.0.1:0}" --data "$work/data" \
    --component "$target/wasm32-wasip2/release/landfall-spin.wasm" \
    --variable "github_api_url=$(field api_url)" \
    --variable "github_archive_hosts=$(field archive_origin)" \
    --variable github_app_id=1001 \
    --variable allowed_owners=acme \
    --variable anonymous_read=true >"$work/landfall.log" 2>&1 &
registry=$!
until_true grep -qs "listening on" "$work/landfall.log"
url=$(sed -n 's/.*listening on //p' "$work/landfall.log")

mkdir "$work/root"
cat >"$work/root/main.tf" <<TF
module "greeting" {
  source  = "mods.example/acme/greeting/null"
  version = "~> 1.0"
}

module "subnet" {
  source  = "mods.example/acme/vpc-demo/null//modules/subnet"
  version = "1.1.0"
}

module "labels" {
  source  = "mods.example/acme/labels/null"
  version = "2.0.0-beta.1"
}
TF
# A registry has https and a name of its own; for this one Terraform is told where it is.
cat >"$work/terraform.rc" <<RC
host "mods.example" {
  services = { "modules.v1" = "$url/v1/modules/" }
}
RC

echo
echo "Landfall serves three sample modules at $url"
echo
echo "# $work/root/main.tf"
cat "$work/root/main.tf"
echo
echo "# $work/terraform.rc"
cat "$work/terraform.rc"
echo
if command -v terraform >/dev/null 2>&1; then
    echo "\$ cd $work/root && TF_CLI_CONFIG_FILE=$work/terraform.rc terraform init"
    (cd "$work/root" && TF_CLI_CONFIG_FILE="$work/terraform.rc" CHECKPOINT_DISABLE=1 terraform init)
    (cd "$work/root" && find .terraform/modules -type f | sort)
else
    echo "terraform is not installed here; what it would be told:"
    echo "\$ curl $url/v1/modules/acme/greeting/null/versions"
    if command -v curl >/dev/null 2>&1; then
        curl -sS "$url/v1/modules/acme/greeting/null/versions"
        echo
    fi
fi
if [ -t 0 ]; then
    echo
    echo "Landfall goes on until you press Enter; its log is $work/landfall.log"
    read -r _ || true
fi
