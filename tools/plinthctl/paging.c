/* SPDX-License-Identifier: MIT */
#include "paging.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Above what four levels reach the kernel gives memory to who asks for it there, if there is a fifth. */
bool paging_has_five_levels(void)
{
	const uintptr_t above = 1ull << 48;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *memory = mmap((void *)above, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	munmap(memory, page);
	return (uintptr_t)memory >= above;
}
