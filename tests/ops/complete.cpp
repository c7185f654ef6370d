// complete.cpp - every operation of include/vitrail/ops and expr is in the registry.
#include "checks.hpp"

#include <filesystem>
#include <fstream>
#include <regex>

TEST_CASE("no operation without a case") {
  const std::filesystem::path include = std::filesystem::path(VITRAIL_TESTS).parent_path() / "include" / "vitrail";
  const std::regex declaration("const char\\* name = ([^;]*);"), quoted("\"([a-z_0-9]+)\"");
  std::size_t found = 0;
  for (const char* folder : {"ops", "expr"}) {
    for (const auto& file : std::filesystem::directory_iterator(include / folder)) {
      std::ifstream stream(file.path());
      for (std::string line; std::getline(stream, line);) {
        std::smatch match;
        if (!std::regex_search(line, match, declaration)) continue;
        const std::string names = match[1];
        for (std::sregex_iterator name(names.begin(), names.end(), quoted), end; name != end; ++name) {
          ++found;
          INFO(file.path().filename().string() << " has the operation " << (*name)[1]);
          CHECK(registry::covered_operations().count((*name)[1]) == 1);
        }
      }
    }
  }
  CHECK(found >= 12);
}
