// safetensors_header.hpp - the header of a safetensors file, accepted only if every number in it agrees with the file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../error.hpp"
#include "dtype.hpp"
#include "safetensors_json.hpp"
#include "spelled.hpp"

namespace vitrail::inline VITRAIL_TU {

// A checked header: the tensors, in the order of their data, cover every byte after the header exactly once.
struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;
  std::vector<std::uint32_t> by_name;  // indices of `tensors`, names ascending
  std::map<std::string, std::string> metadata;
  std::uint64_t data_begin = 0;  // bytes from the start of the file

  // The tensor of that name, or null.
  const TensorInfo* find(std::string_view name) const {
    const auto before = [&](std::uint32_t index, std::string_view wanted) { return tensors[index].name < wanted; };
    const auto place = std::lower_bound(by_name.begin(), by_name.end(), name, before);
    return place != by_name.end() && tensors[*place].name == name ? &tensors[*place] : nullptr;
  }
};

// The number of elements; nothing if it overflows. Extents beside a zero count too, so that whoever multiplies part of
// the shape cannot overflow either.
inline std::optional<std::uint64_t> element_count(std::span<const std::size_t> shape) {
  std::uint64_t nonzero = 1;
  bool empty = false;
  for (const std::size_t extent : shape) {
    if (extent == 0) {
      empty = true;
    } else if (nonzero > (std::numeric_limits<std::uint64_t>::max() >> 1) / extent) {
      return std::nullopt;
    } else {
      nonzero *= extent;
    }
  }
  return empty ? 0 : nonzero;
}

// The bytes of a tensor; nothing if the number overflows or is not whole (an odd number of F4, say).
inline std::optional<std::uint64_t> byte_count(dtype type, std::span<const std::size_t> shape) {
  const auto count = element_count(shape);
  const std::uint64_t bits = dtype_bits(type);
  if (!count || *count > std::numeric_limits<std::uint64_t>::max() / bits || *count * bits % 8 != 0)
    return std::nullopt;
  return *count * bits / 8;
}

namespace detail {

// Faults that nlohmann::json's lexer does not see (it skips a byte order mark and takes a NUL for the end), and strings
// so long that the parser's copies of them would cost a multiple of the file.
inline void check_header_text(std::string_view text, std::string_view source) {
  const auto fail = [&](const char* what) { throw io_error(std::string(source) + ": the header " + what); };
  constexpr std::string_view white = " \t\r\n";
  const auto first = text.find_first_not_of(white), last = text.find_last_not_of(white);
  if (first == std::string_view::npos) fail("is empty: expected a JSON object");
  if (text[first] != '{') fail("starts with something else than '{': expected a JSON object");
  if (text[last] != '}') fail("ends with something else than '}': expected a JSON object");
  if (text.find('\0') != std::string_view::npos) fail("contains a NUL byte: expected JSON text");
  bool inside = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      inside = !inside;
      start = i;
    } else if (inside && text[i] == '\\') {
      ++i;
    }
    if (inside && i - start > SafetensorsLimits::string_bytes) fail("contains a string longer than 16 MiB");
  }
}

inline void check_layout(const SafetensorsHeader& header, std::uint64_t data_bytes, std::string_view source) {
  std::uint64_t reached = 0;
  for (const TensorInfo& tensor : header.tensors) {
    const auto fault = [&](const std::string& what) {
      return io_error(std::string(source) + ": tensor " + spelled(tensor.name) + ": " + what);
    };
    if (tensor.end < tensor.begin)
      throw fault("data_offsets: expected begin <= end, found " + std::to_string(tensor.begin) + " and " +
                  std::to_string(tensor.end));
    if (tensor.end > data_bytes)
      throw fault("data_offsets: expected an end within the file's " + std::to_string(data_bytes) +
                  " bytes of data, found " + std::to_string(tensor.end));
    const auto bytes = byte_count(tensor.type, tensor.shape);
    const std::string what = std::string(dtype_name(tensor.type)) + " " + spelled_shape(tensor.shape);
    if (!bytes) throw fault("shape: expected a whole number of bytes below 2^64, found " + what);
    if (tensor.end - tensor.begin != *bytes)
      throw fault("expected " + std::to_string(*bytes) + " bytes for " + what + ", found data_offsets with " +
                  std::to_string(tensor.end - tensor.begin));
    if (tensor.begin != reached)
      throw fault("data_offsets: expected a begin of " + std::to_string(reached) + " (no gap, no overlap), found " +
                  std::to_string(tensor.begin));
    reached = tensor.end;
  }
  if (reached != data_bytes)
    throw io_error(std::string(source) + ": expected " + std::to_string(reached) +
                   " bytes of data as the header says, found " + std::to_string(data_bytes));
}

}  // namespace detail

