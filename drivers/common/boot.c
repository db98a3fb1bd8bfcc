/* SPDX-License-Identifier: MIT */
/*
 * What is written down for the VMM before it runs: the boot page, the lists it points to, the heads of other
 * regions.
 */
#include <string.h>

#include <plinth/footprint.h>

#include "drivers/common/internal.h"

void boot_init_regions(struct core *core)
{
	struct plinth_shared *shared = core_shared_region(core);

	*shared = (struct plinth_shared){
		.magic = PLINTH_SHARED_MAGIC,
		.version = PLINTH_SHARED_VERSION,
		.n_cpus = core->n_cpus,
		.cpu_offset = sizeof(*shared),
		.cpu_stride = sizeof(struct plinth_shared_cpu),
		.log_level = core->load->log_level,
	};
	core_tuning_page(core)->log_level = (uint8_t)core->load->log_level;
}

static void list_symbols(struct core *core, uint32_t module, struct plinth_boot_module *out)
{
	struct rtld_symbol_table table;

	if (!rtld_symbol_table(core->link.set, module, &table))
		return;
	out->dynsym_va = table.symbols;
	out->dynsym_count = table.count;
	out->dynstr_va = table.names;
	out->dynstr_bytes = table.names_size;
}

static void list_modules(struct core *core, struct plinth_boot_module *out)
{
	for (uint32_t i = 0; i < core->n_modules; i++) {
		const struct plinth_ctl_module *about = &core->modules[i].about;

		memcpy(out[i].name, about->name, sizeof(out[i].name));
		/* Linked already: an address of the file plus this is one in the VMM. */
		out[i].base_va = about->base_va - rtld_info(core->link.set, i)->low;
		out[i].bytes = about->bytes;
		list_symbols(core, i, &out[i]);
	}
}

static void list_descriptors(struct core *core, struct plinth_descriptor *out)
{
	const struct space_region *pool = &core->space[SPACE_POOL];
	struct plinth_descriptor *run = NULL;
	uint64_t n = 0;

	for (uint64_t i = 0; i < pool->pages; i++) {
		uint64_t pa = os_virt_to_phys((uint8_t *)pool->kernel + i * OS_PAGE);

		if (!run || pa != run->pa + run->pages * OS_PAGE) {
			run = &out[n++];
			*run = (struct plinth_descriptor){.va = pool->va + i * OS_PAGE, .pa = pa};
		}
		run->pages++;
	}
}

static void fill_places(const struct core *core, struct plinth_boot *boot)
{
	const struct space_region *tables = &core->space[SPACE_TABLES];
	const struct space_region *pool = &core->space[SPACE_POOL];
	const struct space_region *shared = &core->space[SPACE_SHARED];

	boot->slot_va = core->slot_va;
	boot->free_va = core->end_va;
	boot->levels = core->tables.levels;
	boot->launch_pgd_pa = os_virt_to_phys(core_launch_pgd(core));
	boot->launch_pgd_va = core->space[SPACE_LAUNCH].va;
	boot->root_pgd_va = pool->va;
	boot->root_pgd_pa = core->tables.root_pa;
	boot->pool_va = pool->va;
	boot->pool_pages = pool->pages;
	boot->pool_used = core->n_tables;
	boot->heap_bytes = core->heap_bytes;
	boot->shared_va = shared->va;
	boot->shared_bytes = shared->pages * OS_PAGE;
	boot->tuning_va = core->space[SPACE_TUNING].va;
	boot->mailbox_va = core->space[SPACE_MAILBOX].va;
	boot->modules_va = tables->va;
	boot->n_modules = core->n_modules;
	boot->descriptors_va = tables->va + core->n_modules * sizeof(struct plinth_boot_module);
	boot->n_descriptors = core->n_descriptors;
	boot->window_pages = plinth_window_pages(core->n_cpus);
}

int boot_fill(void *ctx)
{
	struct core *core = ctx;
	struct plinth_boot *boot = core->space[SPACE_BOOT].kernel;
	uint8_t *lists = core->space[SPACE_TABLES].kernel;

	core->stop_token[0] = os_random();
	core->stop_token[1] = os_random();
	*boot = (struct plinth_boot){
		.size = sizeof(*boot),
		.abi = PLINTH_MODULE_ABI,
		.n_cpus = core->n_cpus,
		.uart = {.io_base = core->load->uart_port, .baud = core->load->uart_baud},
		.stop_token = {core->stop_token[0], core->stop_token[1]},
	};
	os_gate_fill(boot);
	fill_places(core, boot);
	boot->n_memory = core->n_memory;
	memcpy(boot->memory, core->memory, sizeof(boot->memory));
	list_modules(core, (struct plinth_boot_module *)lists);
	list_descriptors(core,
			 (struct plinth_descriptor *)(lists + (boot->descriptors_va - boot->modules_va)));
	return 0;
}
