# awk -v out=DIR -v prologues=DIR -f extract.awk README.md docs/*.md, run at the root: writes every ```cpp block as a
# source and prints its path. A block with "int main" is a program as it stands. Any other is put into
# tests/docs/NAME.hpp, where NAME stands in a comment <!-- fragment: NAME --> above the block (default: statements):
# in place of the line "// fragment" there, or, if there is no such line, into a main after it.
function fail(text) {
  print FILENAME ":" FNR ": " text > "/dev/stderr"
  status = 1
  exit 1
}
function finish(    path, prologue, line, placed) {
  path = FILENAME
  sub(/\.md$/, "", path)
  gsub(/[^A-Za-z0-9]/, "_", path)
  path = out "/" path "_" ++blocks[FILENAME] ".cpp"
  if (complete) {
    printf "%s", code > path
  } else {
    prologue = prologues "/" (fragment == "" ? "statements" : fragment) ".hpp"
    while ((line_status = (getline line < prologue)) > 0) {
      if (line ~ /^[ \t]*\/\/ fragment[ \t]*$/) {
        placed = 1
        printf "%s", code > path
      } else {
        print line > path
      }
    }
    if (line_status < 0) fail("there is no " prologue)
    close(prologue)
    if (!placed) printf "int main() {\n%s}\n", code > path
  }
  close(path)
  print path
}

FNR == 1 && inside { fail("a block of the file before has no end") }
inside && /^[ \t]*```[ \t]*$/ { finish(); inside = 0; fragment = ""; next }
inside {
  if (/(^|[^A-Za-z0-9_])int main *\(/) complete = 1
  code = code $0 "\n"
  next
}
/^[ \t]*```cpp[ \t]*$/ {
  inside = 1
  complete = 0
  code = "#line " FNR + 1 " \"" FILENAME "\"\n"
  next
}
/^[ \t]*<!-- fragment: [A-Za-z0-9_]+ -->[ \t]*$/ { fragment = $3; next }
NF { fragment = "" }
END {
  if (!status && inside) { print FILENAME ": a block has no end" > "/dev/stderr"; status = 1 }
  exit status
}
