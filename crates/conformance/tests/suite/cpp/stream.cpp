// Reads the integers of samples, one sample after the other, as they are in this machine's memory,
// and writes those of their outputs in the same way.

#include HEADER

#include <fstream>
#include <ios>
#include <iterator>
#include <memory>
#include <vector>

int main(int argc, char** argv) {
  using Emulator = MODEL::Emulator;
  static_assert(std::size(Emulator::inputs) == 1 && std::size(Emulator::outputs) == 1);
  if (argc != 3) return 2;
  std::ifstream from(argv[1], std::ios::binary);
  std::ofstream to(argv[2], std::ios::binary);
  const Emulator emulator;
  const auto workspace = std::make_unique<Emulator::Workspace>();
  std::vector<std::int64_t> x(Emulator::inputs[0].size), y(Emulator::outputs[0].size);
  while (from.read(reinterpret_cast<char*>(x.data()), 8 * x.size())) {
    emulator.predict_raw(x.data(), y.data(), *workspace);
    to.write(reinterpret_cast<const char*>(y.data()), 8 * y.size());
  }
  to.close();
  // The file ends behind a sample.
  return !from.eof() || from.gcount() != 0 || !to;
}
