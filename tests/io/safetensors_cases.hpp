// safetensors_cases.hpp - good and bad safetensors files, each with the verdict of the reference implementation and of
// this one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "safetensors_text.hpp"

namespace safetensors_cases {

struct Case {
  std::string name;
  std::string bytes;
  bool reference_accepts;  // safetensors 0.8.0
  std::string fragment;    // of the message; empty: accepted
};

// 63 files that the reference rejects and 25 that it accepts.
// Cold: optimising it would take half a minute.
[[gnu::cold]] inline std::vector<Case> oracle() {
  using namespace std::string_literals;
  const std::string g = good, open = g.substr(0, g.size() - 1);
  const auto shape = [](std::string_view text, std::size_t bytes) {
    return file(only("t", "F32", text, "[0," + std::to_string(bytes) + "]"), bytes);
  };
  const auto offsets = [](std::string_view text, std::size_t bytes) {
    return file(only("t", "F32", "[2]", text), bytes);
  };
  const auto pair = [](std::string_view first, std::string_view second, std::size_t bytes) {
    return file(std::string("{") + tensor("a", "F32", "[2]", first) + "," + tensor("b", "F32", "[2]", second) + "}",
                bytes);
  };
  const std::uint64_t high = std::uint64_t{1} << 63;
  return {
      {"valid", file(g, 8), true, ""},
      // The length
      {"0 bytes", "", false, "expected at least 8 bytes, found 0"},
      {"7 bytes", "\1\0\0\0\0\0\0"s, false, "expected at least 8 bytes, found 7"},
      {"length only", with_length(g.size(), ""), false, "bytes, found a file of 8"},
      {"length 0", with_length(0, ""), false, "header is empty"},
      {"length beyond the file", with_length(g.size() + 9, g + "12345678"), false, "expected a header of "},
      {"length 100,000,001", with_length(100'000'001, g), false,
       "at most 100000000 bytes, found a length of 100000001"},
      {"length 2^63", with_length(high, g), false, "found a length of 9223372036854775808"},
      {"length 2^64-1", with_length(~std::uint64_t{0}, g), false, "found a length of 18446744073709551615"},
      {"length 2^64-8", with_length(~std::uint64_t{7}, g), false, "found a length of 18446744073709551608"},
      // The text
      {"not UTF-8", file(only("\xff\xfe", "F32", "[2]", "[0,8]"), 8), false, "not valid JSON"},
      {"one brace", file("{"), false, "ends with something else"},
      {"an array", file(std::string("[") + g + "]", 8), false, "starts with something else"},
      {"null", file("null"), false, "starts with something else"},
      {"a number", file("42"), false, "starts with something else"},
      {"trailing x", file(g + "x", 8), false, "ends with something else"},
      {"trailing NULs", file(g + "\0\0\0"s, 8), false, "ends with something else"},
      {"byte order mark", file("\xef\xbb\xbf" + g, 8), false, "starts with something else"},
      {"comment", file("{/* */" + g.substr(1), 8), false, "not valid JSON"},
      {"trailing comma", file(open + ",}", 8), false, "not valid JSON"},
      {"trailing spaces", file(g + "   ", 8), true, ""},
      {"leading space", file(" " + g, 8), true, ""},
      // Duplicate keys
      {"same tensor twice", file(open + "," + g.substr(1), 8), true, "tensor 't': expected unique names"},
      {"same name, other offsets", file(open + "," + tensor("t", "F32", "[2]", "[8,16]") + "}", 16), false,
       "tensor 't': expected unique names"},
      {"same name, other dtype", file(open + "," + tensor("t", "I32", "[2]", "[0,8]") + "}", 8), true,
       "tensor 't': expected unique names"},
      {"same name, escaped", file(open + "," + tensor("\\u0074", "F32", "[2]", "[0,8]") + "}", 8), true,
       "tensor 't': expected unique names"},
      {"shape twice", file(R"({"t":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}})", 8), false,
       "tensor 't': expected unique keys, found 'shape' twice"},
      {"metadata twice", file(R"({"__metadata__":{},"__metadata__":{},)" + g.substr(1), 8), false,
       "expected one __metadata__, found two"},
      {"metadata key twice", file(R"({"__metadata__":{"k":"1","k":"2"},)" + g.substr(1), 8), true,
       "metadata 'k': expected unique keys"},
      // Structure
      {"unknown key", file(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"later":1}})", 8), true, ""},
      {"no dtype", file(R"({"t":{"shape":[2],"data_offsets":[0,8]}})", 8), false,
       "tensor 't': expected dtype, shape and data_offsets, found no dtype"},
      {"no shape", file(R"({"t":{"dtype":"F32","data_offsets":[0,8]}})", 8), false, "found no shape"},
      {"no offsets", file(R"({"t":{"dtype":"F32","shape":[2]}})", 8), false, "found no data_offsets"},
      {"tensor is a number", file(R"({"t":3})", 8), false,
       "tensor 't': expected an object with dtype, shape and data_offsets, found 3"},
      {"tensor is an array", file(R"({"t":["F32",[2],[0,8]]})", 8), true,
       "tensor 't': expected an object with dtype, shape and data_offsets, found an array"},
      // dtype
      {"dtype F128", file(only("t", "F128", "[2]", "[0,8]"), 8), false,
       "tensor 't': dtype: expected one that safetensors defines (F32, BF16, I64, ...), found 'F128'"},
      {"dtype in lower case", file(only("t", "f32", "[2]", "[0,8]"), 8), false, "found 'f32'"},
      {"dtype is a number", file(R"({"t":{"dtype":32,"shape":[2],"data_offsets":[0,8]}})", 8), false,
       "dtype: expected a string, found 32"},
      {"BOOL of value 2", file(only("t", "BOOL", "[8]", "[0,8]")) + std::string(8, '\2'), true, ""},
      {"F4, odd count", file(only("t", "F4", "[3]", "[0,2]"), 2), false,
       "expected a whole number of bytes below 2^64, found F4 [3]"},
      // shape
      {"shape negative", shape("[-2]", 8), false, "shape: expected unsigned integers, found -2"},
      {"shape 2.0", shape("[2.0]", 8), false, "shape: expected unsigned integers, found '2.0'"},
      {"shape string", shape("[\"2\"]", 8), false, "shape: expected unsigned integers, found the string '2'"},
      {"shape scalar", shape("2", 8), false, "shape: expected an array of unsigned integers, found 2"},
      {"shape null", shape("null", 8), false, "shape: expected an array of unsigned integers, found null"},
      {"shape 2e0", shape("[2e0]", 8), false, "shape: expected unsigned integers, found '2e0'"},
      {"shape 02", shape("[02]", 8), false, "not valid JSON"},
      {"shape true", shape("[true]", 8), false, "shape: expected unsigned integers, found true"},
      {"shape 2^64", shape("[18446744073709551616]", 8), false, "found '18446744073709551616'"},
      {"shape -0", shape("[-0]", 0), false, "shape: expected unsigned integers, found 0, a signed number"},
      {"product overflows", shape("[4294967296,4294967296,16]", 8), false,
       "expected a whole number of bytes below 2^64, found F32 [4294967296, 4294967296, 16]"},
      {"product times size overflows", shape("[1073741824,1073741824]", 0), false,
       "expected a whole number of bytes below 2^64, found F32 [1073741824, 1073741824]"},
      {"2^63, 4, 0", shape("[9223372036854775808,4,0]", 0), false, "shape: expected extents of at most 2^48"},
      {"0, 2^63, 4", shape("[0,9223372036854775808,4]", 0), true, "shape: expected extents of at most 2^48"},
      {"rank 0", shape("[]", 4), true, ""},
      {"no elements", shape("[2,0]", 0), true, ""},
      {"rank 65", shape(list_of("1", 65), 4), true, "shape: expected at most 16 extents"},
      {"rank 10,000", shape(list_of("1", 10'000), 4), true, "shape: expected at most 16 extents"},
      // offsets
      {"1 offset", offsets("[8]", 8), false, "data_offsets: expected 2 numbers, found 1"},
      {"3 offsets", offsets("[0,8,8]", 8), false, "data_offsets: expected 2 numbers, found more"},
      {"reversed", offsets("[8,0]", 8), false, "data_offsets: expected begin <= end, found 8 and 0"},
      {"offset negative", offsets("[-8,0]", 8), false, "data_offsets: expected unsigned integers, found -8"},
      {"past the end", offsets("[8,16]", 8), false,
       "data_offsets: expected an end within the file's 8 bytes of data, found 16"},
      {"other size", offsets("[0,12]", 12), false, "expected 8 bytes for F32 [2], found data_offsets with 12"},
      {"starts at 4", offsets("[4,12]", 12), false, "expected a begin of 0 (no gap, no overlap), found 4"},
      {"hole", pair("[0,8]", "[12,20]", 20), false,
       "tensor 'b': data_offsets: expected a begin of 8 (no gap, no overlap), found 12"},
      {"overlap", pair("[0,8]", "[4,12]", 12), false,
       "tensor 'b': data_offsets: expected a begin of 8 (no gap, no overlap), found 4"},
      {"identical ranges", pair("[0,8]", "[0,8]", 8), false, "tensor 'b': data_offsets: expected a begin of 8"},
      {"names out of order", pair("[8,16]", "[0,8]", 16), true, ""},
      {"two empty at one place",
       file(std::string("{") + tensor("a", "F32", "[0]", "[0,0]") + "," + tensor("b", "F32", "[0]", "[0,0]") + "}"),
       true, ""},
      // Coverage
      {"bytes behind", file(g, 12), false, "expected 8 bytes of data as the header says, found 12"},
      {"2 bytes short", file(g, 6), false, "expected an end within the file's 6 bytes of data, found 8"},
      {"no tensors, but data", file("{}", 8), false, "expected 0 bytes of data as the header says, found 8"},
      {"no tensors", file("{}"), true, ""},
      // Metadata
      {"metadata value is a number", file(R"({"__metadata__":{"k":1},)" + g.substr(1), 8), false,
       "metadata 'k': expected a string, found 1"},
      {"metadata is an array", file(R"({"__metadata__":[],)" + g.substr(1), 8), false,
       "__metadata__: expected an object of strings, found an array"},
      {"metadata is nested", file(R"({"__metadata__":{"k":{"a":"b"}},)" + g.substr(1), 8), false,
       "metadata 'k': expected a string, found an object"},
      {"metadata is null", file(R"({"__metadata__":null,)" + g.substr(1), 8), true, ""},
      // Names
      {"empty name", file(only("", "F32", "[2]", "[0,8]"), 8), true, ""},
      {"NUL in a name", file(only("a\\u0000b", "F32", "[2]", "[0,8]"), 8), true,
       "tensor 'a\\x00b': expected a name without control characters"},
      {"name is a path", file(only("../../x", "F32", "[2]", "[0,8]"), 8), true, ""},
      {"name of 1 MB", file(only(std::string(1'000'000, 'n'), "F32", "[2]", "[0,8]"), 8), true,
       "expected a name of at most 4096 bytes, found 1000000"},
      {"lone surrogate", file(only("\\ud800", "F32", "[2]", "[0,8]"), 8), false, "not valid JSON"},
      {"raw control character", file(only("a\1b", "F32", "[2]", "[0,8]"), 8), false, "not valid JSON"},
      // Depth
      {"200 levels",
       file(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"later":)" + std::string(200, '[') +
                std::string(200, ']') + "}}",
            8),
       false, "tensor 't': 'later': expected at most 3 nested levels"},
      {"100,000 levels",
       file(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"later":)" + std::string(100'000, '[') +
                std::string(100'000, ']') + "}}",
            8),
       false, "tensor 't': 'later': expected at most 3 nested levels"},
      // Alignment
      {"header not a multiple of 8", file(g + (g.size() % 8 == 7 ? "  " : " "), 8), true, ""},
      {"F64 at an odd byte",
       file(std::string("{") + tensor("a", "U8", "[1]", "[0,1]") + "," + tensor("b", "F64", "[1]", "[1,9]") + "}", 9),
       true, ""},
  };
}

// Files that the reference accepts (or that no reference verdict is claimed for) and that are refused all the same,
// with the boundary cases that are not.
[[gnu::cold]] inline std::vector<Case> strict() {
  std::vector<Case> cases;
  const auto add = [&](std::string name, std::string bytes, bool reference, std::string fragment) {
    cases.push_back({std::move(name), std::move(bytes), reference, std::move(fragment)});
  };
  const auto named = [](std::string_view name) { return file(only(name, "F32", "[2]", "[0,8]"), 8); };
  const auto empty = [](std::string_view shape) { return file(only("t", "F32", shape, "[0,0]")); };
  const auto extra = [](std::string_view text) {
    return file(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8],)" + std::string(text) + "}}", 8);
  };
  for (const int code : {1, 2, 7, 8, 9, 10, 11, 12, 13, 14, 26, 27, 30, 31, 127}) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string escape = "\\u00";
    escape += digits[static_cast<std::size_t>(code / 16)];
    escape += digits[static_cast<std::size_t>(code % 16)];
    add("control character " + std::to_string(code), named("a" + escape), true, "without control characters");
  }
  add("raw DEL", named("a\x7f"), true, "without control characters");
  add("name of 4096 bytes", named(std::string(4096, 'n')), true, "");
  add("name of 4097 bytes", named(std::string(4097, 'n')), true, "at most 4096 bytes, found 4097");
  add("name of 4097 bytes, escaped", named(repeated("\\u00e9", 2049)), true, "at most 4096 bytes, found 4098");
  add("name with all that JSON escapes", named(R"(a\"\\\/é)"), true, "");
  add("extent 2^48, empty", empty("[0,281474976710656]"), true, "");
  add("extent 2^48 + 1, empty", empty("[0,281474976710657]"), true, "at most 2^48, found 281474976710657");
  add("extent 2^64 - 1, empty", empty("[0,18446744073709551615]"), true, "at most 2^48");
  add("extents beside a zero overflow", empty("[0,281474976710656,281474976710656]"), true,
      "whole number of bytes below 2^64");
  add("extents before a zero overflow", empty("[281474976710656,281474976710656,0]"), false,
      "whole number of bytes below 2^64");
  add("extents beside a zero fit", empty("[0,281474976710656,16384]"), true, "");
  add("rank 16", file(only("t", "F32", list_of("1", 16), "[0,4]"), 4), true, "");
  add("rank 17", file(only("t", "F32", list_of("1", 17), "[0,4]"), 4), true, "at most 16 extents");
  add("rank 17, empty", empty(list_of("0", 17)), true, "at most 16 extents");
  add("unknown key twice", extra(R"("later":1,"later":2)"), true,
      "tensor 't': expected unique keys, found 'later' twice");
  add("key of an unknown object twice", extra(R"("later":{"a":1,"a":2})"), true,
      "expected unique keys, found 'a' twice");
  add("unknown keys of every kind",
      extra(R"("a":null,"b":true,"c":-1,"d":1.5,"e":"x","f":[1,"y",null],"g":{"h":-2.5e3})"), true, "");
  add("the same unknown key in two tensors",
      file(R"({"a":{"later":1,"dtype":"U8","shape":[],"data_offsets":[0,1]},)"
           R"("b":{"later":1,"dtype":"U8","shape":[],"data_offsets":[1,2]}})",
           2),
      true, "");
  add("the same key in two unknown objects", extra(R"("later":{"a":1},"last":{"a":1})"), true, "");
  add("bits of F64 wrap to 0", file(only("t", "F64", "[281474976710656,4096]", "[0,0]")), false,
      "expected a whole number of bytes below 2^64");
  const auto keys = [](std::size_t count, std::string_view value) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      if (i != 0) text += ',';
      text.append("\"").append(std::to_string(i)).append("\":").append(value);
    }
    return text;
  };
  add("64 unknown keys", extra(keys(64, "0")), true, "");
  add("65 unknown keys", extra(keys(65, "0")), true, "at most 64 unknown keys");
  add("65 keys of an unknown object", extra("\"later\":{" + keys(65, "0") + "}"), true, "at most 64 unknown keys");
  add("100,000 entries of metadata", file("{\"__metadata__\":{" + keys(100'000, "\"\"") + "}}"), true, "");
  add("100,001 entries of metadata", file("{\"__metadata__\":{" + keys(100'001, "\"\"") + "}}"), true,
      "at most 100000 entries");
  add("unknown key, 4 levels", extra(R"("later":[[1]])"), true, "expected at most 3 nested levels");
  add("unknown key, 4 levels of objects", extra(R"("later":{"a":{"b":1}})"), true, "expected at most 3 nested levels");
  add("dtype as an object", file(R"({"t":{"dtype":{"F32":null},"shape":[2],"data_offsets":[0,8]}})", 8), true,
      "dtype: expected a string, found an object");
  add("three positional tensors", file(R"({"a":["U8",[1],[0,1]],"b":["U8",[1],[1,2]],"c":["U8",[1],[2,3]]})", 3), true,
      "tensor 'a': expected an object");
  add("metadata key twice, escaped", file(R"({"__metadata__":{"k":"1","\u006b":"2"},)" + good.substr(1), 8), true,
      "metadata 'k': expected unique keys");
  add("metadata key twice, same value", file(R"({"__metadata__":{"k":"1","k":"1"},)" + good.substr(1), 8), true,
      "metadata 'k': expected unique keys");
  add("metadata with text", file(R"({"__metadata__":{"":"","k":"line\nline \u0000 é"},)" + good.substr(1), 8), true,
      "");
  add("metadata null, then given", file(R"({"__metadata__":null,"__metadata__":{},)" + good.substr(1), 8), false,
      "expected one __metadata__, found two");
  add("empty tensors with one name",
      file(std::string("{") + tensor("a", "F32", "[0]", "[0,0]") + "," + tensor("a", "F32", "[0]", "[0,0]") + "}"),
      true, "tensor 'a': expected unique names");
  add("a name thrice",
      file(std::string("{") + repeated(tensor("a", "U8", "[1]", "[0,1]") + ",", 2) + tensor("a", "U8", "[1]", "[0,1]") +
               "}",
           1),
      true, "tensor 'a': expected unique names");
  add("NUL between the tokens", file(std::string("{") + std::string(1, '\0') + good.substr(1), 8), false,
      "contains a NUL byte");
  add("NUL and a brace behind", file(good + std::string(1, '\0') + "}", 8), false, "contains a NUL byte");
  add("only spaces", file("        "), false, "header is empty");
  add("two objects", file("{}{}"), false, "not valid JSON");
  add("1e400", file(only("t", "F32", "[1e400]", "[0,8]"), 8), false, "not valid JSON");
  add("true as metadata", file(R"({"__metadata__":true})"), false,
      "__metadata__: expected an object of strings, found true");
  add("string as tensor", file(R"({"t":"x"})"), false,
      "tensor 't': expected an object with dtype, shape and data_offsets, found the string 'x'");
  add("array of an array as shape", file(only("t", "F32", "[[2]]", "[0,8]"), 8), false,
      "shape: expected unsigned integers, found an array");
  add("object as offsets", file(only("t", "F32", "[2]", "{}"), 8), false,
      "data_offsets: expected an array of 2 unsigned integers, found an object");
  add("no offsets at all", file(only("t", "F32", "[2]", "[]"), 8), false, "data_offsets: expected 2 numbers, found 0");
  add("offsets 2^64 - 8", file(only("t", "F32", "[2]", "[18446744073709551608,18446744073709551615]"), 8), false,
      "expected an end within");
  add("colour in a name", named("\\u001b[31m"), true, "tensor '\\x1b[31m': expected a name without control characters");
  return cases;
}

}  // namespace safetensors_cases
