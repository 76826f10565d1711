// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/network_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <random>
#include <string>

#include "common/base/address.h"
#include "common/base/file.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;
using Of = NetworkDatabase::Of;

const std::string kCountries = VAKT_DATABASES "/countries.mmdb";
const std::string kSystems = VAKT_DATABASES "/systems.mmdb";

std::string Bytes(const char* text) { return ParseAddressBlock(text)->address; }

TEST(NetworkDatabase, KnowsCountriesAndSystems) {
  const auto countries = NetworkDatabase::Open(kCountries, Of::kCountries);
  ASSERT_TRUE(countries.ok()) << countries.status();
  EXPECT_EQ((*countries)->CountryOf(Bytes("198.51.100.7")), "SE");
  EXPECT_EQ((*countries)->CountryOf(Bytes("203.0.113.7")), "DE");
  EXPECT_EQ((*countries)->CountryOf(Bytes("203.0.113.8")), "");
  EXPECT_EQ((*countries)->CountryOf(Bytes("2001:db8:1::1")), "FR");
  EXPECT_EQ((*countries)->CountryOf(Bytes("2001:db9::1")), "");
  EXPECT_EQ((*countries)->CountryOf(Bytes("192.0.2.1")), "") << "no code of a country";
  EXPECT_EQ((*countries)->CountryOf("xyz"), "");
  EXPECT_EQ((*countries)->SystemOf(Bytes("198.51.100.7")), 0u);
  const auto systems = NetworkDatabase::Open(kSystems, Of::kSystems);
  ASSERT_TRUE(systems.ok()) << systems.status();
  EXPECT_EQ((*systems)->SystemOf(Bytes("198.51.100.7")), 64500u);
  EXPECT_EQ((*systems)->SystemOf(Bytes("2001:db8::1")), 4200000001u);
  EXPECT_EQ((*systems)->SystemOf(Bytes("192.0.2.1")), 0u);
  EXPECT_EQ((*systems)->CountryOf(Bytes("198.51.100.7")), "");
}

TEST(NetworkDatabase, SaysWhatIsWrongWithAFile) {
  const auto error = [](const std::string& path, Of of) {
    return std::string(NetworkDatabase::Open(path, of).status().message());
  };
  EXPECT_THAT(error("/nonexistent", Of::kCountries), HasSubstr("/nonexistent"));
  EXPECT_THAT(error("/etc/passwd", Of::kCountries), HasSubstr("/etc/passwd is no database"));
  EXPECT_THAT(error(kSystems, Of::kCountries), HasSubstr("another kind (\"Test-ASN\")"));
  EXPECT_THAT(error(kCountries, Of::kSystems), HasSubstr("not of autonomous systems"));
}

// What is cut short or altered is refused, or answers with nothing or something: it never crashes.
TEST(NetworkDatabase, DamageDoesNoHarm) {
  TemporaryDirectory directory;
  const std::string bytes = ReadFile(kCountries).value();
  const std::string path = directory.path() + "/damaged.mmdb";
  std::mt19937 random(5);
  int opened = 0;
  for (int i = 0; i < 500; ++i) {
    std::string damaged = bytes;
    if (i % 3 == 0) damaged.resize(random() % damaged.size());
    for (int j = 0; i % 3 != 0 && j < 3; ++j) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    ASSERT_TRUE(WriteFileAtomically(path, damaged, 0600).ok());
    const auto database = NetworkDatabase::Open(path, Of::kCountries);
    if (!database.ok()) continue;
    ++opened;
    for (const char* address : {"198.51.100.7", "203.0.113.7", "2001:db8::1", "::1"}) {
      const std::string_view country = (*database)->CountryOf(Bytes(address));
      EXPECT_TRUE(country.empty() || country.size() == 2);
      (*database)->SystemOf(Bytes(address));
    }
  }
  EXPECT_GT(opened, 0);
}

TEST(NetworkDatabase, AFileThatIsCutShortAfterwardsDoesNoHarm) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/countries.mmdb";
  ASSERT_TRUE(WriteFileAtomically(path, ReadFile(kCountries).value(), 0600).ok());
  const auto database = NetworkDatabase::Open(path, Of::kCountries);
  ASSERT_TRUE(database.ok());
  ASSERT_EQ(truncate(path.c_str(), 0), 0);
  EXPECT_EQ((*database)->CountryOf(Bytes("198.51.100.7")), "SE");
}

}  // namespace
}  // namespace vakt
