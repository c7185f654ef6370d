// safetensors_writer.hpp - writes a safetensors file: the same bytes for the same tensors, in one step.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../error.hpp"
#include "atomic_file.hpp"
#include "dtype.hpp"
#include "safetensors_header.hpp"
#include "spelled.hpp"

namespace vitrail::inline VITRAIL_TU {

// A tensor to write: `data` points to its elements as the format stores them (row-major, little-endian, bytes of dtype
// `type`).
struct TensorToWrite {
  std::string name;
  dtype type = dtype::f32;
  std::vector<std::size_t> shape;
  const void* data = nullptr;
};

namespace detail {

// A JSON string, escaped as the reference implementation does.
inline void append_json_string(std::string& text, std::string_view value) {
  static constexpr std::string_view digits = "0123456789abcdef", shorts = "btn?fr";
  text += '"';
  for (const char character : value) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte == '"' || byte == '\\') {
      text += '\\';
      text += character;
    } else if (byte >= 8 && byte <= 13 && byte != 11) {
      text += '\\';
      text += shorts[byte - 8u];
    } else if (byte < 0x20) {
      text += "\\u00";
      text += digits[byte >> 4];
      text += digits[byte & 15];
    } else {
      text += character;
    }
  }
  text += '"';
}

inline void append_json_array(std::string& text, std::span<const std::size_t> values) {
  text += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i != 0) text += ',';
    text += std::to_string(values[i]);
  }
  text += ']';
}

}  // namespace detail

// Writes `tensors` and `metadata` to `path`; the old content of `path` stays until the new one is complete and durable
// (AtomicFile). The order is the reference implementation's: descending dtype, then ascending name, so that every
// tensor is aligned to its element. Throws io_error for a name given twice, a name, shape or text that
// Safetensors::open would reject, and when writing fails.
template <class FileOperations = PosixFile>
void write_safetensors(const std::filesystem::path& path, std::span<const TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata = {}) {
  const std::string source = path.string();
  std::vector<const TensorToWrite*> order;
  order.reserve(tensors.size());
  for (const TensorToWrite& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const TensorToWrite* a, const TensorToWrite* b) {
    return std::tie(b->type, a->name) < std::tie(a->type, b->name);
  });

  std::string text = "{";
  const auto separate = [&] {
    if (text.size() > 1) text += ',';
  };
  if (!metadata.empty()) {
    text += "\"__metadata__\":{";
    for (bool first = true; const auto& [key, value] : metadata) {
      if (!std::exchange(first, false)) text += ',';
      detail::append_json_string(text, key);
      text += ':';
      detail::append_json_string(text, value);
    }
    text += '}';
  }
  std::vector<std::span<const std::byte>> data;
  data.reserve(order.size());
  std::uint64_t reached = 0;
  for (const TensorToWrite* tensor : order) {
    const auto bytes = byte_count(tensor->type, tensor->shape);
    const auto fault = [&](const std::string& what) {
      return io_error(source + ": tensor " + spelled(tensor->name) + ": " + what);
    };
    if (!bytes || *bytes > (std::uint64_t{1} << 62) - reached)
      throw fault("expected a whole number of bytes that a file can hold, found " +
                  std::string(dtype_name(tensor->type)) + " " + spelled_shape(tensor->shape));
    if (tensor->data == nullptr && *bytes != 0)
      throw fault("expected " + std::to_string(*bytes) + " bytes, found a null pointer");
    if (tensor->name == "__metadata__") throw fault("expected another name, found the one that the format reserves");
    separate();
    detail::append_json_string(text, tensor->name);
    text += ":{\"dtype\":\"";
    text += dtype_name(tensor->type);
    text += "\",\"shape\":";
    detail::append_json_array(text, tensor->shape);
    text += ",\"data_offsets\":";
    detail::append_json_array(text, std::array<std::size_t, 2>{static_cast<std::size_t>(reached),
                                                               static_cast<std::size_t>(reached + *bytes)});
    text += '}';
    data.emplace_back(static_cast<const std::byte*>(tensor->data), static_cast<std::size_t>(*bytes));
    reached += *bytes;
  }
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');

  std::vector<std::byte> header(8 + text.size());
  const std::uint64_t length = text.size();
  std::memcpy(header.data(), &length, 8);
  std::memcpy(header.data() + 8, text.data(), text.size());
  // What cannot be read back must not be written: names that are not UTF-8 or not unique, too high a rank, too long a
  // header.
  parse_header(header, header.size() + reached, source);

  AtomicFile<FileOperations> file(path);
  file.write(header);
  for (const std::span<const std::byte> values : data) file.write(values);
  file.commit();
}

}  // namespace vitrail::inline VITRAIL_TU
