// safetensors_text.hpp - safetensors files in memory, from the text of their headers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace safetensors_cases {

[[gnu::cold]] inline std::string with_length(std::uint64_t length, std::string_view rest) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes.append(rest);
}
// A file with that header and `data` bytes behind it.
[[gnu::cold]] inline std::string file(std::string_view header, std::size_t data = 0) {
  return with_length(header.size(), header) + std::string(data, '\1');
}
// The record of one tensor; the last two are JSON text.
[[gnu::cold]] inline std::string tensor(std::string_view name, std::string_view type, std::string_view shape,
                                        std::string_view offsets) {
  std::string text = "\"";
  text.append(name).append("\":{\"dtype\":\"").append(type).append("\",\"shape\":").append(shape);
  return text.append(",\"data_offsets\":").append(offsets).append("}");
}
[[gnu::cold]] inline std::string only(std::string_view name, std::string_view type, std::string_view shape,
                                      std::string_view offsets) {
  return std::string("{") + tensor(name, type, shape, offsets) + "}";
}
[[gnu::cold]] inline std::string repeated(std::string_view text, std::size_t count) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) result += text;
  return result;
}
[[gnu::cold]] inline std::string list_of(std::string_view element, std::size_t count) {
  return count == 0 ? "[]"
                    : std::string("[") + repeated(std::string(element) + ",", count - 1) + std::string(element) + "]";
}

// The valid file that most bad ones differ from in one place.
inline const std::string good = only("t", "F32", "[2]", "[0,8]");

}  // namespace safetensors_cases
