// Loads libraries into one process, with their symbols for all to see, and runs each in threads.

#include HEADER

#include <atomic>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

int main(int argc, char** argv) {
  std::atomic<int> differ{0}, compared{0};
  std::vector<std::thread> threads;
  std::vector<const rtl4ml_emulator*> emulators;
  std::vector<void*> libraries;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i], folder = "./" + name + "/";
    libraries.push_back(dlopen((folder + "lib.so").c_str(), RTLD_NOW | RTLD_GLOBAL));
    if (libraries.back() == nullptr) { std::printf("%s\n", dlerror()); return 2; }
    void* symbol = dlsym(libraries.back(), (name + "_create").c_str());
    if (symbol == nullptr) { std::printf("%s\n", dlerror()); return 3; }
    emulators.push_back(reinterpret_cast<const rtl4ml_emulator* (*)()>(symbol)());
    const rtl4ml_emulator* emulator = emulators.back();
    std::string version = emulator->version;
    for (char& letter : version) if (letter == '.') letter = '_';
    if (emulator->interface != 1 || std::string(emulator->name) + "_v" + version != name) return 4;
    for (int thread = 0; thread < 3; ++thread) {
      threads.emplace_back([emulator, folder, &differ, &compared] {
        for (int again = 0; again < 50; ++again) {
          std::ifstream file(folder + "test/vectors.txt");
          int count = 0;
          file >> count;
          std::vector<std::int64_t> x(emulator->inputs[0].size), y(emulator->outputs[0].size);
          const std::int64_t* const in[] = {x.data()};
          std::int64_t* const out[] = {y.data()};
          while (count-- > 0) {
            for (auto& integer : x) file >> integer;
            if (emulator->predict_raw(emulator, in, out) != 0) ++differ;
            for (auto found : y) {
              std::int64_t expected = 0;
              file >> expected;
              ++compared;
              differ += found != expected;
            }
          }
          if (!file) ++differ;
        }
      });
    }
  }
  for (auto& thread : threads) thread.join();
  // A number that is not finite is told, not thrown.
  double x[8] = {0.0 / std::strtod("0", nullptr)}, y[8];
  const double* const in[] = {x};
  double* const out[] = {y};
  if (emulators[0]->predict(emulators[0], in, out) != 1) return 5;
  for (std::size_t i = 0; i < libraries.size(); ++i) {
    void* symbol = dlsym(libraries[i], (std::string(argv[i + 1]) + "_destroy").c_str());
    reinterpret_cast<void (*)(const rtl4ml_emulator*)>(symbol)(emulators[i]);
  }
  std::printf("%d\n", compared.load());
  return differ != 0;
}
