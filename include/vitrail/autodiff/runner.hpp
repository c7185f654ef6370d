// runner.hpp - runs what a step or a predictor does on a batch: its samples and labels are put where operations read
// them, and on a device the work is recorded and replayed.
#pragma once

#include <cstddef>

#include "../backend/planned_memory.hpp"
#include "replay.hpp"
#include "step_inputs.hpp"
#include "tape.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// Samples of shape S with LabelCount labels each; none, if 0. Out: what the work returns, Vars whose addresses stay.
template <class Context, class S, std::size_t LabelCount, class Out>
class Runner {
 public:
  using value = typename Context::value;
  using Backend = typename Context::Backend;
  struct Given {
    const value* samples;
    const int* labels;
    std::size_t count;
  };
  // May the work be replayed from a recording? Then it must do the same for equal `buffers`, as long as the model's
  // frozen values are where they are.
  struct Alike {
    bool whenever;
    std::size_t buffers;
  };

  void set_graphs(bool on) { graphs_ = on; }
  // The memory for `count` samples, in an arena as planned; `who` asks. Throws error where a device has too little;
  // then nothing has changed.
  void begin(Context& tape, const ArenaBytes& arena, std::size_t count, const char* who) {
    if (!tape.has_room(count)) {
      const std::size_t given = sizeof(value) * S::size + sizeof(int) * LabelCount;
      check_planned_on(tape.backend(), who, {{"arena", arena.fixed, arena.batched}, {"samples and labels", 0, given}},
                       count, tape.arena_bytes() + samples_.bytes() + labels_.bytes());
      replay_.clear();
    }
    tape.begin(count);
  }
  // f(samples) or f(samples, labels), in the tape's context.
  template <class Model, class F>
  Out run(Context& tape, const Model& model, const Given& given, const Alike& alike, const F& f) {
    const Backend& backend = model.backend();
    const value* samples = samples_.place(backend, given.samples, given.count * S::size);
    const int* labels = LabelCount ? labels_.place(backend, given.labels, given.count * LabelCount) : nullptr;
    const auto work = [&] {
      const auto x = tape.template input<S, true>(samples);
      if constexpr (LabelCount == 0) {
        return f(x);
      } else {
        return f(x, tape.template labels<LabelCount>(given.labels, labels));
      }
    };
    if constexpr (RecordsGraphs<Backend>) {
      if (graphs_ && alike.whenever && !tape.watched()) {
        replay_.on(model.frozen().values.data());
        const ReplayKey key{given.count, alike.buffers};
        if (const Recorded* known = replay_.recorded(key)) known->checks.repeat(given.labels, given.count);
        return replay_.run(backend, key, [&] { return Recorded{work(), tape.label_checks()}; }).out;
      }
    }
    return work();
  }

 private:
  struct Recorded {
    Out out;
    LabelChecks<Backend::memory::host_readable> checks;
  };
  Placed<value, Backend> samples_;
  Placed<int, Backend> labels_;
  ReplayOf<Backend, Recorded> replay_;
  bool graphs_ = true;
};

}  // namespace vitrail::inline VITRAIL_TU::detail
