// spelled.hpp - names and shapes, spelled for the text of an exception.
#pragma once

#include <string>
#include <string_view>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// `text` in single quotes, shortened to `limit` characters. Anything but printable ASCII is spelled \xNN: a name from a
// hostile file must not steer the terminal or flood the log that shows the message.
inline std::string spelled(std::string_view text, std::size_t limit = 120) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string result = "'";
  for (const char character : text.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte >= 0x20 && byte < 0x7f) {
      result += character;
    } else {
      result += "\\x";
      result += digits[byte >> 4];
      result += digits[byte & 15];
    }
  }
  result += text.size() > limit ? "...'" : "'";
  return result;
}

// "[2, 3]", as shapes are spelled in messages; long ones are cut off.
template <class Extents>
std::string spelled_shape(const Extents& extents) {
  std::string result = "[";
  std::size_t count = 0;
  for (const auto extent : extents) {
    if (count == 20) {
      result += ", ...";
      break;
    }
    if (count++ != 0) result += ", ";
    result += std::to_string(extent);
  }
  return result + "]";
}

}  // namespace vitrail::inline VITRAIL_TU
