// profile.hpp - where a step's time goes: by module and by operation, with FLOP/s and the share of the machine's peak.
#pragma once

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "../autodiff/predict.hpp"
#include "module_tree.hpp"
#include "peak.hpp"
#include "text_table.hpp"

namespace vitrail::inline VITRAIL_TU {

// Of a module and all that is in it, or of all operations of a name. Seconds and FLOPs are means over the timed steps.
struct ProfileRow {
  std::string path, name;
  std::size_t depth = 0;
  double forward = 0, backward = 0;  // seconds; what is computed again in backward counts there
  double flops = 0;                  // of forward and backward; computing again does not count

  double seconds() const { return forward + backward; }
  double flops_per_second() const { return seconds() > 0 ? flops / seconds() : 0; }
};

struct Profile {
  std::size_t steps = 0;
  std::vector<ProfileRow> modules;     // the whole step first, the loss included, then in the order of visit
  std::vector<ProfileRow> operations;  // the longest first
  double peak = 0;                     // FLOP/s that speeds are shares of
  std::size_t shown_depth = 3;

  // Two tables; modules down to shown_depth.
  friend std::ostream& operator<<(std::ostream& out, const Profile& profile) {
    const double whole = profile.modules[0].seconds();
    auto table = [&](const std::vector<ProfileRow>& rows, const char* what) {
      detail::TextTable text({what, "forward ms", "backward ms", "share %", "GFLOP/s", "of peak %"});
      for (const ProfileRow& row : rows) {
        if (row.depth > profile.shown_depth) continue;
        const double speed = row.flops_per_second();
        text.add({detail::indented_name(row, "(step)"), detail::fixed(1e3 * row.forward, 3),
                  detail::fixed(1e3 * row.backward, 3), detail::fixed(whole > 0 ? 100 * row.seconds() / whole : 0, 1),
                  detail::fixed(1e-9 * speed, 1), detail::fixed(100 * speed / profile.peak, 1)});
      }
      out << text;
    };
    table(profile.modules, "module");
    out << '\n';
    table(profile.operations, "operation");
    return out << "mean of " << profile.steps << " steps; peak " << detail::rounded(profile.peak) << "FLOP/s in fp32\n";
  }
};

// Of a TrainingStep or a Predictor that has run with set_timed(true):
//   step.set_timed(true);  for (...) step(images, labels);  std::cout << vt::profile(step);
// `peak` in FLOP/s; 0: it is measured now, with the threads of the model's backend, which takes some milliseconds (a
// backend other than OpenMP is compared with one thread; of a device, say what it can do). Throws error if no step was
// timed.
template <class Step>
Profile profile(const Step& step, double peak = 0) {
  const auto& timings = step.timings();
  Profile profile;
  for (const auto& t : timings) profile.steps = std::max(profile.steps, t.calls);
  if (profile.steps == 0) throw error("profile: no step was timed: call set_timed(true) and run the step first");
  const auto& backend = step.model().backend();
  if (peak > 0) {
    profile.peak = peak;
  } else if constexpr (requires { backend.workers(); }) {
    profile.peak = measured_peak(backend.workers());
  } else {
    Workers one;
    one.threads = 1;
    profile.peak = measured_peak(one);
  }
  profile.modules = detail::module_rows<ProfileRow>(step.model().modules(), [](ProfileRow&, std::size_t) {});
  const double steps = static_cast<double>(profile.steps);
  for (std::size_t k = 0; k < timings.size(); ++k) {
    const OperationRecord& operation = step.trace().operations[k];
    const double times = static_cast<double>(operation.batched ? timings[k].samples : timings[k].calls);
    const std::size_t flops = operation.facts.flops + (step.plan().live[k] ? operation.facts.backward_flops : 0);
    auto add = [&](ProfileRow& row) {
      row.forward += timings[k].forward / steps;
      row.backward += (timings[k].backward + timings[k].again) / steps;
      row.flops += times * static_cast<double>(flops) / steps;
    };
    detail::each_row_around(profile.modules, step.paths()[k], add);
    auto same = [&](const ProfileRow& row) { return row.name == operation.name; };
    auto found = std::find_if(profile.operations.begin(), profile.operations.end(), same);
    if (found == profile.operations.end()) {
      found = profile.operations.insert(found, ProfileRow{.path = {}, .name = operation.name});
    }
    add(*found);
  }
  std::sort(profile.operations.begin(), profile.operations.end(),
            [](const ProfileRow& a, const ProfileRow& b) { return a.seconds() > b.seconds(); });
  return profile;
}

}  // namespace vitrail::inline VITRAIL_TU
