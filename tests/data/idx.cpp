// idx.cpp - IDX files, plain and packed: good ones come back, every bad one is refused with its reason.
#include <vitrail/data/idx.hpp>
#include <vitrail/error.hpp>

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "../io/messages.hpp"
#include "../io/temporary_folder.hpp"
#include "catch.hpp"

using namespace vitrail;
using namespace std::string_literals;

namespace {

std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}
std::string header(const std::vector<std::uint32_t>& shape) {
  std::string bytes = "\0\0\x08"s + static_cast<char>(shape.size());
  for (const std::uint32_t extent : shape) bytes += big_endian(extent);
  return bytes;
}
std::string idx(const std::vector<std::uint32_t>& shape) {
  std::size_t size = 1;
  for (const std::uint32_t extent : shape) size *= extent;
  std::string values(size, '\0');
  for (std::size_t i = 0; i < size; ++i) values[i] = static_cast<char>(i * 7 % 251);
  return header(shape) + values;
}

std::string packed(const std::string& text) {
  ::z_stream stream{};
  REQUIRE(::deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(::deflateBound(&stream, static_cast<::uLong>(text.size())) + 64, '\0');
  stream.next_in = reinterpret_cast<::Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<::uInt>(text.size());
  stream.next_out = reinterpret_cast<::Bytef*>(out.data());
  stream.avail_out = static_cast<::uInt>(out.size());
  REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}
std::string flipped(std::string bytes, std::size_t index_from_end) {
  char& byte = bytes[bytes.size() - 1 - index_from_end];
  byte = static_cast<char>(byte ^ 0x10);
  return bytes;
}

std::string message_for(const TemporaryFolder& folder, const std::string& bytes) {
  write_text(folder / "file", bytes);
  return message_of([&] { read_idx(folder / "file"); });
}

struct Case {
  std::string name, bytes, fragment;
};

}  // namespace

