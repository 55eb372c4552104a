#!/usr/bin/env bash
# Build the image where no registry of images can be reached, and try it: a base from Debian's packages (debootstrap), a
# builder from that base and this machine's Rust toolchain, the Dockerfile as it is, then `apogee demo` in the result.
#
#   deploy/image.sh [TAG]        as root, on Debian 12; TAG is localhost/apogee by default
#
# KEEP_BASE=1 leaves the base and the builder for the next run.
set -euo pipefail
cd "$(dirname "$0")/.."

tag=${1:-localhost/apogee}
base=localhost/apogee-base:bookworm
builder=localhost/apogee-rust:bookworm
port=${PORT:-8499}
# Inside a container or a virtual machine without user namespaces, a changed root is the isolation there is.
export BUILDAH_ISOLATION=chroot

need() { command -v "$1" >/dev/null || { echo "image.sh: $1 is missing: apt-get install $2" >&2; exit 3; }; }
need buildah buildah
need debootstrap debootstrap
need cargo 'a Rust toolchain (rustup.rs)'
need curl curl

work=$(mktemp -d)
container=
server=
finish() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
    if [ -n "$container" ]; then buildah rm "$container" >/dev/null; fi
    rm -rf "$work"
}
trap finish EXIT

step() { printf '── %s (%s s)\n' "$1" "$SECONDS"; }

if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
    step 'base from Debian packages'
    debootstrap --variant=minbase bookworm "$work/base" >"$work/debootstrap.log" || { tail "$work/debootstrap.log"; exit 3; }
    rm -rf "$work"/base/var/cache/apt/archives/*.deb "$work"/base/var/lib/apt/lists/*
    tar --directory "$work/base" --exclude=./dev --exclude=./proc --exclude=./sys --create --file "$work/base.tar" .
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$work/base.tar" / >/dev/null
    buildah commit --quiet --rm "$container" "$base" >/dev/null
    container=
fi

if ! buildah inspect --type image "$builder" >/dev/null 2>&1; then
    step 'builder from the base and this Rust toolchain'
    toolchain=$(rustc --print sysroot)
    container=$(buildah from "$base")
    buildah add --quiet "$container" "$toolchain/bin" /usr/local/bin >/dev/null
    buildah add --quiet "$container" "$toolchain/lib" /usr/local/lib >/dev/null
    # What this machine trusts, the builder trusts: the registry of crates may be behind a proxy with a certificate of its own.
    if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
        buildah copy --quiet "$container" /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt >/dev/null
    fi
    buildah config --env CARGO_HOME=/usr/local/cargo "$container"
    buildah commit --quiet --rm "$container" "$builder" >/dev/null
    container=
fi

step "image $tag"
# Docker's own format, because the other one has no health check.
buildah build --format docker --build-arg BUILDER="$builder" --build-arg BASE="$base" --tag "$tag" .

step 'trial'
container=$(buildah from --pull-never "$tag")
said=$(buildah run "$container" apogee --version)
who=$(buildah run "$container" id -u)
[ "$who" != 0 ] || { echo 'image.sh: the image runs as root' >&2; exit 1; }
buildah run "$container" apogee demo --listen "127.0.0.1:$port" >"$work/demo.log" 2>&1 &
server=$!
healthy=
for _ in $(seq 60); do
    if buildah run "$container" apogee health --address "127.0.0.1:$port" 2>"$work/health.log"; then healthy=yes; break; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 1
done
if [ -z "$healthy" ]; then
    echo 'image.sh: the demo did not become healthy' >&2
    cat "$work/demo.log" "$work/health.log" >&2
    exit 1
fi
curl --fail --silent --show-error --output "$work/board.html" "http://127.0.0.1:$port/n/devnet-a/board/power.raw"
grep -q '<table' "$work/board.html" || { echo 'image.sh: the board has no table' >&2; exit 1; }

size=$(buildah images --format '{{.Size}}' "$tag")
step "good: $said, user $who, board of $(wc -c <"$work/board.html") bytes, image of $size"
if [ -z "${KEEP_BASE:-}" ]; then
    buildah rm "$container" >/dev/null
    container=
    buildah rmi "$builder" >/dev/null
fi
