// safetensors.cpp - which files are accepted, and that no file does worse than being refused.
#include <vitrail/error.hpp>
#include <vitrail/io/safetensors.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>

#include "catch.hpp"
#include "messages.hpp"
#include "safetensors_cases.hpp"
#include "temporary_folder.hpp"

using namespace vitrail;
using safetensors_cases::Case;

namespace {

SafetensorsHeader parse(const std::string& bytes) {
  return parse_header(std::as_bytes(std::span(bytes)), bytes.size(), "case.safetensors");
}

// Empty if accepted.
std::string message_for(const std::string& bytes) {
  return message_of([&] { parse(bytes); });
}

__extension__ using Wide = unsigned __int128;

// What an accepted header promises, checked by other means than the parser's.
bool keeps_promises(const SafetensorsHeader& header, std::uint64_t file_size) {
  std::uint64_t reached = 0;
  std::set<std::string> names;
  for (const TensorInfo& tensor : header.tensors) {
    Wide bits = dtype_bits(tensor.type);
    for (const std::size_t extent : tensor.shape) bits *= extent;
    if (tensor.begin != reached || bits != static_cast<Wide>(tensor.end - tensor.begin) * 8) return false;
    if (!names.insert(tensor.name).second || header.find(tensor.name) != &tensor) return false;
    reached = tensor.end;
  }
  return header.data_begin + reached == file_size;
}

void check(const Case& one) {
  INFO(one.name);
  const std::string message = message_for(one.bytes);
  if (one.fragment.empty()) {
    CHECK(message == "");
    if (message.empty()) CHECK(keeps_promises(parse(one.bytes), one.bytes.size()));
  } else {
    CHECK_THAT(message, Catch::Matchers::StartsWith("case.safetensors: ") && contains(one.fragment));
    CHECK(message.size() < 700);
  }
}

}  // namespace

TEST_CASE("safetensors: the 88 files of the reference's table") {
  const auto cases = safetensors_cases::oracle();
  REQUIRE(cases.size() == 88);
  std::size_t reference_accepts = 0, accepted = 0;
  for (const Case& one : cases) {
    check(one);
    reference_accepts += one.reference_accepts ? 1 : 0;
    accepted += one.fragment.empty() ? 1 : 0;
    CHECK((one.reference_accepts || !one.fragment.empty()));
  }
  CHECK(reference_accepts == 25);
  CHECK(accepted == 15);
}

TEST_CASE("safetensors: opening a file gives the same verdicts") {
  const TemporaryFolder folder;
  for (const Case& one : safetensors_cases::oracle()) {
    INFO(one.name);
    write_text(folder / "case", one.bytes);
    const std::string message = message_of([&] { Safetensors::open(folder / "case"); });
    CHECK(message.empty() == one.fragment.empty());
    CHECK_THAT(message, contains(one.fragment));
  }
}

TEST_CASE("safetensors: stricter than the reference") {
  std::size_t stricter = 0;
  for (const Case& one : safetensors_cases::strict()) {
    check(one);
    stricter += one.reference_accepts && !one.fragment.empty() ? 1 : 0;
  }
  CHECK(stricter >= 32);
}

TEST_CASE("safetensors: a million tensors and no more") {
  std::string text = "{";
  for (std::size_t i = 0; i <= 1'000'000; ++i) {
    text.append(i == 0 ? "\"" : ",\"").append(std::to_string(i));
    text += R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  }
  // The tensor that is refused is the one after a million.
  CHECK_THAT(message_for(safetensors_cases::file(text + "}")),
             contains("tensor '1000000': expected at most 1000000 tensors"));
}

TEST_CASE("safetensors: a string of 16 MiB and no more") {
  const auto metadata = [](std::size_t size) {
    return safetensors_cases::file(R"({"__metadata__":{"k":")" + std::string(size, 'x') + R"("}})");
  };
  const std::size_t most = std::size_t{1} << 24;
  CHECK(parse(metadata(most - 1)).metadata.at("k").size() == most - 1);
  CHECK_THAT(message_for(metadata(most + 1)), contains("a string longer than 16 MiB"));
}

namespace {
// Three tensors, metadata and all that the grammar offers, in some 300 bytes.
std::string small_file() {
  using namespace safetensors_cases;
  return file(R"({"__metadata__":{"format":"pt","é":"\n"},)" + tensor("blocks.0.w", "F32", "[2, 2]", "[0,16]") + "," +
                  tensor("b", "BF16", "[3]", "[16,22]") +
                  R"(,"s":{"later":[1,-2.5e1,null],"dtype":"I64","shape":[],"data_offsets":[22,30]}}  )",
              30);
}
}  // namespace

TEST_CASE("safetensors: every prefix is refused") {
  const std::string whole = small_file();
  REQUIRE(message_for(whole) == "");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // As a file of that size, and as a file of the full size of which only that much was given.
    const std::string prefix = whole.substr(0, size);
    CHECK(message_for(prefix) != "");
    if (size < whole.size() - 30) {
      const auto parse_prefix = [&] { parse_header(std::as_bytes(std::span(prefix)), whole.size(), "prefix"); };
      CHECK_THAT(message_of(parse_prefix),
                 contains(size < 8 ? "expected at least 8 bytes" : "bytes of header, was given"));
    }
  }
}

TEST_CASE("safetensors: every bit flip is refused or leaves a file that keeps its promises") {
  const std::string whole = small_file();
  std::size_t refused = 0, kept = 0, broken = 0;
  const auto count = [&](const std::string& bytes) {
    try {
      (keeps_promises(parse(bytes), bytes.size()) ? kept : broken) += 1;
    } catch (const io_error&) {
      ++refused;
    }
  };
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(static_cast<unsigned char>(bytes[bit / 8]) ^ (1u << bit % 8));
    count(bytes);
  }
  CHECK(broken == 0);
  CHECK(refused > 1000);
  CHECK(kept >= 30 * 8);  // at least the flips in the data

  // Every byte of the header replaced, removed and doubled, with the length made to fit.
  const std::string header = whole.substr(8, whole.size() - 38);
  for (std::size_t i = 0; i < header.size(); ++i)
    for (const char character : std::string("\0\"\\{}[],:09-. x\x80", 16)) {
      std::string other = header;
      other[i] = character;
      count(safetensors_cases::file(other, 30));
      count(safetensors_cases::file(header.substr(0, i) + character + header.substr(i), 30));
      if (character == '"') count(safetensors_cases::file(header.substr(0, i) + header.substr(i + 1), 30));
    }
  CHECK(broken == 0);
}
