// Compares the emulator with the reference's outputs, in four threads at once: test VECTORS.txt.
// Written by rtl4ml; changes are lost.
#include "@NAME@.hpp"

#include <atomic>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

using @NAME@::Emulator;
using @NAME@::Port;

namespace {

template <class T> using Tensors = std::vector<std::vector<T>>;

struct Vector {
  Tensors<std::int64_t> inputs, outputs;
};

template <std::size_t count> bool read(std::ifstream& file, const Port (&ports)[count], Tensors<std::int64_t>& tensors) {
  for (const Port& port : ports) {
    tensors.emplace_back(port.size);
    for (std::int64_t& integer : tensors.back()) {
      if (!(file >> integer)) return false;
    }
  }
  return true;
}

// The pointers to tensors, as functions take them.
template <class T, class P> std::vector<P> pointers(Tensors<T>& tensors) {
  std::vector<P> found;
  for (std::vector<T>& tensor : tensors) found.push_back(tensor.data());
  return found;
}

int differences(const Emulator& emulator, const Vector& vector) {
  Tensors<std::int64_t> inputs = vector.inputs, found = vector.outputs;
  for (auto& tensor : found) {
    for (std::int64_t& integer : tensor) integer = ~integer;
  }
  const auto in = pointers<std::int64_t, const std::int64_t*>(inputs);
  const auto out = pointers<std::int64_t, std::int64_t*>(found);
  emulator.predict_raw(@FOUND@);
  int differ = 0;
  for (std::size_t port = 0; port < found.size(); ++port) {
    for (std::size_t i = 0; i < found[port].size(); ++i) differ += found[port][i] != vector.outputs[port][i];
  }
@DOUBLES@  return differ;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s VECTORS.txt\n", argv[0]);
    return 2;
  }
  std::ifstream file(argv[1]);
  std::size_t count = 0;
  file >> count;
  std::vector<Vector> vectors(count);
  for (Vector& vector : vectors) {
    if (!read(file, Emulator::inputs, vector.inputs) || !read(file, Emulator::outputs, vector.outputs)) {
      std::fprintf(stderr, "%s is not complete\n", argv[1]);
      return 2;
    }
  }
  const Emulator emulator;
  std::atomic<int> differ{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (const Vector& vector : vectors) differ += differences(emulator, vector);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("@NAME@: %zu vectors in 4 threads, %d integers differ\n", count, differ.load());
  return count == 0 || differ != 0;
}
