// CUDA graphs, in builds that found CUDA's headers.
#pragma once
#include <memory>

#include "core/recorder.h"

namespace lossatlas {

// One a device and thread; null where nothing is recorded.
std::shared_ptr<Recorder> CudaRecorder(c10::Device device);

// To be called on a thread before its first work on the device: where graphs are recorded the work goes to a
// stream of the thread's own, since CUDA does not record the default one, and a retained graph multiplies on
// the stream that it was built on.
void UseRecordableStream(c10::Device device);

// Whether this build can record.
bool HasCudaRecorder();
// Of this process, so far.
int64_t NumCudaRecordings();

}  // namespace lossatlas
