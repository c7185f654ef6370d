// safetensors_files.cpp - what is written comes back; conversions; files that are not what they seem.
#include <vitrail/error.hpp>
#include <vitrail/io/safetensors.hpp>
#include <vitrail/io/safetensors_writer.hpp>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "messages.hpp"
#include "safetensors_text.hpp"
#include "temporary_folder.hpp"

using namespace vitrail;

namespace {

// A file with one tensor "t" of `elements`, stored as they are in memory.
template <class Element>
Safetensors with_one(const TemporaryFolder& folder, dtype type, const std::vector<Element>& elements) {
  const TensorToWrite tensor{"t", type, {elements.size()}, elements.data()};
  write_safetensors(folder / "one.safetensors", std::span(&tensor, 1));
  return Safetensors::open(folder / "one.safetensors");
}

}  // namespace

TEST_CASE("safetensors: every dtype comes back") {
  const TemporaryFolder folder;
  std::vector<unsigned char> data(4096);
  std::iota(data.begin(), data.end(), static_cast<unsigned char>(3));
  std::vector<TensorToWrite> tensors;
  for (std::size_t i = 0; i < 22; ++i) {
    const auto type = static_cast<dtype>(i);
    const std::string name(dtype_name(type));
    tensors.push_back({name + ".matrix", type, {3, 4}, data.data() + i});
    tensors.push_back({name + ".scalars", type, {8, 1, 1, 1}, data.data() + 2 * i});
    tensors.push_back({name + ".empty", type, {2, 0, 5}, nullptr});
    if (dtype_bits(type) % 8 == 0) tensors.push_back({name + ".scalar", type, {}, data.data() + 3 * i});
    CHECK(dtype_named(name) == type);
  }
  const std::map<std::string, std::string> metadata{
      {"format", "pt"}, {"", ""}, {"text\"\\", std::string("\0\n\t\x1f\x7fé", 7)}};
  write_safetensors(folder / "all.safetensors", tensors, metadata);
  const Safetensors file = Safetensors::open(folder / "all.safetensors");
  CHECK(file.metadata() == metadata);
  REQUIRE(file.tensors().size() == tensors.size());
  for (const TensorToWrite& written : tensors) {
    INFO(written.name);
    const TensorInfo& read = file.at(written.name);
    CHECK(read.type == written.type);
    CHECK(read.shape == written.shape);
    std::vector<std::byte> bytes(read.end - read.begin);
    CHECK(byte_count(written.type, written.shape) == bytes.size());
    file.read_bytes(read, bytes);
    CHECK((bytes.empty() || std::memcmp(bytes.data(), written.data, bytes.size()) == 0));
    // Aligned to its element, so that others may map the file.
    CHECK(read.begin * 8 % std::max<std::size_t>(dtype_bits(read.type), 8) == 0);
  }
  CHECK(file.find("nothing") == nullptr);
  CHECK_THAT(message_of([&] { file.at("nothing"); }),
             contains("all.safetensors: expected a tensor 'nothing', found none"));
}

TEST_CASE("safetensors: the bytes are the reference's, whatever the order given") {
  const TemporaryFolder folder;
  const std::array<float, 6> values{0, 1, 2, 3, 4, 5};
  const std::array<std::int64_t, 1> count{7};
  std::vector<TensorToWrite> tensors{{"attn.0", dtype::f32, {1, 2, 3}, values.data()},
                                     {"a", dtype::f32, {1}, values.data() + 1},
                                     {"z", dtype::i64, {}, count.data()}};
  write_safetensors(folder / "a", tensors, {{"framework", "pt"}});
  std::swap(tensors[0], tensors[2]);
  write_safetensors(folder / "b", tensors, {{"framework", "pt"}});
  const std::string bytes = read_text(folder / "a");
  CHECK(bytes == read_text(folder / "b"));
  const std::string header =
      R"({"__metadata__":{"framework":"pt"},"z":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
      R"("a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},)"
      R"("attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[12,36]}})";
  CHECK(bytes.substr(8, header.size()) == header);
  CHECK(bytes.size() == 8 + (header.size() + 7) / 8 * 8 + 36);

  write_safetensors(folder / "empty", {});
  CHECK(read_text(folder / "empty") == std::string("\x08\0\0\0\0\0\0\0{}      ", 16));
}

