/* SPDX-License-Identifier: MIT */
/* load: from options to one LOAD. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <plinth/log.h>

#include "check.h"
#include "commands.h"
#include "device.h"
#include "module_set.h"
#include "options.h"
#include "plan_file.h"
#include "status_json.h"
#include "uart.h"

#define MAX_NAME 255u /* of a file, as the driver takes it */

struct word_list {
	const char *list[PLINTH_CTL_MAX_FILES];
	size_t n;
};

static struct {
	const char *modules;
	struct word_list replace, add, without;
	bool json, lazy, no_aslr;
	int level;
	struct plinth_ctl_load load;
} options = {.level = PLINTH_LOG_INFO, .load.size = sizeof(options.load)};

static void take_file(const char *word, void *to)
{
	struct word_list *list = to;

	if (list->n == PLINTH_CTL_MAX_FILES)
		usage_error("that is one too many: at most %u", PLINTH_CTL_MAX_FILES);
	list->list[list->n++] = word;
}

static void take_replace(const char *word, void *to)
{
	if (!strchr(word, '=') || *word == '=')
		usage_error("wants NAME=FILE");
	take_file(word, to);
}

static void take_uart(const char *word, void *to)
{
	struct plinth_ctl_load *load = to;
	char problem[256];

	if (!uart_parse(word, &load->uart_port, &load->uart_baud, problem, sizeof(problem)))
		usage_error("%s", problem);
}

static const struct option_row rows[] = {
	{"modules", 'm', "DIR|LIST",
	 "a folder's *.so, or a list's files (default: $PLINTH_MODULES, else the installed ones)",
	 option_text, &options.modules, 0},
	{"replace", 'r', "NAME=FILE", "FILE instead of the module NAME; may be repeated", take_replace,
	 &options.replace, 0},
	{"without", 'w', "NAME", "not the module NAME, if it is optional", take_file, &options.without, 0},
	{"add", 'a', "FILE", "one more: a file or an installed extension", take_file, &options.add, 0},
	{"heap", 'H', "SIZE", "of the VMM, with K, M, G (32K and 1.5K a CPU)", option_size,
	 &options.load.heap_bytes, 0},
	{"lazy", 'z', NULL, "jump slots at the first call; adds extension lazy", option_flag, &options.lazy,
	 0},
	{"no-aslr", 'A', NULL, "fixed addresses instead of random ones", option_flag, &options.no_aslr, 0},
	{"uart", 'u', "PORT[,BAUD|,keep]",
	 "also write the log to a UART: com1 to com4, an I/O port, pci[:N]; 8N1 at 115200 or BAUD, or the "
	 "line as it is",
	 take_uart, &options.load, 0},
	{"log-level", 'l', "LEVEL", "error, warn, info (the default) or debug", option_level, &options.level,
	 0},
	{"json", 'j', NULL, "print the status as JSON, errors too", option_json, &options.json, 0},
	{0},
};

static bool collect_modules(struct module_set *set)
{
	bool good = module_set_find(set, options.modules);

	for (size_t i = 0; i < options.without.n && good; i++)
		good = module_set_without(set, options.without.list[i]);
	for (size_t i = 0; i < options.replace.n && good; i++)
		good = module_set_replace(set, options.replace.list[i]);
	for (size_t i = 0; i < options.add.n && good; i++)
		good = module_set_add_extension(set, options.add.list[i]);
	return good && (!options.lazy || module_set_add_once(set, "lazy"));
}

/* What check says of the same files, in its words; the driver judges for itself all the same. */
static bool judge_files(struct link_set *judged, struct module_set *set)
{
	const struct link_set_options o = {
		.base = LINK_SET_BASE,
		.lazy = options.lazy,
		.files = {set->paths, (int)set->n},
	};
	int status = check_set(judged, &o);

	check_print(judged);
	return !status;
}

/* What --lazy has come to; nothing, if no module was built for it. */
static void tell_lazy(void)
{
	uint64_t count = 0, slots = 0, bound = 0;
	struct plinth_ctl_module *modules = device_list(PLINTH_CTL_MODULES, sizeof(*modules), &count);

	for (uint64_t i = 0; modules && i < count; i++) {
		slots += modules[i].lazy_slots;
		bound += modules[i].lazy_bound;
	}
	free(modules);
	if (slots)
		printf("lazy: %" PRIu64 " of %" PRIu64 " jump slots wait for their first call\n",
		       slots - bound, slots);
	else
		puts("lazy: no module is built for it; all are linked at load");
}

static int load_set(const struct module_set *set, const struct link_set *judged,
		    struct plinth_ctl_status *after)
{
	struct plinth_ctl_file files[PLINTH_CTL_MAX_FILES];
	struct plinth_ctl_load *arg = &options.load;
	char path[PATH_MAX + sizeof(PLAN_FILE_NAME)];
	size_t n_plan_bytes;

	for (size_t i = 0; i < set->n; i++) {
		const struct rtld_info *info = rtld_info(judged->set, (uint32_t)i);
		size_t length = strlen(set->paths[i]);

		/* Of a very long path the end says most. */
		files[i] = (struct plinth_ctl_file){
			.name = (uintptr_t)set->paths[i] + (length > MAX_NAME ? length - MAX_NAME : 0),
			.bytes = (uintptr_t)info->bytes,
			.n_bytes = info->file_size,
		};
	}
	arg->flags = (options.lazy ? PLINTH_LOAD_LAZY : 0) | (options.no_aslr ? PLINTH_LOAD_NO_ASLR : 0);
	arg->log_level = (uint32_t)options.level;
	arg->files = (uintptr_t)files;
	arg->n_files = (uint32_t)set->n;
	plan_file_beside(set->paths[0], path, sizeof(path));
	arg->plan = (uintptr_t)plan_file_read(path, &n_plan_bytes);
	arg->n_plan_bytes = n_plan_bytes;
	return device_change("load", PLINTH_CTL_LOAD, arg, after);
}

static void print_loaded_state(const struct plinth_ctl_status *status)
{
	if (options.json) {
		status_print_json(status);
		return;
	}
	printf("loaded: %u modules at %#" PRIx64 ", heap %" PRIu64 " KiB, memory %" PRIu64 " KiB\n",
	       status->n_modules, status->base_va, status->heap_bytes / 1024, status->memory_bytes / 1024);
	if (options.lazy)
		tell_lazy();
}

int cmd_load(int argc, char **argv)
{
	static struct module_set set;
	struct link_set judged = {0};
	struct plinth_ctl_status after;
	int status = EXIT_FAILED;
	const struct option_table table = {
		.about = "Link the modules into the driver and initialise the VMM; no CPU yet.",
		.rows = rows,
	};

	options_take(argc, argv, &table);
	if (collect_modules(&set) && judge_files(&judged, &set) && !load_set(&set, &judged, &after)) {
		print_loaded_state(&after);
		status = EXIT_OK;
	}
	link_set_close(&judged);
	return status;
}
