/* SPDX-License-Identifier: MIT */
/* The command line of plinth-model. */
#define _GNU_SOURCE
#include "plinth_model.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_MAX_BYTES (1ull << 52) /* of physical addresses */

struct options options = {
	.hardware = {.cpu = {.address_bits = 39}, .n_cpus = 1, .memory = {.bytes = 1ull << 30}},
};

static const char usage[] =
	"usage: plinth-model [--cpus N] [--address-bits N] [--memory SIZE] [--no-1g-pages] "
	"[--replace NAME=FILE]... [--add FILE]... [--cpuid LEAF]... [--faults] [--log]\n"
	"\n"
	"Loads Plinth's modules on a model of a CPU with VT-x, starts, stops and unloads them.\n"
	"\n"
	"  --cpus N             1 to 1024 processors (1)\n"
	"  --address-bits N     36 to 52 bits of physical addresses (39)\n"
	"  --memory SIZE        so much RAM, with a hole below 4 GiB: a number with M, G or T (1G)\n"
	"  --no-1g-pages        second-level tables have no pages of 1 GiB\n"
	"  --replace NAME=FILE  load FILE instead of the module NAME\n"
	"  --add FILE           load FILE as well\n"
	"  --cpuid LEAF         what CPUID says there, a hexadecimal number, on each processor while the VMM "
	"runs\n"
	"  --faults             once more for every call that can fail: it fails, all is undone, and then it "
	"works\n"
	"  --log                the VMM's log\n"
	"\n"
	"Exit status: 0 all went well, 1 something did not, 2 bad arguments.\n"
	"PLINTH_MODULES and PLINTH_MOCKS name other folders than the installed ones.\n";

void __attribute__((noreturn)) options_refuse(const char *value, const char *what)
{
	fprintf(stderr, "plinth-model: %s: %s (see plinth-model --help)\n", value, what);
	exit(2);
}

/* The absolute path without ".so", as the machine wants it. */
static char *module_file(const char *name)
{
	char *path = realpath(name, NULL);
	size_t length = path ? strlen(path) : 0;

	if (!path || access(path, R_OK))
		options_refuse(name, strerror(errno));
	if (length < 4 || strcmp(path + length - 3, ".so"))
		options_refuse(name, "not a file named *.so");
	path[length - 3] = '\0';
	return path;
}

static void add_replacement(const char *text)
{
	const char *equals = strchr(text, '=');
	uint32_t n = options.n_replaced;

	if (!equals || equals == text)
		options_refuse(text, "wants NAME=FILE");
	if (n == MAX_CHANGES)
		options_refuse(text, "too many modules are replaced");
	options.replaced[n] = strndup(text, (size_t)(equals - text));
	options.with[n] = module_file(equals + 1);
	if (!strcmp(options.replaced[n], "intrinsics"))
		options_refuse(text, "the model CPU is in its place");
	options.n_replaced++;
}

static uint32_t number(const char *text, int base, uint32_t min, uint32_t max)
{
	char what[64];
	char *end;
	unsigned long value = strtoul(text, &end, base);

	snprintf(what, sizeof(what), base == 16 ? "not a number from %x to %x" : "not a number from %u to %u",
		 min, max);
	if (!*text || *text == '-' || *end || value < min || value > max)
		options_refuse(text, what);
	return (uint32_t)value;
}

/* A number and its unit; there is no memory of less than a MiB. */
static uint64_t size(const char *text)
{
	static const char units[] = "MGT";
	char *end;
	unsigned long value = strtoul(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;
	unsigned int shift = unit ? 20 + 10 * (unsigned int)(unit - units) : 0;

	if (!unit || end == text || end[1] || *text == '-' || !value || value > SIZE_MAX_BYTES >> shift)
		options_refuse(text, "not a size like 512M, 16G or 6T");
	return value << shift;
}

static void add_module(const char *name)
{
	if (options.n_added == MAX_CHANGES)
		options_refuse(name, "too many modules are added");
	options.added[options.n_added++] = module_file(name);
}

static void add_cpuid_leaf(const char *text)
{
	if (options.n_leaves == MAX_LEAVES)
		options_refuse(text, "too many leaves");
	options.leaves[options.n_leaves++] = number(text, 16, 0, UINT32_MAX);
}

void options_parse(int argc, char **argv)
{
	static const struct option names[] = {
		{"cpus", required_argument, NULL, 'n'},
		{"replace", required_argument, NULL, 'r'},
		{"address-bits", required_argument, NULL, 'b'},
		{"memory", required_argument, NULL, 'm'},
		{"no-1g-pages", no_argument, NULL, '1'},
		{"add", required_argument, NULL, 'a'},
		{"cpuid", required_argument, NULL, 'c'},
		{"faults", no_argument, NULL, 'f'},
		{"log", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct machine_hardware *hardware = &options.hardware;
	int option;

	while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
		switch (option) {
		case 'n': hardware->n_cpus = number(optarg, 10, 1, MODEL_CPUS); break;
		case 'b':
			hardware->cpu.address_bits =
				number(optarg, 10, MACHINE_BITS_LEAST, MACHINE_BITS_MOST);
			break;
		case 'm': hardware->memory.bytes = size(optarg); break;
		case '1': hardware->cpu.lacks = MODEL_LACKS_1G; break;
		case 'r': add_replacement(optarg); break;
		case 'a': add_module(optarg); break;
		case 'c': add_cpuid_leaf(optarg); break;
		case 'f': options.faults = true; break;
		case 'l': options.log = true; break;
		case 'h': fputs(usage, stdout); exit(0);
		default: exit(2);
		}
	}
	if (optind < argc)
		options_refuse(argv[optind], "unexpected argument");
}