TEST_CASE("safetensors: halves and bfloat16 become float exactly") {
  const TemporaryFolder folder;
  std::vector<std::uint16_t> all(65536);
  std::iota(all.begin(), all.end(), std::uint16_t{0});
  const auto halves = with_one(folder, dtype::f16, all).read<float>("t");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const unsigned exponent = i >> 10 & 31, fraction = i & 1023;
    const double sign = i >= 32768 ? -1 : 1;
    const double expected = exponent == 31  ? (fraction != 0 ? std::nan("") : sign * HUGE_VAL)
                            : exponent == 0 ? sign * std::ldexp(fraction, -24)
                                            : sign * std::ldexp(1024 + fraction, static_cast<int>(exponent) - 25);
    const bool same = std::isnan(expected)
                          ? std::isnan(halves[i])
                          : halves[i] == static_cast<float>(expected) && std::signbit(halves[i]) == (sign < 0);
    if (!same) FAIL("half " << i << ": expected " << expected << ", found " << halves[i]);
  }
  const Safetensors brains = with_one(folder, dtype::bf16, all);
  const auto singles = brains.read<float>("t");
  const auto doubles = brains.read<double>("t");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool same = std::bit_cast<std::uint32_t>(singles[i]) == i << 16 &&
                      (std::isnan(singles[i]) ? std::isnan(doubles[i]) : doubles[i] == static_cast<double>(singles[i]));
    if (!same) FAIL("bfloat16 " << i << ": found " << singles[i]);
  }
}

TEST_CASE("safetensors: floats, doubles and integers") {
  const TemporaryFolder folder;
  const std::vector<double> doubles{0.1, -0.0, 1e-320, HUGE_VAL, -3.5e38};
  {
    const Safetensors file = with_one(folder, dtype::f64, doubles);
    CHECK(file.read<double>("t") == doubles);
    CHECK_THAT(message_of([&] { file.read<float>("t"); }),
               contains("tensor 't': expected values that F32 can hold, found another at element 4"));
    CHECK_THAT(message_of([&] { file.read<std::int32_t>("t"); }),
               contains("expected a dtype that can be read as I32, found F64"));
  }
  const std::vector<double> fitting{0.1, -0.0, 1e-320, HUGE_VAL, -3.4e38};
  CHECK(with_one(folder, dtype::f64, fitting).read<float>("t") ==
        std::vector<float>{0.1f, -0.0f, 0.0f, HUGE_VALF, -3.4e38f});
  CHECK(with_one(folder, dtype::f32, std::vector<float>{0.1f, 3e38f}).read<double>("t") ==
        std::vector<double>{static_cast<double>(0.1f), static_cast<double>(3e38f)});

  const std::vector<std::int64_t> wide{0, -1, 127, -128, 2147483647, -2147483648LL};
  const Safetensors integers = with_one(folder, dtype::i64, wide);
  CHECK(integers.read<std::int32_t>("t") == std::vector<std::int32_t>{0, -1, 127, -128, 2147483647, -2147483647 - 1});
  CHECK_THAT(message_of([&] { integers.read<std::int8_t>("t"); }), contains("I8 can hold, found another at element 4"));
  CHECK_THAT(message_of([&] { integers.read<std::uint64_t>("t"); }),
             contains("U64 can hold, found another at element 1"));
  CHECK_THAT(message_of([&] { integers.read<float>("t"); }),
             contains("expected a dtype that can be read as F32, found I64"));
  CHECK(with_one(folder, dtype::boolean, std::vector<std::uint8_t>{0, 1, 2}).read<std::int32_t>("t") ==
        std::vector<std::int32_t>{0, 1, 1});
  CHECK(with_one(folder, dtype::u8, std::vector<std::uint8_t>{0, 200}).read<std::uint16_t>("t") ==
        std::vector<std::uint16_t>{0, 200});
  CHECK_THAT(message_of([&] {
               with_one(folder, dtype::f8_e4m3, std::vector<std::uint8_t>{0, 1}).read<float>("t");
             }),
             contains("found F8_E4M3"));
  CHECK_THAT(message_of([&] {
               with_one(folder, dtype::f4, std::vector<std::uint8_t>{0, 1}).read<float>("t");
             }),
             contains("found F4"));
}

