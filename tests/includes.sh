#!/bin/sh
# includes.sh INCLUDE_DIR COMPILER FLAGS... - includes point one way, and the umbrella header stays light.
# includes.sh --control - the check finds what it is there to find.
set -u
LC_ALL=C
export LC_ALL

# A header may include its own folder, folders of a lower rank and the headers beside the folders.
# data and io stand aside: they know shape, backend and tensor only, data also io; nobody but the umbrella knows them.
check_directions() {
  (cd "$1/vitrail" && find . -name '*.hpp' -o -name '*.cuh' | sed 's|^\./||' | sort | xargs awk '
    BEGIN {
      count = split("shape backend tensor autodiff expr ops nn models tune train", order, " ")
      for (i = 1; i <= count; ++i) rank[order[i]] = i
      rank["inspect"] = rank["train"]
      aside["data"] = aside["io"] = 1
      umbrella["vitrail.hpp"] = umbrella["cuda.hpp"] = 1
    }
    function folder(path) { return path ~ /\// ? substr(path, 1, index(path, "/") - 1) : "" }
    function bad(text) { print "include/vitrail/" FILENAME ":" FNR ": " text; failed = 1 }
    function normal(path) {
      while (match(path, /[^\/]+\/\.\.\//) && substr(path, RSTART, 3) != "../")
        path = substr(path, 1, RSTART - 1) substr(path, RSTART + RLENGTH)
      gsub(/\/\.\//, "/", path)
      sub(/^\.\//, "", path)
      return path
    }
    function allowed(from, to,    a, b) {
      if (to in umbrella) return from in umbrella
      if (from in umbrella) return 1
      a = folder(from); b = folder(to)
      if (b == "" || a == b || a == "data" && b == "io") return 1
      if (a == "" || b in aside) return 0
      if (a in aside) return rank[b] <= rank["tensor"]
      return rank[b] < rank[a]
    }
    FNR == 1 && (d = folder(FILENAME)) != "" && !(d in rank) && !(d in aside) {
      bad("the folder " d " has no rank in tests/includes.sh")
    }
    /^[ \t]*#[ \t]*include[ \t]*("|<vitrail\/)/ {
      quoted = $0 ~ /include[ \t]*"/
      to = $0; sub(/^[^"<]*["<]/, "", to); sub(/[">].*$/, "", to)
      if (to ~ /^vitrail\//) to = substr(to, 9)
      else { where = FILENAME; sub(/[^\/]*$/, "", where); to = normal(where to) }
      if (to in seen || (getline line < to) >= 0) { seen[to] = 1; close(to) } else bad("there is no " to)
      if (!allowed(FILENAME, to)) bad(FILENAME " must not include " to)
    }
    END { exit failed }')
}

# What the umbrella reaches, as the compiler lists it; the clone's own path does not count.
check_umbrella() {
  include=$1
  shift
  [ -f "$include/vitrail/vitrail.hpp" ] || return 0
  list=$("$@" -M "$include/vitrail/vitrail.hpp") || return 1
  found=$(echo "$list" | tr ' \\' '\n\n' | sed "s|^$include/||" |
    grep -E '(^|/)(nlohmann|CLI|thrust|cub|png|jpeglib|turbojpeg|stb_image|zlib|zconf|cuda)[^/]*(/|$)')
  if [ -n "$found" ]; then
    printf 'vitrail.hpp must not include:\n%s\n' "$found"
    return 1
  fi
}

control() {
  tree=$(mktemp -d)
  trap 'rm -rf "$tree"' EXIT
  mkdir -p "$tree/vitrail/shape" "$tree/vitrail/tensor" "$tree/vitrail/io"
  echo '#pragma once' >"$tree/vitrail/error.hpp"
  printf '#include "../error.hpp"\n' >"$tree/vitrail/shape/a.hpp"
  printf '#include "../shape/a.hpp"\n' >"$tree/vitrail/tensor/b.hpp"
  check_directions "$tree" || { echo "a good tree is refused"; exit 1; }
  for line in '"../tensor/b.hpp"' '<vitrail/tensor/b.hpp>' '"../io/c.hpp"' '"missing.hpp"'; do
    printf '#include "../error.hpp"\n#include %s\n' "$line" >"$tree/vitrail/shape/a.hpp"
    echo >"$tree/vitrail/io/c.hpp"
    check_directions "$tree" >/dev/null && { echo "not found: shape includes $line"; exit 1; }
  done
  exit 0
}

[ "${1-}" = --control ] && control
status=0
check_directions "$1" || status=1
check_umbrella "$@" || status=1
exit $status
