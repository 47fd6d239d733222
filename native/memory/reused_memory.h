// Memory for many megabytes that are about to be written, kept for a while for what is read next: faulting
// fresh memory in costs three times what reading a file into it does.
#pragma once
#include <cstddef>

namespace lossatlas {

// A mapping of its own; its bytes are as they were left.
struct ReusedMemory {
  void* data = nullptr;
  size_t bytes = 0;
};

// `data` is null where there is no memory, or no such memory on this system. From here on what is given back
// is kept, up to 1 GiB of it, until ReleaseKeptMemory. All of this on any thread.
ReusedMemory TakeMemory(size_t bytes);
void GiveBackMemory(const ReusedMemory& memory);

// Frees what is kept, and from here on what is given back.
void ReleaseKeptMemory();

}  // namespace lossatlas
