#!/usr/bin/env bash
# Installs what the tests and benchmarks use from Debian's packages, where it is missing. Safe to repeat; does nothing,
# quickly, when all is there. The packages' own daemons are not started, and nothing that runs is stopped.
set -euo pipefail

# What must be there, and the package that brings it.
NEEDED="
nft:nftables
iptables-restore:iptables
ip:iproute2
sysctl:procps
turnserver:coturn
squid:squid-openssl
/usr/lib/squid/security_file_certgen:squid-openssl
danted:dante-server
nginx:nginx-light
tinyproxy:tinyproxy-bin
tayga:tayga
dnsmasq:dnsmasq-base
unbound:unbound
prosody:prosody
ejabberdctl:ejabberd
chromium:chromium
certutil:libnss3-tools
pdftotext:poppler-utils
pango-view:pango1.0-tools
openssl:openssl
krb5kdc:krb5-kdc
kadmin.local:krb5-admin-server
kinit:krb5-user
exim4:exim4-daemon-light
systemd-analyze:systemd
curl:curl
dig:dnsutils
faketime:faketime
sipp:sip-tester
kamailio:kamailio
/usr/lib/x86_64-linux-gnu/kamailio/modules/tls.so:kamailio-tls-modules
chronyd:chrony
sshd:openssh-server
ssh-keygen:openssh-client
nmap:nmap
prometheus-blackbox-exporter:prometheus-blackbox-exporter
promtool:prometheus
msgfmt:gettext
"
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

missing_packages() {
    local entry
    for entry in $NEEDED; do
        [ -x "$(command -v "${entry%%:*}")" ] || echo "${entry##*:}"
    done
    # make needs an interpreter that can make environments, unless there is an environment already.
    [ -x "${VENV:-.venv}/bin/python" ] || python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# invoke-rc.d asks this file before it starts anything; 101 means no. One that is there already is left alone.
POLICY=/usr/sbin/policy-rc.d
forbid_daemons() {
    [ -e $POLICY ] && return
    printf '#!/bin/sh\nexit 101\n' | as_root tee $POLICY >/dev/null
    as_root chmod 755 $POLICY
    trap 'as_root rm -f $POLICY' EXIT
}

main() {
    local packages
    packages=$(missing_packages | sort -u | tr '\n' ' ')
    [ -n "${packages// /}" ] || return 0
    if [ "$(uname -s)" != Linux ] || ! command -v apt-get >/dev/null; then
        echo "tests/setup.sh: not installed, and no apt-get to install it: $packages(tests that need it are skipped)" >&2
        return 0
    fi
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        echo "tests/setup.sh: not root and no sudo; not installed: $packages(tests that need it are skipped)" >&2
        return 0
    fi
    echo "installing $packages" >&2
    forbid_daemons
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
    # shellcheck disable=SC2086 # one word a package
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends $packages
}

main "$@"
