// pack.hpp - places for things that live for a time: who dies makes room for who is born.
#pragma once

#include <algorithm>
#include <cstddef>

#include "../shape/fixed_vector.hpp"
#include "plan.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

inline constexpr std::size_t max_places = 3 * max_values;
using Places = FixedVector<Place*, max_places>;

// What is alive at each event, as lists of places.
class Timetable {
 public:
  constexpr Timetable() {
    for (int& head : head_) head = -1;
  }
  constexpr void add(std::size_t place, int event) {
    links_.push_back({place, head_[event]});
    head_[event] = static_cast<int>(links_.size()) - 1;
  }
  // Calls f(place) for every place at the event.
  constexpr void each(int event, const auto& f) const {
    for (int i = head_[event]; i >= 0; i = links_[static_cast<std::size_t>(i)].next) {
      f(links_[static_cast<std::size_t>(i)].place);
    }
  }

 private:
  struct Link {
    std::size_t place = 0;
    int next = -1;
  };
  int head_[max_events + 2] = {};
  FixedVector<Link, 4 * max_places> links_;
};

// What lives from forward into backward (saved activations) lies at the bottom, what dies last first: it is a stack.
// Above it everything else, the largest first, each as low as those that live at the same time allow. Needs a few
// operations per place and event of its life, so that it fits into the limits of constants.
struct Packer {
  struct Range {
    std::size_t begin = 0, end = 0;
  };
  Places places;
  FixedVector<std::size_t, max_places> others;  // not saved
  int dying[max_events + 2] = {}, next[max_places] = {}, seen_by[max_places] = {};
  std::size_t floor[max_events + 2] = {};  // the height of the stack at each event
  Timetable timetable;
  FixedVector<Range, max_values> taken;  // by offset

  // Returns the height of the arena. `turn` is the first event of backward.
  constexpr std::size_t pack(int turn, int events) {
    std::size_t top = stack_saved(turn, events);
    std::sort(others.begin(), others.end(), [&](std::size_t a, std::size_t b) {
      return places[a]->bytes != places[b]->bytes ? places[a]->bytes > places[b]->bytes : a < b;
    });
    for (int& seen : seen_by) seen = -1;
    for (const std::size_t i : others) {
      Place& place = *places[i];
      find_taken(i);
      for (const Range& range : taken) {
        if (range.begin >= place.offset + place.bytes) break;
        place.offset = std::max(place.offset, range.end);
      }
      for (int t = place.first; t <= place.last; ++t) timetable.add(i, t);
      top = std::max(top, place.offset + place.bytes);
    }
    return top;
  }

 private:
  constexpr std::size_t stack_saved(int turn, int events) {
    for (int& head : dying) head = -1;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const Place& place = *places[i];
      if (place.first >= turn || place.last < turn) {
        others.push_back(i);
      } else {
        next[i] = dying[place.last];
        dying[place.last] = static_cast<int>(i);
      }
    }
    std::size_t top = 0;
    for (int t = events; t >= turn; --t) {
      for (int i = dying[t]; i >= 0; i = next[i]) {
        Place& place = *places[static_cast<std::size_t>(i)];
        place.offset = top;
        top += place.bytes;
        floor[place.first] = floor[place.last] = top;
      }
    }
    for (int t = 1; t < turn; ++t) floor[t] = std::max(floor[t], floor[t - 1]);
    for (int t = events; t > turn; --t) floor[t - 1] = std::max(floor[t], floor[t - 1]);
    return top;
  }
  // Who lies above the stack while place i is alive; its offset becomes the lowest above the stack.
  constexpr void find_taken(std::size_t i) {
    Place& place = *places[i];
    taken.count = 0;
    for (int t = place.first; t <= place.last; ++t) {
      place.offset = std::max(place.offset, floor[t]);
      timetable.each(t, [&](std::size_t other) {
        if (seen_by[other] == static_cast<int>(i)) return;
        seen_by[other] = static_cast<int>(i);
        const std::size_t begin = places[other]->offset;
        std::size_t at = taken.size();
        while (at > 0 && taken[at - 1].begin > begin) --at;
        taken.insert(at, {begin, begin + places[other]->bytes});
      });
    }
  }
};

// The largest sum of bytes that are alive at once.
constexpr std::size_t most_alive(const Places& places, int events) {
  std::size_t born[max_events + 2] = {}, dead[max_events + 2] = {};
  for (const Place* place : places) {
    born[place->first] += place->bytes;
    dead[place->last + 1] += place->bytes;
  }
  std::size_t alive = 0, most = 0;
  for (int t = 0; t <= events; ++t) {
    alive += born[t];
    alive -= dead[t];
    most = std::max(most, alive);
  }
  return most;
}

}  // namespace vitrail::inline VITRAIL_TU::detail
