// A recorder for the CPU in the manner of CUDA graphs: what was recorded are operators on memory, and numbers
// that were read on the host are what they were then. Memory is not reused, and there are no streams.
#pragma once
#include <memory>

#include "core/recorder.h"

namespace lossatlas {

class TapeRecorder : public Recorder {
 public:
  std::unique_ptr<Recording> Record(const std::function<void()>& work) override;

  int num_recordings = 0;  // that came to their end
  int num_replays = 0;     // of all of them
};

}  // namespace lossatlas
