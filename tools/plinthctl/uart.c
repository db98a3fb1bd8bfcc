/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "uart.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

#define PCI_FOLDER	 "/sys/bus/pci/devices"
#define PCI_CLASS_SERIAL 0x0700u /* PCI Code and ID Assignment Specification: serial controller */
#define RESOURCE_IO	 0x100u	 /* of the flags in a device's file "resource" */
#define UART_PORTS	 8u
#define MAX_SPEED	 115200u /* of a UART with the PC's crystal */
#define DEFAULT_SPEED	 MAX_SPEED

/* The places of a PC's four serial ports since the first of them. */
static const uint16_t com_ports[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};

static bool number_in(const char *file, const char *device, uint64_t *value)
{
	char path[512];
	FILE *from;
	bool good;

	snprintf(path, sizeof(path), PCI_FOLDER "/%s/%s", device, file);
	from = fopen(path, "re");
	good = from && fscanf(from, "%" SCNi64, (int64_t *)value) == 1;
	if (from)
		fclose(from);
	return good;
}

/* The first I/O range of a device that has room for a UART; 0 if there is none. */
static uint32_t io_base(const char *device)
{
	uint64_t first, last, flags;
	char path[512];
	uint32_t base = 0;
	FILE *from;

	snprintf(path, sizeof(path), PCI_FOLDER "/%s/resource", device);
	from = fopen(path, "re");
	while (from && !base && fscanf(from, "%" SCNx64 " %" SCNx64 " %" SCNx64, &first, &last, &flags) == 3)
		if (flags & RESOURCE_IO && first && last - first + 1 >= UART_PORTS)
			base = (uint32_t)first;
	if (from)
		fclose(from);
	return base;
}

static void switch_on(const char *device)
{
	uint64_t enabled = 0;
	char path[512];
	FILE *to;

	if (number_in("enable", device, &enabled) && enabled)
		return;
	snprintf(path, sizeof(path), PCI_FOLDER "/%s/enable", device);
	to = fopen(path, "we");
	if (to) {
		fputs("1", to);
		fclose(to);
	}
}

static bool is_serial(const char *device)
{
	uint64_t class;

	return *device != '.' && number_in("class", device, &class) && class >> 8 == PCI_CLASS_SERIAL;
}

static bool find_pci(uint64_t number, uint32_t *port, char *problem, size_t size)
{
	struct dirent **devices;
	uint64_t seen = 0;
	int n = scandir(PCI_FOLDER, &devices, NULL, alphasort);

	*port = 0;
	for (int i = 0; i < n; i++) {
		const char *device = devices[i]->d_name;
		uint32_t base = is_serial(device) ? io_base(device) : 0;

		if (base && seen++ == number) {
			switch_on(device);
			*port = base;
		}
		free(devices[i]);
	}
	if (n >= 0)
		free(devices);
	if (!*port)
		snprintf(problem, size,
			 "there are %" PRIu64
			 " PCI serial controllers (class 0700h) with I/O ports, number %" PRIu64
			 " is not among them; lspci -d ::0700 lists them",
			 seen, number);
	return *port;
}

static bool parse_port(const char *word, uint32_t *port, char *problem, size_t size)
{
	uint64_t number = 0;

	if (!strncasecmp(word, "com", 3) && word[3] >= '1' && word[3] <= '4' && !word[4]) {
		*port = com_ports[word[3] - '1'];
		return true;
	}
	if (!strcmp(word, "pci") || (!strncmp(word, "pci:", 4) && number_parse(word + 4, "", 255, &number)))
		return find_pci(number, port, problem, size);
	if (number_parse(word, "", 0xfff8, &number) && number) {
		*port = (uint32_t)number;
		return true;
	}
	snprintf(problem, size, "\"%s\" is neither com1 to com4, nor pci[:N], nor an I/O port up to 0xfff8",
		 word);
	return false;
}

bool uart_parse(const char *word, uint32_t *port, uint32_t *baud, char *problem, size_t size)
{
	char place[32];
	const char *comma = strchr(word, ',');
	uint64_t speed = DEFAULT_SPEED;

	snprintf(place, sizeof(place), "%.*s", comma ? (int)(comma - word) : (int)strlen(word), word);
	if (comma && !strcmp(comma + 1, "keep")) {
		speed = 0;
	} else if (comma && (!number_parse(comma + 1, "", MAX_SPEED, &speed) || !speed)) {
		snprintf(problem, size, "speed \"%s\": 1 to %u are possible, and keep", comma + 1, MAX_SPEED);
		return false;
	}
	*baud = (uint32_t)speed;
	return parse_port(place, port, problem, size);
}
