/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <stddef.h>
#include <string.h>

#include <plinth/serial.h>

#include "model/model.h"

#define FREE_VA 0x200000000000ull

_Alignas(4096) uint8_t pages[PAGES][MEM_PAGE];
struct plinth_descriptor runs[3];
struct plinth_boot_module modules[2];
struct plinth_boot boot;
struct pool_region region;
static struct plinth_tuning tuning;

/* Contiguous in one way, and in another order in the other. */
void describe(void)
{
	memset(pages, 0, sizeof(pages));
	runs[0] = (struct plinth_descriptor){(uint64_t)pages[0], 0x5000000, 100};
	runs[1] = (struct plinth_descriptor){(uint64_t)pages[100], 0x1000000, 24};
	runs[2] = (struct plinth_descriptor){(uint64_t)pages[124], 0x3000000, PAGES - 124};
	boot = (struct plinth_boot){
		.levels = 4,
		.n_cpus = 1,
		.free_va = FREE_VA,
		.root_pgd_pa = 0x5000000,
		.launch_pgd_pa = 0x7000,
		.pool_va = (uint64_t)pages,
		.pool_pages = PAGES,
		.pool_used = 1,
		.heap_bytes = HEAP_BYTES,
		.descriptors_va = (uint64_t)runs,
		.n_descriptors = 3,
		.window_pages = WINDOW_PAGES + 1,
		.shared_va = (uint64_t)&region,
		.tuning_va = (uint64_t)&tuning,
		.modules_va = (uint64_t)modules,
	};
}

void log_up(void)
{
	static struct cpu_local local;

	memset(&region, 0, sizeof(region));
	region.head = (struct plinth_shared){.magic = PLINTH_SHARED_MAGIC,
					     .version = PLINTH_SHARED_VERSION,
					     .n_cpus = 1,
					     .cpu_offset = offsetof(typeof(region), cpu),
					     .cpu_stride = sizeof(struct plinth_shared_cpu)};
	tuning.log_level = PLINTH_LOG_DEBUG;
	model_init(&model_kinds[0], 1);
	local.self = &local;
	model.cpu[0].st.msr[MODEL_MSR_FS_BASE] = (uint64_t)&local;
	cr_assert_eq(log_init(&boot), 0);
}

void up(void)
{
	describe();
	log_up();
	cr_assert_eq(mem_init(&boot), 0);
}
