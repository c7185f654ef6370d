// retained_gradients.hpp - gradients on the tape that keeps everything, with which those of planned steps are compared.
#pragma once

#include "step.hpp"

namespace vitrail::inline VITRAIL_TU {

// Loss and gradients of the same callable on the retaining tape, the reference for the planned one. `gradients` has
// model.trainable().size() values, in the model's memory; images may be in the host's. Runs backward `repeats` times,
// which must not change them. Throws shape_error.
template <class Model, class F>
auto retained_gradients(const Model& model, const F& f,
                        const BatchView<typename Model::module::input, const typename Model::value>& images,
                        const Labels& labels, typename Model::value* gradients, int repeats = 1) {
  using policy = typename Model::policy;
  using input = typename Model::module::input;
  constexpr std::size_t label_count = labels_per_sample<typename Model::module>();
  detail::check_counts("retained_gradients", images.count(), labels.count(), label_count);
  detail::use_device(model.backend());
  Tape<policy, true> tape(model.backend());
  tape.set_parameters(model.trainable().table.size(), gradients, model.trainable().offsets.data(),
                      model.trainable().values.data());
  tape.set_random({model.random_seed(), 0, 0}, 0);
  tape.begin(images.count());
  detail::Placed<typename Model::value, typename Model::Backend> placed;
  const auto* const x = placed.place(model.backend(), images.data(), images.count() * input::size);
  const auto out =
      f(model.net(), tape.template input<input, true>(x), tape.template labels<label_count>(labels.data()));
  for (int i = 0; i < repeats; ++i) {
    detail::fill_values(model.backend(), gradients, model.trainable().size(), typename Model::value(0));
    tape.backward(out.loss);
  }
  return detail::value_on_host<typename policy::backend::memory>(out.loss.data);
}

}  // namespace vitrail::inline VITRAIL_TU