// The length in bytes of the header's text, from the first 8 bytes of a file. Throws io_error if such a file cannot
// hold it.
inline std::uint64_t safetensors_header_length(std::span<const std::byte> file_prefix, std::uint64_t file_size,
                                               std::string_view source) {
  const auto fail = [&](const std::string& what) { throw io_error(std::string(source) + ": " + what); };
  if (file_size < 8 || file_prefix.size() < 8)
    fail("expected at least 8 bytes, found " + std::to_string(std::min<std::uint64_t>(file_size, file_prefix.size())));
  std::uint64_t length = 0;
  std::memcpy(&length, file_prefix.data(), 8);
  if (length > SafetensorsLimits::header_bytes)
    fail("expected a header of at most " + std::to_string(SafetensorsLimits::header_bytes) +
         " bytes, found a length of " + std::to_string(length));
  if (length > file_size - 8)
    fail("expected a header of " + std::to_string(length) + " bytes, found a file of " + std::to_string(file_size));
  return length;
}

// Checks and parses the header of a safetensors file of `file_size` bytes, of which `file_prefix` holds at least the 8
// bytes of length and the header; `source` names the file in messages. Accepts no file that the reference
// implementation rejects, and rejects also: duplicate keys, tensors given as arrays, what exceeds SafetensorsLimits,
// control characters in names. Throws io_error. Memory: about 4 times the header at most.
inline SafetensorsHeader parse_header(std::span<const std::byte> file_prefix, std::uint64_t file_size,
                                      std::string_view source) {
  const std::uint64_t length = safetensors_header_length(file_prefix, file_size, source);
  if (file_prefix.size() - 8 < length)
    throw io_error(std::string(source) + ": expected " + std::to_string(length) + " bytes of header, was given " +
                   std::to_string(file_prefix.size() - 8));
  const std::string_view text(reinterpret_cast<const char*>(file_prefix.data()) + 8, static_cast<std::size_t>(length));
  detail::check_header_text(text, source);

  detail::SafetensorsHandler handler(source);
  // A handler that refuses throws, so the returned truth value carries nothing.
  nlohmann::json::sax_parse(text.begin(), text.end(), &handler);

  SafetensorsHeader header{std::move(handler.tensors), {}, std::move(handler.metadata), length + 8};
  std::sort(header.tensors.begin(), header.tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  header.by_name.resize(header.tensors.size());
  std::iota(header.by_name.begin(), header.by_name.end(), std::uint32_t{0});
  // Names are sorted, not hashed: a file cannot choose names that collide.
  std::sort(header.by_name.begin(), header.by_name.end(),
            [&](std::uint32_t a, std::uint32_t b) { return header.tensors[a].name < header.tensors[b].name; });
  for (std::size_t i = 1; i < header.by_name.size(); ++i) {
    const std::string& name = header.tensors[header.by_name[i]].name;
    if (header.tensors[header.by_name[i - 1]].name == name)
      throw io_error(std::string(source) + ": tensor " + spelled(name) +
                     ": expected unique names, found this one twice");
  }
  detail::check_layout(header, file_size - 8 - length, source);
  return header;
}

}  // namespace vitrail::inline VITRAIL_TU