TEST_CASE("safetensors: many chunks, unaligned data, small rooms") {
  const TemporaryFolder folder;
  // More than one chunk, and behind a header and a tensor that leave it at an odd byte.
  std::vector<float> values(100'003);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 0.25f;
  using namespace safetensors_cases;
  std::string bytes = safetensors_cases::file(
      std::string("{") + tensor("a", "U8", "[1]", "[0,1]") + "," + tensor("v", "F32", "[100003]", "[1,400013]") + "}",
      1);
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * 4);
  write_text(folder / "odd.safetensors", bytes);
  const Safetensors file = Safetensors::open(folder / "odd.safetensors");
  CHECK(file.read<float>("v") == values);
  CHECK(file.read<double>("v") == std::vector<double>(values.begin(), values.end()));

  const TensorInfo& info = file.at("v");
  std::vector<float> small(values.size() - 1);
  std::vector<std::byte> few(7);
  CHECK_THROWS_AS(file.read(info, std::span<float>(small)), shape_error);
  CHECK_THAT(
      message_of([&] { file.read(info, std::span<float>(small)); }),
      contains("odd.safetensors: tensor 'v': expected room for 100003 elements [100003], found room for 100002"));
  CHECK_THROWS_AS(file.read_bytes(info, std::span(few)), shape_error);
  TensorInfo made_up = info;
  made_up.end += 4;
  CHECK_THAT(message_of([&] { file.read(made_up, std::span<float>(small)); }),
             contains("expected a tensor of this file"));

  // The file is cut off after it was opened.
  std::filesystem::resize_file(folder / "odd.safetensors", bytes.size() - 1000);
  CHECK_THAT(message_of([&] { file.read<float>("v"); }), contains("found the end of the file"));
}

TEST_CASE("safetensors: not files") {
  const TemporaryFolder folder;
  CHECK_THAT(message_of([&] { Safetensors::open(folder / "missing"); }), contains("missing: cannot be opened: "));
  CHECK_THAT(message_of([&] { Safetensors::open(folder.path); }),
             contains("expected a regular file, found a directory"));
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_THAT(message_of([&] { Safetensors::open(folder / "pipe"); }),
             contains("expected a regular file, found something else"));
  write_text(folder / "empty", "");
  CHECK_THAT(message_of([&] { Safetensors::open(folder / "empty"); }),
             contains("empty: expected at least 8 bytes, found 0"));
}

