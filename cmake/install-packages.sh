#!/bin/sh
# install-packages.sh LIST_FILE - installs the Debian packages of the list that are missing. Never fails: what is needed
# and cannot be had is named by CMake afterwards, what is optional is skipped.
set -u
command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || exit 0

missing=
while read -r package; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)
  [ "$state" = installed ] || missing="$missing $package"
done <"$1"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
  root=
elif command -v sudo >/dev/null; then
  root=sudo
  [ -t 0 ] || root='sudo -n'  # no terminal to ask for a password
else
  echo "not installed, please do: apt-get install$missing" >&2
  exit 0
fi
install() { $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" </dev/null; }

echo "installing:$missing"
$root apt-get update -q </dev/null || echo 'apt-get update failed: trying with the lists that are here' >&2
# All at once; if one cannot be had, each for itself, so that the others are there.
# shellcheck disable=SC2086
install $missing || for package in $missing; do
  install "$package" || echo "could not be installed: $package" >&2
done
exit 0
