/* SPDX-License-Identifier: MIT */
/*
 * Makes a bad module from a good one: break_module KIND FILE, changing FILE.
 * Kinds: see the table; "large" is good, but takes its time. Bad files are made
 * here, from the very modules under test, and not kept as binaries.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <plinth/abi.h>

struct file {
	int fd;
	unsigned char *bytes;
	size_t size;
};

static Elf64_Ehdr *elf_header(const struct file *f)
{
	return (Elf64_Ehdr *)f->bytes;
}

/* File position of a virtual address; modules are small and well-formed. */
static void *at_address(const struct file *f, uint64_t address)
{
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(f->bytes + elf_header(f)->e_phoff);

	for (int i = 0; i < elf_header(f)->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && address >= ph[i].p_vaddr &&
		    address < ph[i].p_vaddr + ph[i].p_filesz)
			return f->bytes + ph[i].p_offset + (address - ph[i].p_vaddr);
	return NULL;
}

static Elf64_Phdr *segment(const struct file *f, uint32_t type)
{
	Elf64_Phdr *ph = (Elf64_Phdr *)(f->bytes + elf_header(f)->e_phoff);

	for (int i = 0; i < elf_header(f)->e_phnum; i++)
		if (ph[i].p_type == type)
			return &ph[i];
	return NULL;
}

static void *dynamic(const struct file *f, int64_t tag)
{
	const Elf64_Phdr *ph = segment(f, PT_DYNAMIC);
	const Elf64_Dyn *dyn;

	if (!ph)
		return NULL;
	for (dyn = (const Elf64_Dyn *)(f->bytes + ph->p_offset); dyn->d_tag != DT_NULL; dyn++)
		if (dyn->d_tag == tag)
			return at_address(f, dyn->d_un.d_ptr);
	return NULL;
}

static int not_elf(struct file *f)
{
	memcpy(f->bytes, "#!/bin/sh\n", 10);
	return 0;
}

static int wrong_machine(struct file *f)
{
	elf_header(f)->e_machine = EM_AARCH64;
	return 0;
}

static int wrong_class(struct file *f)
{
	elf_header(f)->e_ident[EI_CLASS] = ELFCLASS32;
	return 0;
}

/* Ends in the middle of the first segment: what follows it may be no more than debug data. */
static int truncated(struct file *f)
{
	const Elf64_Phdr *ph = segment(f, PT_LOAD);

	return ph ? ftruncate(f->fd, (off_t)(ph->p_offset + ph->p_filesz / 2)) : -1;
}

static int empty(struct file *f)
{
	return ftruncate(f->fd, 0);
}

static int wrong_abi(struct file *f)
{
	for (size_t i = 0; i + sizeof(struct plinth_module_note) <= f->size; i += 4) {
		struct plinth_module_note *note = (struct plinth_module_note *)(f->bytes + i);

		if (note->name_bytes == sizeof(PLINTH_NOTE_NAME) && note->type == PLINTH_NOTE_MODULE &&
		    !memcmp(note->name, PLINTH_NOTE_NAME, sizeof(PLINTH_NOTE_NAME))) {
			note->desc.abi += 41;
			return 0;
		}
	}
	return -1;
}

/* The first symbol the module wants gets a name nobody offers. */
static int undefined_symbol(struct file *f)
{
	const Elf64_Sym *symbols = dynamic(f, DT_SYMTAB);
	char *names = dynamic(f, DT_STRTAB);

	if (!symbols || !names)
		return -1;
	/* The string table follows the symbols in what our linker writes. */
	for (const Elf64_Sym *s = symbols + 1; (const char *)(s + 1) <= names; s++) {
		if (s->st_shndx == SHN_UNDEF && s->st_name) {
			names[s->st_name] = 'X';
			return 0;
		}
	}
	return -1;
}

#define LARGE_BYTES (256ull << 20)

/* A quarter of a GiB of zeroes behind its data. */
static int large(struct file *f)
{
	Elf64_Phdr *ph = (Elf64_Phdr *)(f->bytes + elf_header(f)->e_phoff);
	Elf64_Phdr *last = NULL;

	for (int i = 0; i < elf_header(f)->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD)
			last = &ph[i];
	if (!last || !(last->p_flags & PF_W))
		return -1;
	last->p_memsz += LARGE_BYTES;
	return 0;
}

static const struct {
	const char *name;
	int (*make)(struct file *);
} kinds[] = {
	{"not-elf", not_elf},
	{"wrong-machine", wrong_machine},
	{"wrong-class", wrong_class},
	{"truncated", truncated},
	{"empty", empty},
	{"wrong-abi", wrong_abi},
	{"undefined-symbol", undefined_symbol},
	{"large", large},
};

static int open_file(const char *path, struct file *f)
{
	struct stat st;

	f->fd = open(path, O_RDWR);
	if (f->fd < 0 || fstat(f->fd, &st))
		return -1;
	f->size = (size_t)st.st_size;
	f->bytes = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	return f->bytes == MAP_FAILED ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct file f;

	if (argc != 3) {
		fprintf(stderr, "usage: break_module KIND FILE\n");
		return 2;
	}
	if (open_file(argv[2], &f)) {
		perror(argv[2]);
		return 1;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, argv[1]))
			continue;
		if (!kinds[i].make(&f))
			return 0;
		fprintf(stderr, "break_module: %s: cannot make it %s\n", argv[2], argv[1]);
		return 1;
	}
	fprintf(stderr, "break_module: no such kind: %s\n", argv[1]);
	return 2;
}
