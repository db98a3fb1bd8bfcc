/* SPDX-License-Identifier: MIT */
#include "read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Read rather than mapped: a file that shrinks meanwhile must not kill us. */
static ssize_t read_all(int fd, uint8_t *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, to + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static const char *too_large(off_t size, uint64_t most)
{
	static char text[96];

	snprintf(text, sizeof(text), "%" PRIu64 " bytes, at most %" PRIu64 " can be a module", (uint64_t)size,
		 most);
	return text;
}

/* Why not, or NULL. */
static const char *unreadable(int fd, uint64_t most, size_t *size)
{
	struct stat about;

	if (fstat(fd, &about))
		return strerror(errno);
	if (S_ISDIR(about.st_mode))
		return strerror(EISDIR);
	if (!S_ISREG(about.st_mode))
		return "not a regular file";
	*size = (size_t)about.st_size;
	return (uint64_t)about.st_size > most ? too_large(about.st_size, most) : NULL;
}

static void *read_open(int fd, size_t *size, const char **why)
{
	void *bytes = malloc(*size ? *size : 1);
	ssize_t n = bytes ? read_all(fd, bytes, *size) : -1;

	if (n < 0) {
		*why = strerror(errno);
		free(bytes);
		return NULL;
	}
	*size = (size_t)n;
	return bytes;
}

void *read_file(const char *path, uint64_t most, size_t *size, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	void *bytes = NULL;

	*size = 0;
	if (fd < 0) {
		*why = strerror(errno);
		return NULL;
	}
	*why = unreadable(fd, most, size);
	if (!*why)
		bytes = read_open(fd, size, why);
	close(fd);
	return bytes;
}
