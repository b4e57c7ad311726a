// Memory: what will be needed, which hugepages are free, and the buffer pool.

#include <errno.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>
#include <string.h>

#include "sl_port.h"
#include "sl_str.h"

#define CACHE     256
#define RING_SLOT 128 // the widest descriptor plus the driver's own record of the buffer
#define MIB       (UINT64_C(1) << 20)
#define EAL_BYTES (16 * MIB)

unsigned
sl_port_memory_needed(const struct sl_port_memory *need)
{
	const uint64_t mbuf = rte_mempool_calc_obj_size(
		(uint32_t)sizeof(struct rte_mbuf) + need->data_room, 0, NULL);
	const uint64_t rings =
		(uint64_t)need->ports * need->queues * need->descriptors * 2 * RING_SLOT;
	// The pool's ring holds a pointer a buffer, its length the next power of two.
	const uint64_t bytes =
		need->n_mbufs * (mbuf + 2 * sizeof(void *)) + rings + need->other_bytes;

	return (unsigned)((bytes + bytes / 8 + EAL_BYTES + MIB - 1) / MIB);
}

// As rte_pktmbuf_pool_create(), but packed: with IOVA as VA (eal.c) a buffer may cross a page.
// Without hugepages that saves almost half (one buffer a 4 KiB page otherwise), and the AF_XDP
// driver of 22.11 takes a pool for packed when it registers it with the kernel.
static struct rte_mempool *
pool_packed(const char *name, unsigned n_mbufs, uint16_t data_room)
{
	struct rte_pktmbuf_pool_private priv = {.mbuf_data_room_size = data_room};
	struct rte_mempool *pool = rte_mempool_create_empty(name, n_mbufs,
		(unsigned)sizeof(struct rte_mbuf) + data_room, CACHE, sizeof(priv), SOCKET_ID_ANY,
		RTE_MEMPOOL_F_NO_IOVA_CONTIG);
	int rc;

	if (!pool)
		return NULL;
	rc = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL);
	if (rc == 0) {
		rte_pktmbuf_pool_init(pool, &priv);
		rc = rte_mempool_populate_default(pool);
	}
	if (rc < 0) {
		rte_mempool_free(pool);
		rte_errno = -rc;
		return NULL;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}

struct rte_mempool *
sl_port_pool_new(const char *name, unsigned n_mbufs, unsigned data_room, char **why)
{
	struct rte_mempool *pool = NULL;

	rte_errno = EINVAL;
	if (data_room <= UINT16_MAX)
		pool = pool_packed(name, n_mbufs, (uint16_t)data_room);
	if (!pool)
		*why = sl_xasprintf("%u packet buffers of %u bytes: %s (raise the memory of "
				    "sluice.yaml or lower the number of buffers)",
			n_mbufs, data_room, rte_strerror(rte_errno));
	return pool;
}
