// module_tree.hpp - the modules of a model as rows of a table: each counts what is in it and in those below.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../nn/module.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// Is this the path of `module`, or of something in it?
inline bool is_within(std::string_view path, std::string_view module) {
  return module.empty() || (path.starts_with(module) && (path.size() == module.size() || path[module.size()] == '.'));
}

// A Row for every module: a struct with path, name and depth; fill(row, i) adds to it what is known of modules[i].
// `modules` in the order of a walk, the whole first; a member under the empty name is no row of its own.
template <class Row, class Fill>
std::vector<Row> module_rows(const std::vector<NamedModule>& modules, const Fill& fill) {
  std::vector<Row> rows;
  std::vector<std::size_t> above;  // rows from the whole down to the one before
  for (std::size_t i = 0; i < modules.size(); ++i) {
    const std::string& path = modules[i].path;
    while (!above.empty() && !is_within(path, rows[above.back()].path)) above.pop_back();
    const std::string outer = above.empty() ? "" : rows[above.back()].path;
    if (!above.empty() && outer == path) continue;
    Row row;
    row.path = path;
    row.name = path.substr(outer.empty() ? 0 : outer.size() + 1);
    row.depth = above.size();
    fill(row, i);
    above.push_back(rows.size());
    rows.push_back(std::move(row));
  }
  return rows;
}
// Calls f(row) for every row that what is at `path` counts in.
template <class Row, class F>
void each_row_around(std::vector<Row>& rows, std::string_view path, const F& f) {
  for (Row& row : rows) {
    if (is_within(path, row.path)) f(row);
  }
}
// The name of a row of a table; that of the whole is empty.
template <class Row>
std::string indented_name(const Row& row, const char* whole) {
  return std::string(2 * row.depth, ' ') + (row.name.empty() ? whole : row.name);
}

}  // namespace vitrail::inline VITRAIL_TU::detail
