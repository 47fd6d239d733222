#include "core/channels_last.h"

namespace lossatlas {

at::Tensor ChannelsLast::Turn(const at::Tensor& flat) const {
  at::Tensor out = flat.clone();
  const std::vector<at::Tensor> from = layout_->Split(flat);
  const std::vector<at::Tensor> to = Split(out);
  for (size_t i = 0; i < which_.size(); ++i) {
    if (which_[i]) to[i].copy_(from[i]);
  }
  return out;
}

std::vector<at::Tensor> ChannelsLast::Split(const at::Tensor& turned) const {
  std::vector<at::Tensor> out = layout_->Split(turned);
  for (size_t i = 0; i < which_.size(); ++i) {
    if (!which_[i]) continue;
    const at::IntArrayRef shape = out[i].sizes();
    out[i] = out[i].view({shape[0], shape[2], shape[3], shape[1]}).permute({0, 3, 1, 2});
  }
  return out;
}

}  // namespace lossatlas
