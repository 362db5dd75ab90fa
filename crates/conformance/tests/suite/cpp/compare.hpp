// Reads a vectors' file and compares an emulator with it.

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

template <class P> void read(std::ifstream& file, const P& ports, std::vector<std::vector<std::int64_t>>& tensors) {
  tensors.clear();
  for (const auto& port : ports) {
    tensors.emplace_back(port.size);
    for (std::int64_t& integer : tensors.back()) file >> integer;
  }
}

static std::size_t all = 0;

template <class E, class F> int compare(const char* name, F predict) {
  std::ifstream file(std::string(name) + ".txt");
  std::size_t count = 0, differ = 0;
  file >> count;
  const E emulator;
  for (std::size_t sample = 0; sample < count; ++sample) {
    std::vector<std::vector<std::int64_t>> in, expected;
    read(file, E::inputs, in);
    read(file, E::outputs, expected);
    auto found = expected;
    for (auto& tensor : found) for (std::int64_t& integer : tensor) integer = ~integer;
    predict(emulator, in, found);
    for (std::size_t port = 0; port < found.size(); ++port)
      for (std::size_t i = 0; i < found[port].size(); ++i) {
        ++all;
        differ += found[port][i] != expected[port][i];
      }
  }
  if (differ > 0 || count == 0 || !file) std::printf("%s: %zu of %zu vectors' integers differ\n", name, differ, count);
  return differ > 0 || count == 0 || !file;
}
