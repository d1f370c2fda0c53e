#!/usr/bin/env bash
# Installs, from Debian's packages, the servers and tools that the tests and benchmarks talk to, if any is missing.
# Starts nothing and stops nothing: the tests run the servers themselves. Quick when all is there.
set -euo pipefail

# package : what shows that it is there
wanted=(
    nftables:nft
    iproute2:ip
    coturn:turnserver
    squid-openssl:squid
    nginx-light:nginx
    dnsmasq-base:dnsmasq
    prosody:prosody
    openssl:openssl
    curl:curl
    bind9-dnsutils:dig
    chromium:chromium
    prometheus-blackbox-exporter:prometheus-blackbox-exporter
    procps:ps
)

PATH=$PATH:/usr/sbin:/sbin
missing=()
for entry in "${wanted[@]}"; do
    command -v "${entry#*:}" >/dev/null || missing+=("${entry%%:*}")
done
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    echo "tests/setup.sh: not Debian, so install these yourself: ${missing[*]}" >&2
    exit 0 # the tests that need them say so and skip
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
        echo "tests/setup.sh: run as root to install these, or the tests that need them skip: ${missing[*]}" >&2
        exit 0
    fi
    as_root=(sudo)
fi

# Debian starts the servers it installs unless a policy forbids it; they would take the tests' ports.
policy=/usr/sbin/policy-rc.d
ours=
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    ours=yes
fi
trap 'if [ -n "$ours" ]; then "${as_root[@]}" rm -f "$policy"; fi' EXIT

echo "tests/setup.sh: installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
