// safetensors_json.hpp - the JSON text at the start of a safetensors file, turned into tensor records as it is parsed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "../config.hpp"
#include "../error.hpp"
#include "dtype.hpp"
#include "spelled.hpp"
#include "tensor_info.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// Receives nlohmann::json's parse events. Its document tree is never built: it would take up to 76 bytes for a byte of
// header, keep the last of duplicate keys and turn -1 or 1.9 into an extent without a word. Every fault throws
// io_error.
class SafetensorsHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit SafetensorsHandler(std::string_view source) : source_(source) {}

  std::vector<TensorInfo> tensors;
  std::map<std::string, std::string> metadata;

  bool null() override {
    // The reference reads a null __metadata__ as none.
    return (place_ == Place::root && in_metadata_) || ignored() || refuse("null");
  }
  bool boolean(bool value) override { return ignored() || refuse(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override {
    return ignored() || refuse(std::to_string(value) + ", a signed number");
  }
  bool number_float(number_float_t, const string_t& text) override { return ignored() || refuse(spelled(text, 40)); }
  bool binary(binary_t&) override { return refuse("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::shape) {
      if (value > SafetensorsLimits::extent)
        fail("shape: expected extents of at most 2^48, found " + std::to_string(value));
      if (tensor_.shape.size() == SafetensorsLimits::rank)
        fail("shape: expected at most " + std::to_string(SafetensorsLimits::rank) + " extents, found more");
      tensor_.shape.push_back(static_cast<std::size_t>(value));
      return true;
    }
    if (place_ == Place::offsets) {
      if (offsets_ == 2) fail("data_offsets: expected 2 numbers, found more");
      (offsets_++ == 0 ? tensor_.begin : tensor_.end) = static_cast<std::size_t>(value);
      return true;
    }
    return ignored() || refuse(std::to_string(value));
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata) {
      metadata.emplace(key_, std::move(value));
      return true;
    }
    if (place_ == Place::tensor && field_ == Field::type) {
      const auto type = dtype_named(value);
      if (!type)
        fail("dtype: expected one that safetensors defines (F32, BF16, I64, ...), found " + spelled(value, 40));
      tensor_.type = *type;
      return true;
    }
    return ignored() || refuse("the string " + spelled(value, 40));
  }

  bool start_object(std::size_t) override {
    switch (place_) {
      case Place::file:
        place_ = Place::root;
        return true;
      case Place::root:
        if (in_metadata_) {
          place_ = Place::metadata;
        } else {
          place_ = Place::tensor;
          tensor_ = TensorInfo();
          tensor_.name = key_;
          seen_type_ = seen_shape_ = seen_offsets_ = false;
          extra_keys_.clear();
        }
        return true;
      default:
        return ignore_container() || refuse("an object");
    }
  }
  bool start_array(std::size_t) override {
    if (place_ == Place::tensor && field_ == Field::shape) {
      place_ = Place::shape;
    } else if (place_ == Place::tensor && field_ == Field::offsets) {
      place_ = Place::offsets;
      offsets_ = 0;
    } else if (!ignore_container()) {
      refuse("an array");
    }
    return true;
  }
  bool end_array() override {
    if (place_ == Place::offsets && offsets_ != 2)
      fail("data_offsets: expected 2 numbers, found " + std::to_string(offsets_));
    place_ = Place::tensor;
    return true;
  }
  bool end_object() override {
    if (place_ == Place::ignored) {
      place_ = Place::tensor;
    } else if (place_ == Place::root) {
      place_ = Place::file;
    } else {
      if (place_ == Place::tensor) finish_tensor();
      place_ = Place::root;
    }
    return true;
  }

  bool key(string_t& name) override {
    switch (place_) {
      case Place::root:
        key_ = name;
        in_metadata_ = name == "__metadata__";
        if (!in_metadata_)
          check_name(name);
        else if (std::exchange(seen_metadata_, true))
          fail("expected one __metadata__, found two");
        return true;
      case Place::metadata:
        key_ = name;
        if (metadata.contains(name)) fail("expected unique keys, found this one twice");
        if (metadata.size() == SafetensorsLimits::metadata_entries)
          fail("expected at most " + std::to_string(SafetensorsLimits::metadata_entries) + " entries, found more");
        return true;
      case Place::tensor:
        return start_field(name);
      default:  // of an object that is ignored
        insert_unknown(nested_keys_, name);
        return true;
    }
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& cause) override {
    throw io_error(std::string(source_) + ": the header is not valid JSON: " + spelled(cause.what(), 300));
  }

 private:
  enum class Place : std::uint8_t { file, root, metadata, tensor, shape, offsets, ignored };
  enum class Field : std::uint8_t { type, shape, offsets, unknown };

  // Unknown keys of a tensor are skipped, as the reference does: a later version of the format may define some.
  bool ignored() const { return place_ == Place::ignored || (place_ == Place::tensor && field_ == Field::unknown); }
  bool ignore_container() {
    if (!ignored()) return false;
    if (place_ == Place::ignored) fail(spelled(extra_key_) + ": expected at most 3 nested levels, found more");
    place_ = Place::ignored;
    nested_keys_.clear();
    return true;
  }

  bool start_field(const std::string& name) {
    bool repeated = false;
    if (name == "dtype") {
      field_ = Field::type;
      repeated = std::exchange(seen_type_, true);
    } else if (name == "shape") {
      field_ = Field::shape;
      repeated = std::exchange(seen_shape_, true);
    } else if (name == "data_offsets") {
      field_ = Field::offsets;
      repeated = std::exchange(seen_offsets_, true);
    } else {
      field_ = Field::unknown;
      insert_unknown(extra_keys_, name);
      extra_key_ = name;
    }
    if (repeated) fail("expected unique keys, found " + spelled(name) + " twice");
    return true;
  }
  void insert_unknown(std::set<std::string>& keys, const std::string& name) const {
    if (!keys.insert(name).second) fail("expected unique keys, found " + spelled(name) + " twice");
    if (keys.size() > SafetensorsLimits::unknown_keys)
      fail("expected at most " + std::to_string(SafetensorsLimits::unknown_keys) + " unknown keys, found more");
  }

  void finish_tensor() {
    const char* missing = !seen_type_ ? "dtype" : !seen_shape_ ? "shape" : !seen_offsets_ ? "data_offsets" : nullptr;
    if (missing != nullptr) fail(std::string("expected dtype, shape and data_offsets, found no ") + missing);
    if (tensors.size() == SafetensorsLimits::tensors)
      fail("expected at most " + std::to_string(SafetensorsLimits::tensors) + " tensors, found more");
    tensors.push_back(std::move(tensor_));
  }

  void check_name(const std::string& name) const {
    if (name.size() > SafetensorsLimits::name_bytes)
      fail("expected a name of at most " + std::to_string(SafetensorsLimits::name_bytes) + " bytes, found " +
           std::to_string(name.size()));
    for (const char character : name)
      if (const auto byte = static_cast<unsigned char>(character); byte < 0x20 || byte == 0x7f)
        fail("expected a name without control characters, found one with");
  }

  // What stands where the parser is, named by what is expected there.
  [[noreturn]] bool refuse(const std::string& found) const {
    switch (place_) {
      case Place::file:
        throw io_error(std::string(source_) + ": expected the header to be a JSON object, found " + found);
      case Place::root:
        fail((in_metadata_ ? "expected an object of strings, found "
                           : "expected an object with dtype, shape and data_offsets, found ") +
             found);
      case Place::metadata:
        fail("expected a string, found " + found);
      case Place::shape:
        fail("shape: expected unsigned integers, found " + found);
      case Place::offsets:
        fail("data_offsets: expected unsigned integers, found " + found);
      default:
        fail(field_ == Field::type    ? "dtype: expected a string, found " + found
             : field_ == Field::shape ? "shape: expected an array of unsigned integers, found " + found
                                      : "data_offsets: expected an array of 2 unsigned integers, found " + found);
    }
  }
  [[noreturn]] void fail(const std::string& what) const {
    const std::string where = place_ == Place::metadata ? "metadata " + spelled(key_)
                              : in_metadata_            ? "__metadata__"
                                                        : "tensor " + spelled(key_);
    throw io_error(std::string(source_) + ": " + where + ": " + what);
  }

  std::string_view source_;
  Place place_ = Place::file;
  Field field_ = Field::unknown;
  bool in_metadata_ = false, seen_metadata_ = false, seen_type_ = false, seen_shape_ = false, seen_offsets_ = false;
  std::size_t offsets_ = 0;
  std::string key_, extra_key_;
  TensorInfo tensor_;
  std::set<std::string> extra_keys_, nested_keys_;
};

}  // namespace detail
}  // namespace vitrail::inline VITRAIL_TU
