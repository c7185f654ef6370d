// cifar.cpp - CIFAR's binary files: good ones come back, every bad one is refused with its reason.
#include "vitrail/data/cifar.hpp"

#include <cstddef>
#include <string>

#include "../io/messages.hpp"
#include "../io/temporary_folder.hpp"
#include "catch.hpp"

namespace vt = vitrail;

namespace {

// A record whose pixels are (3 * place + label) mod 256.
std::string record(const std::string& labels) {
  std::string bytes = labels;
  for (std::size_t i = 0; i < 3072; ++i) bytes += static_cast<char>(3 * i + static_cast<unsigned char>(labels.back()));
  return bytes;
}

}  // namespace

TEST_CASE("cifar: labels and pixels of both formats") {
  const TemporaryFolder folder;
  write_text(folder / "ten", record("\x03") + record("\x09"));
  write_text(folder / "hundred", record("\x13\x63"));
  vt::ImageSet ten, hundred;
  vt::read_cifar(folder / "ten", vt::cifar10, ten);
  CHECK((ten.channels == 3 && ten.height == 32 && ten.width == 32 && ten.classes == 10));
  CHECK(ten.labels == std::vector<std::int32_t>{3, 9});
  REQUIRE(ten.pixels.size() == 2 * 3072);
  CHECK(
      (ten.pixels[0] == 3 && ten.pixels[1] == 6 && ten.pixels[3072] == 9 && ten.pixels[6143] == (3 * 3071 + 9) % 256));
  vt::read_cifar(folder / "hundred", vt::cifar100, hundred);
  CHECK(hundred.classes == 100);
  CHECK(hundred.labels == std::vector<std::int32_t>{99});  // the fine one
  CHECK(hundred.pixels[0] == 99);
}

TEST_CASE("cifar: malformed files are named, with what was expected and found; the set stays as it was") {
  const TemporaryFolder folder;
  vt::ImageSet set;
  write_text(folder / "good", record("\x03"));
  vt::read_cifar(folder / "good", vt::cifar10, set);
  const auto message = [&](const std::string& bytes, const vt::CifarFormat& format) {
    write_text(folder / "file", bytes);
    return message_of([&] { vt::read_cifar(folder / "file", format, set); });
  };
  const std::string good = record("\x03");
  CHECK_THAT(message("", vt::cifar10), contains("file: expected whole records of 3073 bytes, found 0 bytes"));
  CHECK_THAT(message(good.substr(1), vt::cifar10), contains("found 3072 bytes"));
  CHECK_THAT(message(good + "x", vt::cifar10), contains("found 3074 bytes"));
  CHECK_THAT(message(good, vt::cifar100), contains("expected whole records of 3074 bytes, found 3073 bytes"));
  CHECK_THAT(message(good + record("\x0a"), vt::cifar10),
             contains("file: expected labels below 10, found 10 for image 1"));
  CHECK_THAT(message(record("\x01\x64"), vt::cifar100), contains("expected labels below 100, found 100 for image 0"));
  CHECK_THAT(message_of([&] { vt::read_cifar(folder / "none", vt::cifar10, set); }),
             contains("none: cannot be opened"));
  CHECK_THAT(message_of([&] { vt::read_cifar(folder.path, vt::cifar10, set); }), contains("found a directory"));
  CHECK((set.size() == 1 && set.pixels.size() == 3072));
}

TEST_CASE("cifar: the folders as they are published") {
  const TemporaryFolder folder;
  CHECK_THAT(message_of([&] { vt::find_cifar(folder.path); }),
             contains("expected data_batch_1.bin of CIFAR-10 or train.bin of CIFAR-100 in this folder, found neither"));
  write_text(folder / "train.bin", record("\x01\x02") + record("\x02\x01"));
  CHECK_THAT(message_of([&] { vt::find_cifar(folder.path); }), contains("test.bin: cannot be opened"));
  write_text(folder / "test.bin", record("\x01\x32"));
  const auto hundred = vt::find_cifar(folder.path);
  CHECK((hundred.train.size() == 2 && hundred.test.size() == 1 && hundred.test.labels[0] == 50));
  for (const char* name : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin"})
    write_text(folder / name, record("\x05"));
  CHECK_THAT(message_of([&] { vt::find_cifar(folder.path); }), contains("data_batch_5.bin: cannot be opened"));
  write_text(folder / "data_batch_5.bin", record("\x06") + record("\x07"));
  write_text(folder / "test_batch.bin", record("\x08"));
  const auto ten = vt::find_cifar(folder.path);
  CHECK(ten.train.labels == std::vector<std::int32_t>{5, 5, 5, 5, 6, 7});
  CHECK((ten.train.classes == 10 && ten.test.labels[0] == 8));
}
