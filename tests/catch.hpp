// catch.hpp - Catch2 under the name that the installed version has for it.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>  // version 3
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
