// complete.cpp - every named error has a case that shows it and an entry in docs/errors.md; every operation has a case.
#include "catch.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;

const fs::path root = fs::path(VITRAIL_TESTS).parent_path();

std::string text_of(const fs::path& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}
// Calls f(match) for everything in the files of a folder, and below it, that matches.
template <class F>
void each_match(const fs::path& folder, const std::regex& pattern, const F& f) {
  for (const auto& file : fs::recursive_directory_iterator(folder)) {
    if (!file.is_regular_file()) continue;
    const std::string text = text_of(file.path());
    for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match) f(*match);
  }
}
// "std::size_t Given, class... Shapes" -> "Given, Shapes...", as the documentation has them.
std::string names_of(const std::string& parameters) {
  const std::regex parameter("[A-Za-z_:]+(\\.\\.\\.)?\\s+(\\w+)");
  return std::regex_replace(parameters, parameter, "$2$1");
}
// Name and parameters of the errors that the headers declare.
std::map<std::string, std::string> declared() {
  std::map<std::string, std::string> errors;
  each_match(root / "include", std::regex("template <([^;{]*)>\\s*struct (error_\\w+);"),
             [&](const std::smatch& match) { errors[match[2]] = names_of(match[1]); });
  return errors;
}
std::set<std::string> expected_by_cases() {
  std::set<std::string> errors;
  each_match(root / "tests" / "compile_fail", std::regex("// expect: (error_\\w+)"),
             [&](const std::smatch& match) { errors.insert(match[1]); });
  return errors;
}

// Operations that cannot be misused on their own; what every operation asks for has cases of its own (operation_*).
const std::map<std::string, std::string> takes_everything{
    {"softmax", "any Var or expression"},
    {"dropout", "any Var; a rate outside [0, 1) throws"},
    {"drop_path", "as dropout"},
    {"add", "an expression, as elementwise, which has the cases"},
    {"broadcast", "an expression, as elementwise, which has the cases"},
    {"log_coordinates", "any Var, and a parameter of the step"},
    {"sum", "a reduction: error_reduction_*"},
    {"max", "a reduction"},
    {"min", "a reduction"},
    {"var", "a reduction"},
    {"norm", "a reduction"},
    {"logsumexp", "a reduction"},
    {"argmax", "a reduction"},
    {"max_pool2d", "pooling: error_pool2d_*"},
    {"avg_pool2d", "pooling"},
};

}  // namespace

TEST_CASE("every named error has a case that must not compile") {
  const auto errors = declared();
  const auto expected = expected_by_cases();
  CHECK(errors.size() >= 58);
  for (const auto& [name, parameters] : errors) {
    INFO(name << "<" << parameters << "> is in no `// expect:` line of tests/compile_fail");
    CHECK(expected.count(name) == 1);
  }
  for (const std::string& name : expected) {
    INFO("tests/compile_fail expects " << name << ", which no header declares");
    CHECK(errors.count(name) == 1);
  }
}
TEST_CASE("every operation has an error case, or a reason why it needs none") {
  const auto expected = expected_by_cases();
  const std::regex quoted("\"([a-z_0-9]+)\"");
  std::set<std::string> operations;
  for (const char* folder : {"ops", "expr"}) {
    each_match(root / "include" / "vitrail" / folder, std::regex("const char\\* name = ([^;]*);"),
               [&](const std::smatch& declaration) {
                 const std::string names = declaration[1];
                 for (std::sregex_iterator name(names.begin(), names.end(), quoted), end; name != end; ++name) {
                   operations.insert((*name)[1]);
                 }
               });
  }
  CHECK(operations.size() >= 16);
  for (const std::string& operation : operations) {
    const std::string prefix = "error_" + operation + "_";
    const auto first = expected.lower_bound(prefix);
    const bool has_case = first != expected.end() && first->compare(0, prefix.size(), prefix) == 0;
    INFO(operation << " has no case in tests/compile_fail and no reason in tests/errors/complete.cpp, or both");
    CHECK(has_case != (takes_everything.count(operation) == 1));
  }
  for (const auto& [operation, reason] : takes_everything) {
    INFO(operation << ": " << reason << "; there is no such operation");
    CHECK(operations.count(operation) == 1);
  }
}
TEST_CASE("docs/errors.md has an entry for every named error, and no other") {
  const auto errors = declared();
  const std::string page = text_of(root / "docs" / "errors.md");
  const std::regex entry("\\n\\| <a id=\"(error_\\w+)\"></a>`(error_\\w+)<([^`]*)>` \\| [^|\\n]+ \\| [^|\\n]+ \\|");
  std::map<std::string, std::string> documented;
  for (std::sregex_iterator match(page.begin(), page.end(), entry), end; match != end; ++match) {
    INFO((*match)[1] << " is documented twice, or its anchor has another name");
    CHECK((*match)[1] == (*match)[2]);
    CHECK(documented.emplace((*match)[1], (*match)[3]).second);
  }
  for (const auto& [name, parameters] : errors) {
    INFO(name << "<" << parameters << "> has no entry in docs/errors.md");
    CHECK((documented.count(name) == 1 && documented[name] == parameters));
  }
  for (const auto& [name, parameters] : documented) {
    INFO("docs/errors.md has " << name << ", which no header declares");
    CHECK(errors.count(name) == 1);
  }
}
TEST_CASE("links to errors lead to entries") {
  const auto errors = declared();
  each_match(root / "docs", std::regex("errors\\.md#(error_\\w+)"), [&](const std::smatch& match) {
    INFO(match[1]);
    CHECK(errors.count(match[1]) == 1);
  });
}
