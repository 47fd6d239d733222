// A function of tensors on a device that is recorded after a few calls.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "core/recorder.h"

namespace lossatlas {

class RecordedFunction {
 public:
  using Tensors = std::vector<at::Tensor>;
  using Compute = std::function<Tensors(const Tensors& inputs)>;

  // `compute`, in numbers of `type`, gives the same for the same inputs, however often it is called, and may
  // write to memory that stays where it is. Null: it is never recorded.
  RecordedFunction(std::shared_ptr<Recorder> recorder, c10::ScalarType type, Compute compute);
  RecordedFunction(const RecordedFunction&) = delete;
  RecordedFunction& operator=(const RecordedFunction&) = delete;

  // As `compute` gives it, until it was called often enough; then as the recording does, if that agrees with
  // `compute` on two inputs, number by number. Otherwise (something waits for the device, reads a number on
  // the host, is not finite, or there is no room) nothing is tried again, and inputs of other shapes are
  // always computed.
  Tensors operator()(const Tensors& inputs);

  bool is_recorded() const { return recording_ != nullptr; }
  // It was tried in vain.
  bool has_failed() const { return has_failed_; }

 private:
  // `outputs`: what `compute` gave for the inputs. False where it is computed on.
  bool Record(const std::shared_ptr<Recorder>& recorder, const Tensors& inputs, const Tensors& outputs);
  Tensors Replay(Recording& recording, const Tensors& inputs);
  bool Fits(const Tensors& inputs) const;

  std::shared_ptr<Recorder> recorder_;  // until it was tried
  Compute compute_;
  double tolerance_;
  int num_calls_ = 0;
  bool has_failed_ = false;
  std::unique_ptr<Recording> recording_;
  Tensors inputs_;   // where the recording reads
  Tensors outputs_;  // and writes
};

}  // namespace lossatlas
