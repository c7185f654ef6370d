// runner.hpp - runs what a step or a predictor does on a batch: its samples and labels are put where operations read
// them, and on a device the work is recorded and replayed.
#pragma once

#include <cstddef>

#include "../backend/planned_memory.hpp"
#include "replay.hpp"
#include "staged_inputs.hpp"
#include "tape.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// Samples of shape S with LabelCount labels each; none, if 0. Out: what the work returns, Vars whose addresses stay.
template <class Context, class S, std::size_t LabelCount, class Out>
class Runner {
 public:
  using value = typename Context::value;
  using Backend = typename Context::Backend;
  struct Given {
    const value* samples = nullptr;
    const int* labels = nullptr;
    std::size_t count = 0;
    bool staged = false;
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
      constexpr std::size_t given = Inputs::buffers * (sizeof(value) * S::size + sizeof(int) * LabelCount);
      check_planned_on(
          tape.backend(), who,
          {{"arena", arena.fixed, arena.batched},
           {"samples and labels", Inputs::buffers * Backend::memory::alignment, given + Stored::bytes_of(S::size)}},
          count, tape.arena_bytes() + inputs_.bytes() + stored_.bytes());
      replay_.clear();
    }
    tape.begin(count);
    inputs_.reserve(bytes_of(count));
    stored_.reserve(count * S::size);
  }
  // Begins to copy the batch of the next run(), if there is room for it, while the device is busy. `given` must stay as
  // it is: labels are checked there.
  void stage(const Context& tape, const Backend& backend, Given& given) {
    given.staged = tape.has_room(given.count) && inputs_.has_room(bytes_of(given.count));
    if (given.staged) copy(backend, given);
  }
  // f(samples) or f(samples, labels), in the tape's context.
  template <class Model, class F>
  Out run(Context& tape, const Model& model, const Given& given, const Alike& alike, const F& f) {
    const Backend& backend = model.backend();
    if (!given.staged) copy(backend, given);
    const auto at = inputs_.next(backend, given.count * S::size);
    const auto work = [&] {
      const auto x = tape.template input<S, true>(stored_.of(backend, at.samples, given.count * S::size));
      if constexpr (LabelCount == 0) {
        return f(x);
      } else {
        return f(x, tape.template labels<LabelCount>(given.labels, at.labels));
      }
    };
    if constexpr (RecordsGraphs<Backend>) {
      if (graphs_ && alike.whenever && !tape.watched()) {
        replay_.on(model.frozen().values.data());
        const ReplayKey key{given.count, 2 * alike.buffers + inputs_.now()};
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
  using Inputs = StagedInputs<value, Backend>;
  using Stored = StoredSamples<typename Context::policy>;
  static constexpr std::size_t bytes_of(std::size_t count) {
    return Inputs::bytes_of(count * S::size, count * LabelCount);
  }
  void copy(const Backend& backend, const Given& given) {
    inputs_.stage(backend, given.samples, given.count * S::size, given.labels, given.count * LabelCount);
  }
  Inputs inputs_;
  Stored stored_;
  ReplayOf<Backend, Recorded> replay_;
  bool graphs_ = true;
};

}  // namespace vitrail::inline VITRAIL_TU::detail
