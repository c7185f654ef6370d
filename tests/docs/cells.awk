# awk -f cells.awk docs/patterns.md: every `vt::...` in a table of a page stands, as it is, in a ```cpp block of the page,
# which is compiled and run.
/^[ \t]*```cpp[ \t]*$/ { inside = 1; next }
/^[ \t]*```[ \t]*$/ { inside = 0; next }
inside { code = code $0 "\n"; next }
/^\|.*`vt::/ {
  rest = $0
  while (match(rest, /`vt::[^`]*`/)) {
    cells[++count] = substr(rest, RSTART + 1, RLENGTH - 2)
    rest = substr(rest, RSTART + RLENGTH)
  }
}
END {
  for (c = 1; c <= count; ++c) {
    if (index(code, cells[c]) == 0) { print FILENAME ": not executed: " cells[c] > "/dev/stderr"; status = 1 }
  }
  if (!count) { print FILENAME ": no cells" > "/dev/stderr"; status = 1 }
  exit status
}
