/* SPDX-License-Identifier: MIT */
#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error_line.h"

#define SCRIPTS	   5   /* that interpret each other: as many as the kernel follows */
#define FIRST_LINE 256 /* of a script, as much as the kernel reads */

/* -- where it is ---------------------------------------------------------------------------- */

static bool is_program(const char *path)
{
	struct stat about;

	return !stat(path, &about) && S_ISREG(about.st_mode) && !access(path, X_OK);
}

static const char *in_folder(const char *folder, int n, const char *word)
{
	static char path[PATH_MAX];
	int used = snprintf(path, sizeof(path), "%.*s%s%s", n, folder, n ? "/" : "", word);

	return used > 0 && (size_t)used < sizeof(path) && is_program(path) ? path : NULL;
}

static const char *in_path(const char *word)
{
	const char *folder = getenv("PATH"), *found = NULL;

	if (!folder)
		folder = "/usr/bin:/bin";
	while (!found) {
		const size_t n = strcspn(folder, ":");

		found = in_folder(folder, (int)n, word);
		if (!folder[n])
			break;
		folder += n + 1;
	}
	return found;
}

static const char *find_executable(const char *word)
{
	const char *found = strchr(word, '/') ? in_folder("", 0, word) : *word ? in_path(word) : NULL;

	if (!found)
		error_line("introspect: \"%s\": there is no such program", word);
	return found;
}

/* -- what it is ------------------------------------------------------------------------------- */

static const char *judge_headers(int file, const Elf64_Ehdr *header)
{
	Elf64_Phdr segment;

	for (unsigned int i = 0; i < header->e_phnum; i++) {
		if (pread(file, &segment, sizeof(segment),
			  (off_t)(header->e_phoff + i * (uint64_t)header->e_phentsize)) != sizeof(segment))
			return "is cut off";
		if (segment.p_type == PT_INTERP)
			return NULL;
	}
	return "is linked statically: the library that registers it cannot be preloaded; link it dynamically";
}

/* NULL, or what is wrong with it. */
static const char *judge_elf(int file)
{
	Elf64_Ehdr header;

	if (pread(file, &header, sizeof(header), 0) != sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG))
		return "is neither a program nor a script";
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64)
		return "is no 64-bit program of this machine: the library that registers it cannot be "
		       "preloaded";
	return judge_headers(file, &header);
}

/* A script's first line, up to its interpreter; false if it is none. */
static bool read_interpreter(int file, char line[FIRST_LINE + 1], const char **interpreter)
{
	ssize_t n = pread(file, line, FIRST_LINE, 0);

	if (n < 2 || memcmp(line, "#!", 2))
		return false;
	line[n] = '\0';
	*interpreter = line + 2 + strspn(line + 2, " \t");
	line[*interpreter - line + (long)strcspn(*interpreter, " \t\n")] = '\0';
	return true;
}

static bool judge_program(const char *path)
{
	char line[FIRST_LINE + 1];
	const char *at = path, *wrong = NULL;
	bool is_script = true;

	for (int i = 0; i < SCRIPTS && is_script && !wrong; i++) {
		int file = open(at, O_RDONLY | O_CLOEXEC);

		if (file < 0) {
			error_line("introspect: %s: %s", at, strerror(errno));
			return false;
		}
		is_script = read_interpreter(file, line, &at);
		if (!is_script)
			wrong = judge_elf(file);
		close(file);
	}
	if (wrong)
		error_line("introspect: %s: it %s", at, wrong);
	return !wrong;
}

const char *program_find(const char *word)
{
	const char *path = find_executable(word);

	return path && judge_program(path) ? path : NULL;
}