TEST_CASE("idx: every rank, plain and packed") {
  const TemporaryFolder folder;
  for (const std::vector<std::uint32_t>& shape :
       {std::vector<std::uint32_t>{5}, {3, 4}, {2, 3, 4}, {2, 3, 5, 4}, {1, 1, 1, 1}, {700'000}}) {
    const std::string bytes = idx(shape);
    for (const std::string& stored : {bytes, packed(bytes)}) {
      write_text(folder / "file", stored);
      const Idx read = read_idx(folder / "file");
      CHECK(read.shape == std::vector<std::size_t>(shape.begin(), shape.end()));
      const std::string values = bytes.substr(4 + 4 * shape.size());
      CHECK(read.values == std::vector<std::uint8_t>(values.begin(), values.end()));
    }
  }
}

TEST_CASE("idx: malformed files") {
  const TemporaryFolder folder;
  const std::string good = idx({2, 3, 4}), zipped = packed(good);
  std::vector<Case> cases{
      {"empty", "", "found one of 0 bytes"},
      {"text", "a text file, and not a short one",
       "expected an IDX file to start with two zero bytes, found 97 and 32"},
      {"first byte", "\1"s + good.substr(1), "two zero bytes, found 1 and 0"},
      {"second byte", "\0\1"s + good.substr(2), "two zero bytes, found 0 and 1"},
      {"signed bytes", "\0\0\x09"s + good.substr(3), "expected IDX type 8 (unsigned bytes), found type 9"},
      {"shorts", "\0\0\x0b"s + good.substr(3), "found type 11"},
      {"ints", "\0\0\x0c"s + good.substr(3), "found type 12"},
      {"floats", "\0\0\x0d"s + good.substr(3), "found type 13"},
      {"doubles", "\0\0\x0e"s + good.substr(3), "found type 14"},
      {"type 0", "\0\0\0"s + good.substr(3), "found type 0"},
      {"type 255", "\0\0\xff"s + good.substr(3), "found type 255"},
      {"rank 0", "\0\0\x08\0"s + "x", "expected an IDX rank of 1 to 4, found 0"},
      {"rank 5", "\0\0\x08\5"s + std::string(20, '\1') + "x", "found 5"},
      {"rank 255", "\0\0\x08\xff"s + std::string(2000, '\1'), "found 255"},
      {"extent 0", header({0}), "found extent 0 to be zero"},
      {"last extent 0", header({2, 3, 0}), "found extent 2 to be zero"},
      {"all extents 0", header({0, 0, 0, 0}), "found extent 0 to be zero"},
      {"extent 2^32 - 1", header({0xffffffffu}) + "xxxx", "expected at most 12 values, found extents [4294967295]"},
      {"all extents 2^32 - 1", header(std::vector<std::uint32_t>(4, 0xffffffffu)) + "xxxx",
       "found extents [4294967295] and more"},
      {"product wraps to 0", header({0x10000u, 0x10000u, 0x10000u, 0x10000u}) + "xxxx",
       "found extents [65536] and more"},
      {"product wraps to 1", header({641, 6700417}) + "x", "found extents [641] and more"},
      {"little-endian extents", "\0\0\x08\1\5\0\0\0"s + "12345", "found extents [83886080]"},
      {"one byte short", good.substr(0, good.size() - 1), "expected 24 values for [2, 3, 4], found 23"},
      {"one byte more", good + "x", "expected 24 values for [2, 3, 4], found more"},
      {"no values", header({4}), "expected 4 values for [4], found 0"},
      {"twice the file", good + good, "found more"},
      {"packed: text", packed("a text file"), "two zero bytes, found 97 and 32"},
      {"packed: empty", packed(""), "found one of 0 bytes"},
      {"packed: header cut", packed(good.substr(0, 9)), "expected 12 bytes of extents, found 5"},
      {"packed: one byte short", packed(good.substr(0, good.size() - 1)), "expected 24 values for [2, 3, 4], found 23"},
      {"packed: one byte more", packed(good + "x"), "expected 24 values for [2, 3, 4], found more"},
      {"packed: extent 2^32 - 1", packed(header({0xffffffffu}) + "xxxx"), "values, found extents [4294967295]"},
      {"packed: bad checksum", flipped(zipped, 7), "expected valid gzip data, found incorrect data check"},
      {"packed: bad length", flipped(zipped, 3), "expected valid gzip data, found incorrect length check"},
      {"packed: bad data", flipped(zipped, 20), ""},
      {"packed: two members", zipped + zipped, "after one gzip member, found more bytes"},
      {"packed: values in two members", packed(good.substr(0, 20)) + packed(good.substr(20)), "after one gzip member"},
      {"packed: an empty member behind", zipped + packed(""), "after one gzip member"},
      {"packed: bytes behind", zipped + "x", "after one gzip member"},
      {"packed: zeros behind", zipped + std::string(512, '\0'), "after one gzip member"},
      {"packed: only the magic", zipped.substr(0, 2), "found the end of the file"},
      {"packed: method 7", zipped.substr(0, 2) + "\7" + zipped.substr(3), "found unknown compression method"},
      {"packed: reserved flags", zipped.substr(0, 3) + "\xe0" + zipped.substr(4), "found unknown header flags set"},
      {"packed twice", packed(zipped), "two zero bytes, found 31 and 139"},
      {"packed: preset type", packed("\0\0\x0d"s + good.substr(3)), "found type 13"},
      {"packed: random", "\x1f\x8b\x08\0\0\0\0\0\0\3"s + std::string(100, '\xff'), "expected valid gzip data"},
  };
  for (std::size_t size = 1; size < 16; ++size) {
    const std::string expected = size < 4 ? "found one of " + std::to_string(size) + " bytes"
                                          : "expected 12 bytes of extents, found " + std::to_string(size - 4);
    cases.push_back({"header cut to " + std::to_string(size), good.substr(0, size), expected});
  }
  for (std::size_t size = 2; size < zipped.size(); ++size) {
    cases.push_back(
        {"packed file cut to " + std::to_string(size), zipped.substr(0, size), "found the end of the file"});
  }
  CHECK(cases.size() >= 90);
  for (const Case& one : cases) {
    INFO(one.name);
    const std::string message = message_for(folder, one.bytes);
    CHECK_THAT(message, contains("file: "));
    CHECK_THAT(message, contains(one.fragment));
  }
  CHECK_THAT(message_of([&] { read_idx(folder / "missing"); }), contains("missing: cannot be opened"));
  CHECK_THAT(message_of([&] { read_idx(folder.path); }), contains("found a directory"));
}

TEST_CASE("idx: every bit flip of a packed file is refused or harmless") {
  const TemporaryFolder folder;
  const std::string good = idx({2, 3, 4}), zipped = packed(good);
  write_text(folder / "file", good);
  const Idx expected = read_idx(folder / "file");
  const std::size_t bits = 8 * zipped.size();
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < bits; ++bit) {
    std::string bytes = zipped;
    bytes[bit / 8] = static_cast<char>(static_cast<unsigned char>(bytes[bit / 8]) ^ (1u << bit % 8));
    write_text(folder / "file", bytes);
    try {
      const Idx read = read_idx(folder / "file");
      CHECK((read.shape == expected.shape && read.values == expected.values));
    } catch (const io_error&) {
      ++refused;
    }
  }
  CHECK(refused < bits);  // the time stamp is harmless, say
  CHECK(refused + 100 > bits);
}

TEST_CASE("idx: a bomb unpacks no further than its extents") {
  const TemporaryFolder folder;
  const std::string zeros(20'000'000, '\0');  // NOLINT(bugprone-string-constructor): a bomb is large
  CHECK_THAT(message_for(folder, packed(header({1000}) + zeros)),
             contains("expected 1000 values for [1000], found more"));
  // Extents that the packed file cannot hold, and extents beyond what the caller allows.
  const std::string small = packed(header({0x40000000u}) + std::string(1000, '\0'));
  CHECK_THAT(message_for(folder, small), contains("expected at most " + std::to_string(small.size() * 1032)));
  write_text(folder / "file", packed(header({20'000'000}) + zeros));
  CHECK_THAT(message_of([&] { read_idx(folder / "file", 1 << 20); }), contains("expected at most 1048576 values"));
  CHECK(read_idx(folder / "file").values.size() == 20'000'000);
}

TEST_CASE("idx: images and labels belong together") {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& images, const std::string& labels, std::size_t classes) {
    write_text(folder / "images", images);
    write_text(folder / "labels", labels);
    return read_idx_images(folder / "images", folder / "labels", classes);
  };
  const std::string labels = header({2}) + "\3\0"s;
  const ImageSet grey = read(idx({2, 3, 4}), packed(labels), 4);
  CHECK(grey.size() == 2);
  CHECK((grey.channels == 1 && grey.height == 3 && grey.width == 4 && grey.classes == 4));
  CHECK(grey.labels == std::vector<std::int32_t>{3, 0});
  CHECK((grey.pixels.size() == 24 && grey.pixels[23] == 161));
  const ImageSet colour = read(idx({2, 3, 5, 4}), labels, 10);
  CHECK((colour.channels == 3 && colour.height == 5 && colour.width == 4));

  const auto refused = [&](const std::string& images, const std::string& text, std::size_t classes) {
    return message_of([&] { read(images, text, classes); });
  };
  CHECK_THAT(refused(idx({2, 3, 4}), labels, 3), contains("labels: expected labels below 3, found 3 for image 0"));
  CHECK_THAT(refused(idx({2, 3, 4}), header({2}) + "\0\xff"s, 10),
             contains("expected labels below 10, found 255 for image 1"));
  CHECK_THAT(refused(idx({2, 3, 4}), header({2}) + "\0\x0a"s, 10), contains("found 10 for image 1"));
  CHECK_THAT(refused(idx({2, 3, 4}), labels, 0), contains("expected labels below 0"));
  CHECK_THAT(refused(idx({3, 3, 4}), labels, 10), contains("expected a label for each of 3 images"));
  CHECK_THAT(refused(idx({1, 3, 4}), labels, 10), contains("found 2"));
  CHECK_THAT(refused(idx({2, 12}), labels, 10), contains("images: expected images of rank 3 or 4, found [2, 12]"));
  CHECK_THAT(refused(idx({2, 3, 4}), idx({2, 1}), 10), contains("labels: expected labels of rank 1, found [2, 1]"));
  CHECK_THAT(refused(idx({2, 3, 4}), idx({2, 3, 4}), 10), contains("labels: expected labels of rank 1"));
}