TEST_CASE("safetensors: what must not be written is not") {
  const TemporaryFolder folder;
  write_text(folder / "file", "old");
  const float value = 1;
  const auto refused = [&](std::vector<TensorToWrite> tensors,
                           const std::map<std::string, std::string>& metadata = {}) {
    const std::string message = message_of([&] { write_safetensors(folder / "file", tensors, metadata); });
    CHECK(read_text(folder / "file") == "old");
    CHECK(folder.entries() == 1);
    return message;
  };
  CHECK_THAT(refused({{"t", dtype::f32, {1}, &value}, {"t", dtype::f32, {1}, &value}}),
             contains("tensor 't': expected unique names"));
  CHECK_THAT(refused({{"__metadata__", dtype::f32, {1}, &value}}), contains("the one that the format reserves"));
  CHECK_THAT(refused({{"t", dtype::f32, {2}, nullptr}}), contains("expected 8 bytes, found a null pointer"));
  CHECK_THAT(refused({{"t", dtype::f4, {3}, &value}}), contains("expected a whole number of bytes"));
  CHECK_THAT(refused({{"t", dtype::f32, {std::size_t{1} << 40, std::size_t{1} << 40}, &value}}),
             contains("F32 [1099511627776, 1099511627776]"));
  std::vector<TensorToWrite> exbibytes;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    exbibytes.push_back({name, dtype::u8, {std::size_t{1} << 48, 4096}, &value});
  }
  CHECK_THAT(refused(exbibytes), contains("tensor 'e': expected a whole number of bytes that a file can hold"));
  CHECK_THAT(refused({{"t", dtype::f32, std::vector<std::size_t>(17, 1), &value}}), contains("at most 16 extents"));
  CHECK_THAT(refused({{"a\nb", dtype::f32, {1}, &value}}),
             contains("tensor 'a\\x0ab': expected a name without control characters"));
  CHECK_THAT(refused({{"\xff", dtype::f32, {1}, &value}}), contains("not valid JSON"));
  CHECK_THAT(refused({{std::string(5000, 'n'), dtype::f32, {1}, &value}}), contains("at most 4096 bytes"));
  CHECK_THAT(refused({}, {{"k", "\xc3"}}), contains("not valid JSON"));
  CHECK_THAT(message_of([&] { write_safetensors(folder / "no folder" / "file", {}); }),
             contains("cannot create a temporary file"));
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if !defined(__SANITIZE_ADDRESS__)  // the sanitizer keeps freed memory
// In a child of its own, because only the largest memory that a process ever had can be asked for.
TEST_CASE("safetensors: a hostile file does not make the reader grow") {
  const TemporaryFolder folder;
  const auto grown_mib = [&](const std::string& bytes) {
    write_text(folder / "file", bytes);
    const pid_t child = ::fork();
    if (child == 0) {
      struct ::rusage before {
      }, after{};
      ::getrusage(RUSAGE_SELF, &before);
      bool refused = false;
      try {
        Safetensors::open(folder / "file");
      } catch (const io_error&) {
        refused = true;
      }
      ::getrusage(RUSAGE_SELF, &after);
      ::_exit(!refused ? 255 : static_cast<int>(std::min<long>(254, (after.ru_maxrss - before.ru_maxrss) / 1024)));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  using namespace safetensors_cases;
  // 4 MB each; the limit is 16 MB and twice the file.
  const std::size_t size = 4'000'000;
  CHECK(grown_mib(with_length(100'000'000, "{}")) <= 16);
  CHECK(grown_mib(safetensors_cases::file("{\"t\":" + std::string(size, '['))) <= 24);
  CHECK(grown_mib(safetensors_cases::file(std::string(size, '{') + "}")) <= 24);
  CHECK(grown_mib(safetensors_cases::file("{\"t\":{\"later\":" + list_of("[", size / 2) + "}}")) <= 24);
  CHECK(grown_mib(safetensors_cases::file("{\"t\":{\"shape\":" + list_of("1", size / 2) + "}}")) <= 24);
  CHECK(grown_mib(safetensors_cases::file("{\"" + std::string(size, 'n') + "\":1}")) <= 24);
  CHECK(grown_mib(safetensors_cases::file(
            std::string("{") + repeated(R"("t":{"dtype":"U8","shape":[],"data_offsets":[0,1]},)", size / 51) + "}",
            1)) <= 24);
  // Refused only when all of it has been parsed.
  std::string overlapping = "{";
  while (overlapping.size() < size) {
    overlapping += tensor("t" + std::to_string(overlapping.size()), "U8", "[1]", "[0,1]") + ",";
  }
  overlapping.back() = '}';
  CHECK(grown_mib(safetensors_cases::file(overlapping, 1)) <= 24);
}
#endif
