/* SPDX-License-Identifier: MIT */
/*
 * Has the driver load files that plinthctl would refuse: driver_load FILE... The driver judges for itself,
 * whoever asks. Prints its reasons; exit status 0 if it took them.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <plinth/control.h>
#include <plinth/log.h>

/* An empty file cannot be mapped. */
static int map_file(const char *path, struct plinth_ctl_file *out)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *bytes = "";

	if (fd < 0 || fstat(fd, &st))
		return -1;
	if (st.st_size)
		bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	*out = (struct plinth_ctl_file){
		.name = (uintptr_t)path, .bytes = (uintptr_t)bytes, .n_bytes = (uint64_t)st.st_size};
	return bytes == MAP_FAILED ? -1 : 0;
}

static void print_reasons(int device)
{
	static char text[8192];
	struct plinth_ctl_list list = {
		.size = sizeof(list), .item_bytes = 1, .items = (uintptr_t)text, .room = sizeof(text) - 1};

	if (!ioctl(device, PLINTH_CTL_ERROR, &list))
		fputs(text, stderr);
}

int main(int argc, char **argv)
{
	struct plinth_ctl_file files[PLINTH_CTL_MAX_FILES];
	struct plinth_ctl_load load = {.size = sizeof(load),
				       .files = (uintptr_t)files,
				       .n_files = (uint32_t)(argc - 1),
				       .log_level = PLINTH_LOG_INFO};
	int device = open(PLINTH_CTL_DEVICE, O_RDWR | O_CLOEXEC);

	if (argc < 2 || argc > (int)PLINTH_CTL_MAX_FILES || device < 0) {
		fprintf(stderr, "usage: driver_load FILE..., with the driver there\n");
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		if (map_file(argv[i], &files[i - 1])) {
			perror(argv[i]);
			return 2;
		}
	}
	if (!ioctl(device, PLINTH_CTL_LOAD, &load))
		return 0;
	print_reasons(device);
	return 1;
}
