#!/bin/sh
# Runs its arguments with TRUSTED_PROXIES (CIDRs, separated by commas) turned into nginx lines, REAL_IP_FROM.
set -eu
REAL_IP_FROM=$(printf '%s' "${TRUSTED_PROXIES:-}" | tr ',' '\n' | sed -n 's/^ *\([0-9A-Fa-f.:/]\{1,\}\) *$/set_real_ip_from \1;/p')
export REAL_IP_FROM
# every socket is a file: as many as the machine allows, not the usual 1,024
ulimit -S -n "$(ulimit -H -n)"
exec "$@"
