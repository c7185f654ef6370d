// text_table.hpp - numbers and tables as people read them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// 86567656 -> "86,567,656".
inline std::string grouped(std::size_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}
// Three significant figures and a decimal prefix: 35.2 G. Exactly 0 is "-".
inline std::string rounded(double number) {
  if (number == 0) return "-";
  const char* prefix = "";
  for (const char* next : {"k", "M", "G", "T"}) {
    if (number < 999.5) break;
    number /= 1000;
    prefix = next;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", number < 9.995 ? 2 : number < 99.95 ? 1 : 0, number);
  return std::string(text) + (*prefix ? " " : "") + prefix;
}
inline std::string fixed(double number, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

// Columns as wide as their widest cell: the first `left` of them to the left, the others to the right.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header, std::size_t left = 1) : rows_{std::move(header)}, left_(left) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  friend std::ostream& operator<<(std::ostream& out, const TextTable& table) {
    std::vector<std::size_t> widths(table.rows_[0].size());
    for (const auto& row : table.rows_) {
      for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
    }
    for (const auto& row : table.rows_) {
      for (std::size_t c = 0; c < row.size(); ++c) {
        const std::string space(widths[c] - row[c].size(), ' ');
        out << (c ? "  " : "") << (c < table.left_ ? row[c] + space : space + row[c]);
      }
      out << '\n';
      if (&row != &table.rows_[0]) continue;
      for (std::size_t c = 0; c < widths.size(); ++c) out << (c ? "  " : "") << std::string(widths[c], '-');
      out << '\n';
    }
    return out;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
  std::size_t left_;
};

}  // namespace vitrail::inline VITRAIL_TU::detail
