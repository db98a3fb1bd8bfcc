/* SPDX-License-Identifier: MIT */
/* /proc/PID/pagemap: a word for each page (Documentation/admin-guide/mm/pagemap.rst). */
#include "page_address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "error_line.h"

#define PAGE_BYTES  4096ull
#define WORD_THERE  (1ull << 63)
#define WORD_FRAMES ((1ull << 55) - 1)

static int read_word(int pid, uint64_t va, uint64_t *word)
{
	char path[32];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	got = pread(fd, word, sizeof(*word), (off_t)(va / PAGE_BYTES * sizeof(*word)));
	close(fd);
	return got < 0 ? errno : got == sizeof(*word) ? 0 : EFAULT;
}

int page_address(const char *command, int pid, uint64_t va, uint64_t *pa)
{
	uint64_t word = 0;
	int err = read_word(pid, va, &word);

	if (err == ENOENT)
		error_line("%s: there is no process %d", command, pid);
	else if (err && err != EFAULT)
		error_line("%s: process %d: its pages cannot be looked up: %s", command, pid, strerror(err));
	else if (err || !(word & WORD_THERE))
		error_line("%s: process %d: nothing is mapped at %#llx now", command, pid,
			   (unsigned long long)va);
	else if (!(word & WORD_FRAMES))
		error_line("%s: process %d: the kernel does not tell where its pages are: CAP_SYS_ADMIN does "
			   "it",
			   command, pid);
	else {
		*pa = (word & WORD_FRAMES) * PAGE_BYTES;
		return 0;
	}
	return -1;
}
