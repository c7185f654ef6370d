// safetensors.hpp - reads the tensors of a safetensors file, the format of Hugging Face, timm and peft.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../error.hpp"
#include "dtype.hpp"
#include "input_file.hpp"
#include "safetensors_header.hpp"
#include "spelled.hpp"

namespace vitrail::inline VITRAIL_TU {

// An opened file whose header has been checked as a whole; tensors are read one by one, so memory stays at one tensor.
// Reading through a const object from several threads is fine.
class Safetensors {
 public:
  // Throws io_error if the file cannot be read or is not a safetensors file (parse_header says what is checked).
  static Safetensors open(const std::filesystem::path& path) {
    InputFile file(path);
    std::vector<std::byte> prefix(static_cast<std::size_t>(std::min<std::uint64_t>(8, file.size())));
    file.read_at(0, prefix.data(), prefix.size());
    const std::uint64_t length = safetensors_header_length(prefix, file.size(), file.name());
    prefix.resize(static_cast<std::size_t>(8 + length));
    file.read_at(8, prefix.data() + 8, static_cast<std::size_t>(length));
    SafetensorsHeader header = parse_header(prefix, file.size(), file.name());
    return Safetensors(std::move(file), std::move(header));
  }

  // In the order of their data in the file.
  const std::vector<TensorInfo>& tensors() const { return header_.tensors; }
  const std::map<std::string, std::string>& metadata() const { return header_.metadata; }
  // The file's name, as messages show it.
  const std::string& name() const { return file_.name(); }

  // The tensor of that name, or null.
  const TensorInfo* find(std::string_view name) const { return header_.find(name); }
  // The tensor of that name. Throws io_error if there is none.
  const TensorInfo& at(std::string_view name) const {
    if (const TensorInfo* info = find(name)) return *info;
    throw io_error(file_.name() + ": expected a tensor " + spelled(name) + ", found none of that name among " +
                   std::to_string(header_.tensors.size()));
  }

  // Reads the elements of a tensor of this file into `out`, row-major: F16, BF16, F32 and F64 as float or double,
  // integers and BOOL as any integer type that holds their values. Throws shape_error unless `out` has as many
  // elements, io_error for another dtype, for a value that T cannot hold, and if the file cannot be read; `out` may
  // then be partly written.
  template <Readable T>
  void read(const TensorInfo& info, std::span<T> out) const {
    if (!convertible<T>(info.type))
      fail(info, std::string("expected a dtype that can be read as ") + std::string(dtype_name(dtype_of<T>)) +
                     ", found " + std::string(dtype_name(info.type)));
    const std::uint64_t bytes = checked_bytes(info);
    const std::uint64_t count = bytes * 8 / dtype_bits(info.type);
    if (out.size() != count)
      throw shape_error(file_.name() + ": tensor " + spelled(info.name) + ": expected room for " +
                        std::to_string(count) + " elements " + spelled_shape(info.shape) + ", found room for " +
                        std::to_string(out.size()));
    const std::uint64_t begin = header_.data_begin + info.begin;
    if (info.type == dtype_of<T>) return file_.read_at(begin, out.data(), static_cast<std::size_t>(bytes));

    const std::size_t width = dtype_bits(info.type) / 8, step = chunk_bytes / width;
    std::vector<std::byte> chunk(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, chunk_bytes)));
    for (std::size_t done = 0; done < out.size(); done += step) {
      const std::size_t now = std::min(step, out.size() - done);
      file_.read_at(begin + done * width, chunk.data(), now * width);
      const std::size_t converted = convert(info.type, chunk.data(), now, out.data() + done);
      if (converted != now)
        fail(info, "expected values that " + std::string(dtype_name(dtype_of<T>)) +
                       " can hold, found another at element " + std::to_string(done + converted));
    }
  }
  // The same by name, into new memory.
  template <Readable T>
  std::vector<T> read(std::string_view name) const {
    const TensorInfo& info = at(name);
    if (!convertible<T>(info.type)) read(info, std::span<T>());  // throws; F4 and F6 have no whole bytes to count by
    std::vector<T> values(static_cast<std::size_t>(checked_bytes(info) * 8 / dtype_bits(info.type)));
    read(info, std::span<T>(values));
    return values;
  }
  // Reads a tensor's bytes as they are stored. `out` must be as long (shape_error).
  void read_bytes(const TensorInfo& info, std::span<std::byte> out) const {
    const std::uint64_t bytes = checked_bytes(info);
    if (out.size() != bytes)
      throw shape_error(file_.name() + ": tensor " + spelled(info.name) + ": expected room for " +
                        std::to_string(bytes) + " bytes, found room for " + std::to_string(out.size()));
    file_.read_at(header_.data_begin + info.begin, out.data(), out.size());
  }

 private:
  static constexpr std::size_t chunk_bytes = std::size_t{1}
                                             << 16;  // stays in the second-level cache until it is converted

  Safetensors(InputFile file, SafetensorsHeader header) : file_(std::move(file)), header_(std::move(header)) {}

  [[noreturn]] void fail(const TensorInfo& info, const std::string& what) const {
    throw io_error(file_.name() + ": tensor " + spelled(info.name) + ": " + what);
  }
  // Anyone can make a TensorInfo, so it is not trusted to be one of this file.
  std::uint64_t checked_bytes(const TensorInfo& info) const {
    const TensorInfo* own = find(info.name);
    if (own == nullptr || own->type != info.type || own->begin != info.begin || own->end != info.end)
      fail(info, "expected a tensor of this file, found a description that is not");
    return own->end - own->begin;
  }

  InputFile file_;
  SafetensorsHeader header_;
};

}  // namespace vitrail::inline VITRAIL_TU