TEST_CASE("idx: Fashion-MNIST's files, packed or not") {
  const TemporaryFolder folder;
  const std::string labels = header({2}) + "\3\0"s;
  write_text(folder / "train-images-idx3-ubyte.gz", packed(idx({2, 28, 28})));
  write_text(folder / "train-labels-idx1-ubyte", labels);
  write_text(folder / "t10k-images-idx3-ubyte", idx({1, 28, 28}));
  CHECK_THAT(message_of([&] { find_fashion_mnist(folder.path); }),
             contains("expected t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz in this folder, found neither"));
  write_text(folder / "t10k-labels-idx1-ubyte.gz", packed(header({1}) + "\x09"s));
  const auto [train, test] = find_fashion_mnist(folder.path);
  CHECK((train.size() == 2 && train.height == 28 && train.width == 28 && train.channels == 1 && train.classes == 10));
  CHECK((test.size() == 1 && test.labels[0] == 9));
  write_text(folder / "t10k-images-idx3-ubyte", idx({1, 28, 27}));
  CHECK_THAT(message_of([&] { find_fashion_mnist(folder.path); }),
             contains("expected images of 28x28 pixels, found 28x27"));
  CHECK_THAT(message_of([&] { find_fashion_mnist(folder / "none"); }),
             contains("none: expected train-images-idx3-ubyte"));
}
