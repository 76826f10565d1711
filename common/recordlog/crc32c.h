// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli, RFC 3720 appendix B.4): the checksum of everything Vakt keeps on disk.
// Thread-safe. Uses the SSE4.2 instruction where the CPU has it, a table elsewhere.
#ifndef VAKT_COMMON_RECORDLOG_CRC32C_H_
#define VAKT_COMMON_RECORDLOG_CRC32C_H_

#include <cstdint>
#include <string_view>

namespace vakt {

uint32_t Crc32c(std::string_view bytes);

// The checksum of A followed by `bytes`, given `crc` = Crc32c(A).
uint32_t ExtendCrc32c(uint32_t crc, std::string_view bytes);

// A checksum that is stored among the bytes another checksum covers is masked first: the CRC of a
// string that holds its own CRC is a constant, so it would protect nothing.
constexpr uint32_t MaskCrc32c(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }

// The table version, for the test that both agree and for CPUs without the instruction.
uint32_t ExtendCrc32cPortable(uint32_t crc, std::string_view bytes);

}  // namespace vakt

#endif  // VAKT_COMMON_RECORDLOG_CRC32C_H_
