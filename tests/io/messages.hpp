// messages.hpp - what an exception said, and a matcher for a part of it.
#pragma once

#include <string>

#include <vitrail/error.hpp>

#include "catch.hpp"

// The text of the vitrail::error that `call` throws; empty if it throws none.
template <class Call>
std::string message_of(Call call) {
  try {
    call();
    return {};
  } catch (const vitrail::error& caught) {
    return caught.what();
  }
}

// Catch2 3 has another name for it.
inline auto contains(const std::string& part) {
#if CATCH_VERSION_MAJOR >= 3
  return Catch::Matchers::ContainsSubstring(part);
#else
  return Catch::Matchers::Contains(part);
#endif
}
