// Types and small helpers that every library uses.
//
// sl_be16, sl_be32: network byte order, said in the type (the DPDK-free libraries cannot see
// rte_be16_t; both are plain integers and mix freely).
#pragma once

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint16_t sl_be16;
typedef uint32_t sl_be32;

#define SL_CACHE_LINE    64
#define SL_CACHE_ALIGNED __attribute__((aligned(SL_CACHE_LINE)))
#define SL_PRINTF(f, a)  __attribute__((format(printf, f, a)))
#define SL_ARRAY_LEN(a)  (sizeof(a) / sizeof((a)[0]))
#define SL_NSEC_PER_SEC  UINT64_C(1000000000)
#define SL_NSEC_PER_MSEC UINT64_C(1000000)
#define sl_likely(x)     __builtin_expect(!!(x), 1)
#define sl_unlikely(x)   __builtin_expect(!!(x), 0)

// Finalizer of MurmurHash3, for hash tables: every bit of the key decides every bit of the result.
static inline uint64_t
sl_mix64(uint64_t key)
{
	key ^= key >> 33;
	key *= UINT64_C(0xff51afd7ed558ccd);
	key ^= key >> 33;
	key *= UINT64_C(0xc4ceb9fe1a85ec53);
	return key ^ key >> 33;
}

static inline sl_be16
sl_cpu_to_be16(uint16_t v)
{
	return htons(v);
}

static inline uint16_t
sl_be16_to_cpu(sl_be16 v)
{
	return ntohs(v);
}

static inline sl_be32
sl_cpu_to_be32(uint32_t v)
{
	return htonl(v);
}

static inline uint32_t
sl_be32_to_cpu(sl_be32 v)
{
	return ntohl(v);
}
