// Samples on the model's device: inputs, targets and what is known about them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/torch.h"

namespace lossatlas {

// Where a batch comes from: its number, the data set, and the number of its first sample there.
struct BatchSource {
  int64_t index = 0;
  std::string data = "the data";
  int64_t first_sample = 0;
};

class Batch {
 public:
  // Floating-point inputs and targets are converted to the dtypes of the types, and everything moves to their
  // device. ERR_INVALID_DATA for a NaN or infinity, or where the numbers of samples differ; ERR_EMPTY_DATA
  // for no sample.
  // `names`: of the inputs, or empty.
  struct Types {
    at::TensorOptions inputs;
    at::TensorOptions target;
  };
  Batch(std::vector<at::Tensor> inputs, std::optional<at::Tensor> target, Types types,
        std::vector<std::string> names = {}, BatchSource source = {});

  // `count` samples from the `first` on, which keep their names in messages. Nothing is copied. The numbers
  // of a random stream are those of the whole batch.
  Batch Slice(int64_t first, int64_t count) const;

  // The samples at `rows`, in this order, as a batch of their own. Messages count within it.
  Batch Pick(const at::Tensor& rows, int64_t index) const;
  // The same with other inputs, which may have more samples than there are targets.
  Batch WithInputs(std::vector<at::Tensor> inputs) const;

  const std::vector<at::Tensor>& inputs() const { return inputs_; }
  const std::vector<std::string>& input_names() const { return names_; }
  const std::optional<at::Tensor>& target() const { return target_; }
  int64_t num_samples() const { return num_samples_; }
  int64_t index() const { return source_.index; }
  // The number of its first sample in the data set.
  int64_t first_sample() const { return source_.first_sample; }
  int64_t bytes() const { return bytes_; }

  // Number of targets that are not `ignore_index`.
  int64_t NumCounted(int64_t ignore_index) const;
  // ERR_LABEL_RANGE unless every label lies in [0, num_classes) or is `ignore_index`. On a GPU a label out of
  // range would poison the whole process, so this runs before the loss does.
  void RequireLabels(int64_t num_classes, int64_t ignore_index) const;

 private:
  std::string NameOfSample(int64_t place) const;
  void RequireFinite(const at::Tensor& tensor, const char* what) const;

  std::vector<at::Tensor> inputs_;
  std::vector<std::string> names_;
  std::optional<at::Tensor> target_;
  int64_t num_samples_ = 0;
  BatchSource source_;
  int64_t bytes_ = 0;
  // What was computed for the last question; batches are asked the same one over and over.
  mutable std::optional<std::pair<int64_t, int64_t>> counted_;
  mutable std::optional<std::pair<int64_t, int64_t>> checked_;
};

}  // namespace lossatlas
