// planned_memory.hpp - does what is about to be allocated on a device fit what is free there? Asked before the first of
// it is allocated, so that nobody is left with half of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <limits>
#include <string>

#include "../config.hpp"
#include "../error.hpp"

namespace vitrail::inline VITRAIL_TU {

// Of a device's memory.
struct MemoryBytes {
  std::size_t free = 0, total = 0;
};

namespace detail {

// A part of a plan: fixed + per_sample * samples bytes.
struct PlannedBytes {
  const char* what;
  std::size_t fixed, per_sample = 0;
};

// 1536 -> "1.5 KiB".
inline std::string spelled_bytes(std::size_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " bytes";
  auto number = static_cast<double>(bytes);
  const char* const units[] = {"KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  for (number /= 1024; number >= 1024 && unit < 3; ++unit) number /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ", number);
  return text + std::string(units[unit]);
}
// With what is too large for a size_t as the largest one.
inline std::size_t planned_bytes(const PlannedBytes& part, std::size_t samples) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  if (part.per_sample && samples > (most - part.fixed) / part.per_sample) return most;
  return part.fixed + part.per_sample * samples;
}

// Throws error if the parts do not fit `memory`: "training step of 64 samples: device 0 has ... free". samples: how
// many, or 0 where it is not about samples.
inline void check_planned(const std::string& who, int device, const MemoryBytes& memory,
                          std::initializer_list<PlannedBytes> parts, std::size_t samples = 0) {
  std::size_t needed = 0, fixed = 0, per_sample = 0;
  for (const PlannedBytes& part : parts) {
    const std::size_t bytes = planned_bytes(part, samples);
    needed = bytes > std::numeric_limits<std::size_t>::max() - needed ? bytes : needed + bytes;
    fixed += part.fixed;
    per_sample += part.per_sample;
  }
  if (needed <= memory.free) return;
  std::string list;
  for (const PlannedBytes& part : parts) {
    if (const std::size_t bytes = planned_bytes(part, samples)) {
      list += (list.empty() ? "" : ", ") + std::string(part.what) + " " + spelled_bytes(bytes);
    }
  }
  std::string text = who + (samples ? " of " + std::to_string(samples) + " samples" : "") + ": device " +
                     std::to_string(device) + " has " + spelled_bytes(memory.free) + " of " +
                     spelled_bytes(memory.total) + " free, but " + spelled_bytes(needed) + " are needed (" + list + ")";
  if (samples) {
    const std::size_t fit = fixed < memory.free ? (memory.free - fixed) / per_sample : 0;
    text += "; " + std::to_string(fit) + (fit == 1 ? " sample" : " samples") + " would fit";
  }
  throw error(text);
}
// The same for the device of a backend; `released` bytes of it are given back before the parts are allocated. On a host
// the operating system says what fits.
template <class B>
void check_planned_on(const B& backend, const char* who, std::initializer_list<PlannedBytes> parts,
                      std::size_t samples = 0, std::size_t released = 0) {
  if constexpr (requires { B::memory::bytes(); }) {
    MemoryBytes memory = B::memory::bytes();
    memory.free = std::min(memory.free + released, memory.total);
    check_planned(who, backend.device().number(), memory, parts, samples);
  }
}

}  // namespace detail

}  // namespace vitrail::inline VITRAIL_TU
