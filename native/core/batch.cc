#include "core/batch.h"

#include "core/error.h"

namespace lossatlas {

std::string Batch::NameOfSample(int64_t place) const {
  return "sample " + std::to_string(source_.first_sample + place) + " of " + source_.data;
}

void Batch::RequireFinite(const at::Tensor& tensor, const char* what) const {
  if (!tensor.is_floating_point()) return;
  const at::Tensor bad = at::logical_not(at::isfinite(tensor)).reshape({tensor.size(0), -1}).any(1);
  if (!bad.any().item<bool>()) return;
  throw Error(code::kInvalidData, std::string("The ") + what + " of " +
                                      NameOfSample(bad.to(c10::kByte).argmax().item<int64_t>()) +
                                      " holds NaN or infinity. Remove the sample or repair the data.");
}

Batch::Batch(std::vector<at::Tensor> inputs, std::optional<at::Tensor> target, Types types,
             std::vector<std::string> names, BatchSource source)
    : names_(std::move(names)), source_(std::move(source)) {
  if (inputs.empty()) throw Error(code::kEmptyData, "A batch needs at least one input tensor.");
  if (!names_.empty() && names_.size() != inputs.size())
    throw Error(code::kInvalidArgument, "a batch needs as many names as inputs, or none");
  auto place = [&](const at::Tensor& tensor, at::TensorOptions options, const char* what) {
    if (tensor.dim() == 0 || tensor.size(0) == 0)
      throw Error(code::kEmptyData, std::string("The batch has no samples (") + what + " is empty).");
    if (num_samples_ == 0) num_samples_ = tensor.size(0);
    if (tensor.size(0) != num_samples_) {
      throw Error(code::kInvalidData, std::string("The ") + what + " has " + std::to_string(tensor.size(0)) +
                                          " samples, the first input " + std::to_string(num_samples_) + ".");
    }
    at::Tensor placed = tensor.is_floating_point() ? tensor.to(options) : tensor.to(options.device());
    // After the conversion, in which a large float64 may overflow.
    RequireFinite(placed, what);
    bytes_ += placed.numel() * static_cast<int64_t>(placed.element_size());
    return placed;
  };
  for (const at::Tensor& input : inputs) inputs_.push_back(place(input, types.inputs, "input"));
  if (target) {
    // Labels are compared with class counts and ignoreIndex, which bytes could not hold.
    target_ = place(target->is_floating_point() ? *target : target->to(c10::kLong), types.target, "target");
  }
}

Batch Batch::Slice(int64_t first, int64_t count) const {
  if (first < 0 || count < 1 || first + count > num_samples_)
    throw Error(code::kInvalidArgument, "a slice must lie inside its batch");
  Batch out = *this;
  out.num_samples_ = count;
  out.source_.first_sample += first;
  out.bytes_ = 0;
  out.counted_.reset();
  out.checked_.reset();
  const auto cut = [&](at::Tensor& tensor) {
    tensor = tensor.narrow(0, first, count);
    out.bytes_ += tensor.numel() * static_cast<int64_t>(tensor.element_size());
  };
  for (at::Tensor& input : out.inputs_) cut(input);
  if (out.target_) cut(*out.target_);
  return out;
}

Batch Batch::Pick(const at::Tensor& rows, int64_t index) const {
  if (rows.numel() == 0 || rows.min().item<int64_t>() < 0 || rows.max().item<int64_t>() >= num_samples_)
    throw Error(code::kInvalidArgument, "rows must lie inside their batch");
  Batch out = *this;
  const at::Tensor places = inputs_[0].device().is_cpu() ? rows : rows.to(inputs_[0].device());
  out.num_samples_ = rows.numel();
  out.source_ = {index, "a batch of " + source_.data, 0};
  out.bytes_ = 0;
  out.counted_.reset();
  // Labels that are all right are so in any order.
  const auto take = [&](at::Tensor& tensor) {
    tensor = tensor.index_select(0, places);
    out.bytes_ += tensor.numel() * static_cast<int64_t>(tensor.element_size());
  };
  for (at::Tensor& input : out.inputs_) take(input);
  if (out.target_) take(*out.target_);
  return out;
}

Batch Batch::WithInputs(std::vector<at::Tensor> inputs) const {
  Batch out = *this;
  out.inputs_ = std::move(inputs);
  return out;
}

int64_t Batch::NumCounted(int64_t ignore_index) const {
  if (!counted_ || counted_->first != ignore_index) {
    counted_ = {ignore_index, at::ne(*target_, ignore_index).sum().item<int64_t>()};
  }
  return counted_->second;
}

void Batch::RequireLabels(int64_t num_classes, int64_t ignore_index) const {
  const std::pair<int64_t, int64_t> question{num_classes, ignore_index};
  if (checked_ == question) return;
  const at::Tensor& labels = *target_;
  const at::Tensor wrong =
      at::logical_and(at::logical_or(labels < 0, labels >= num_classes), labels != ignore_index);
  if (wrong.any().item<bool>()) {
    const int64_t value = labels.masked_select(wrong)[0].item<int64_t>();
    const at::Tensor of_sample = wrong.reshape({wrong.size(0), -1}).any(1);
    const std::string sample = NameOfSample(of_sample.to(c10::kByte).argmax().item<int64_t>());
    throw Error(code::kLabelRange, "A label of " + sample + " is " + std::to_string(value) +
                                       ", but the model has " + std::to_string(num_classes) +
                                       " classes: labels must lie in 0 to " +
                                       std::to_string(num_classes - 1) +
                                       ". Remap the labels, or name the value to skip with ignoreIndex.");
  }
  checked_ = question;
}

}  // namespace lossatlas
