/* SPDX-License-Identifier: MIT */
/*
 * The window of an open /dev/plinth (PLINTH_CTL_INTROSPECT), tried as a process can that owns it: it is
 * whole, stays where it is, is nobody else's, and is not executed. Prints a line for each thing that is not
 * so.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <plinth/control.h>

#define BYTES PLINTH_INTROSPECT_BYTES
#define PAGE  4096u
#define RW    (PROT_READ | PROT_WRITE)

static int failures;

static void expect(bool good, const char *what)
{
	if (good)
		return;
	printf("%s: %s\n", what, strerror(errno));
	failures++;
}

static int open_plinth(void)
{
	int device = open(PLINTH_CTL_DEVICE, O_RDWR | O_CLOEXEC);

	if (device < 0) {
		perror(PLINTH_CTL_DEVICE);
		exit(2);
	}
	return device;
}

static char *map(int device, size_t bytes, int rights, int flags, off_t offset)
{
	return mmap(NULL, bytes, rights, flags, device, offset);
}

static bool refused(void *memory, int error)
{
	return memory == MAP_FAILED && errno == error;
}

static void other_forms(void)
{
	int device = open_plinth();

	expect(refused(map(device, BYTES / 2, RW, MAP_SHARED, 0), EINVAL), "half a window");
	expect(refused(map(device, 2 * BYTES, RW, MAP_SHARED, 0), EINVAL), "two windows");
	expect(refused(map(device, BYTES, RW, MAP_SHARED, PAGE), EINVAL), "at an offset");
	expect(refused(map(device, BYTES, RW, MAP_PRIVATE, 0), EINVAL), "a private one");
	expect(refused(map(device, BYTES, RW | PROT_EXEC, MAP_SHARED, 0), EINVAL), "one that is executed");
	close(device);
}

static void stays_whole(char *window)
{
	expect(munmap(window, PAGE) && errno == EINVAL, "its first page unmapped");
	expect(munmap(window + BYTES - PAGE, PAGE) && errno == EINVAL, "its last page unmapped");
	expect(mprotect(window + PAGE, PAGE, PROT_READ) && errno == EINVAL, "a page with other rights");
	expect(mprotect(window, BYTES, RW | PROT_EXEC) && errno == EACCES, "executed later");
	expect(refused(mremap(window, BYTES, BYTES / 2, 0), EINVAL), "made smaller");
	expect(mremap(window, BYTES, 2 * BYTES, MREMAP_MAYMOVE) == MAP_FAILED, "made larger");
	expect(mmap(window + PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED,
	       "a page put over it");
	expect(madvise(window, BYTES, MADV_DOFORK) && errno == EINVAL, "given to children");
	expect(madvise(window, BYTES, MADV_DODUMP) && errno == EINVAL, "in a core file");
}

static void stays_there(char *window)
{
	char *place = mmap(NULL, BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	expect(mremap(window, BYTES, BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, place) == MAP_FAILED, "moved");
}

static void is_memory(char *window)
{
	for (size_t i = 0; i < BYTES; i++)
		if (window[i]) {
			expect(false, "it is not empty");
			break;
		}
	for (size_t i = 0; i < BYTES; i += PAGE)
		memset(window + i, (int)(i / PAGE) | 1, PAGE);
	for (size_t i = 0; i < BYTES; i++)
		if (window[i] != (char)(i / PAGE | 1)) {
			expect(false, "it does not keep what is written");
			break;
		}
}

#define FAULTED 42

/* The kernel's log would have one that nobody catches. */
static void on_fault(int number)
{
	_exit(number == SIGSEGV ? FAULTED : 1);
}

static void is_no_childs(int device, char *window)
{
	int status = 0;

	if (!fork()) {
		signal(SIGSEGV, on_fault);
		/* The file is open here, too, and has had its window. */
		if (!refused(map(device, BYTES, RW, MAP_SHARED, 0), EBUSY))
			_exit(1);
		_exit(*(volatile char *)window);
	}
	wait(&status);
	expect(WIFEXITED(status) && WEXITSTATUS(status) == FAULTED, "a child sees it");
}

/* Nobody reads it by way of the process, and nobody keeps its pages. */
static void is_not_pinned(char *window)
{
	char copy[16];
	const struct iovec to = {copy, sizeof(copy)}, from = {window, sizeof(copy)};
	int memory = open("/proc/self/mem", O_RDONLY);

	expect(process_vm_readv(getpid(), &to, 1, &from, 1, 0) < 0, "read by process_vm_readv()");
	expect(pread(memory, copy, sizeof(copy), (off_t)(uintptr_t)window) < 0, "read through /proc");
	close(memory);
}

static int introspect(int device, uint32_t flags)
{
	struct plinth_ctl_introspect arg = {.size = sizeof(arg), .flags = flags};

	return ioctl(device, PLINTH_CTL_INTROSPECT, &arg) ? errno : 0;
}

static void who_may(int device)
{
	int other = open_plinth();

	expect(introspect(device, 0) == EBADFD, "registered without a VMM");
	expect(introspect(device, 2) == EINVAL, "flags that nobody knows");
	expect(introspect(other, 0) == EINVAL, "registered without a window");
	close(other);
}

int main(void)
{
	int device = open_plinth();
	char *window = map(device, BYTES, RW, MAP_SHARED, 0);

	if (window == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	other_forms();
	is_memory(window);
	expect(refused(map(device, BYTES, RW, MAP_SHARED, 0), EBUSY), "a second window of one file");
	stays_whole(window);
	stays_there(window);
	is_no_childs(device, window);
	is_not_pinned(window);
	who_may(device);
	expect(window[0] == 1 && window[BYTES - 1] == (char)(511 | 1), "it has changed");
	close(device);
	expect(window[PAGE] == 1, "gone with the file, which the mapping keeps");
	expect(!munmap(window, BYTES), "unmapped");
	return failures ? 1 : 0;
}
