// SPDX-License-Identifier: Apache-2.0
// A main for fuzz targets without libFuzzer: for every build and CI run, where a few seconds of
// random inputs, half of them pieced together from a dictionary, still reach the first layers. It
// is not guided by coverage; VAKT_FUZZ=ON is.
//
// Usage: TARGET [SECONDS [SEED [DICTIONARY]]]. Prints the seed; the same seed gives the same
// inputs.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

// The texts between quotes, one a line.
std::vector<std::string> ReadDictionary(const char* path) {
  std::vector<std::string> words;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t begin = line.find('"'), end = line.rfind('"');
    if (begin < end && begin != std::string::npos) {
      words.push_back(line.substr(begin + 1, end - begin - 1));
    }
  }
  return words;
}

std::string MakeInput(std::mt19937_64& random, const std::vector<std::string>& words) {
  std::string input;
  for (uint64_t pieces = random() % 24; pieces > 0; --pieces) {
    if (!words.empty() && random() % 2 == 0) {
      input += words[random() % words.size()];
      continue;
    }
    for (uint64_t bytes = random() % 24; bytes > 0; --bytes) {
      // Small numbers more often: lengths and operations.
      input.push_back(static_cast<char>(random() % (random() % 2 == 0 ? 16 : 256)));
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 2;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::random_device()();
  const auto words = argc > 3 ? ReadDictionary(argv[3]) : std::vector<std::string>();
  printf("seed %llu\n", static_cast<unsigned long long>(seed));
  fflush(stdout);
  std::mt19937_64 random(seed);
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  uint64_t runs = 0;
  for (; std::chrono::steady_clock::now() < end; ++runs) {
    const std::string input = MakeInput(random, words);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  }
  printf("%llu inputs\n", static_cast<unsigned long long>(runs));
  return 0;
}
