/* SPDX-License-Identifier: MIT */
/* The ELF header (gABI, "ELF Header"): is this a file for us, and where are its program headers? */
#include <string.h>

#include "internal.h"

#define PHDR_STEPS 16u /* in segment.c and note.c */

static int fail_header(struct rtld_module *m, enum rtld_check check, uint64_t value, uint64_t limit)
{
	return rtld_fail(m, check, RTLD_T_EHDR, 0, value, limit);
}

static int check_ident(struct rtld_module *m, const struct elf64_ehdr *e)
{
	const uint8_t *id = e->ident;
	uint32_t magic;

	memcpy(&magic, id, sizeof(magic));
	if (magic != 0x464c457fu)
		return fail_header(m, RTLD_EHDR_MAGIC, magic, 0x464c457fu);
	if (id[EI_CLASS] != ELFCLASS64)
		return fail_header(m, RTLD_EHDR_CLASS, id[EI_CLASS], ELFCLASS64);
	if (id[EI_DATA] != ELFDATA2LSB)
		return fail_header(m, RTLD_EHDR_DATA, id[EI_DATA], ELFDATA2LSB);
	if (id[EI_VERSION] != EV_CURRENT)
		return fail_header(m, RTLD_EHDR_VERSION, id[EI_VERSION], EV_CURRENT);
	if (id[EI_OSABI] != ELFOSABI_NONE && id[EI_OSABI] != ELFOSABI_GNU)
		return fail_header(m, RTLD_EHDR_OSABI, id[EI_OSABI], 0);
	return 0;
}

static int check_file_kind(struct rtld_module *m, const struct elf64_ehdr *e)
{
	if (e->type != ET_DYN)
		return fail_header(m, RTLD_EHDR_TYPE, e->type, ET_DYN);
	if (e->machine != EM_X86_64)
		return fail_header(m, RTLD_EHDR_MACHINE, e->machine, EM_X86_64);
	if (e->version != EV_CURRENT)
		return fail_header(m, RTLD_EHDR_VERSION, e->version, EV_CURRENT);
	if (e->ehsize != sizeof(*e))
		return fail_header(m, RTLD_EHDR_SIZE, e->ehsize, sizeof(*e));
	return 0;
}

static int check_phdrs(struct rtld_module *m, const struct elf64_ehdr *e)
{
	uint64_t bytes = (uint64_t)e->phnum * sizeof(struct elf64_phdr);
	uint64_t size = m->info.file_size;

	if (e->phentsize != sizeof(struct elf64_phdr))
		return fail_header(m, RTLD_PHDR_SIZE, e->phentsize, sizeof(struct elf64_phdr));
	if (!e->phnum || e->phnum == PN_XNUM)
		return fail_header(m, RTLD_PHDR_COUNT, e->phnum, PN_XNUM - 1);
	if (e->phoff < sizeof(*e) || e->phoff % 8)
		return fail_header(m, RTLD_PHDR_OFFSET, e->phoff, sizeof(*e));
	if (e->phoff > size || bytes > size - e->phoff)
		return fail_header(m, RTLD_PHDR_RANGE, e->phoff, size);
	m->phdr = (const void *)(m->info.bytes + e->phoff);
	m->phdrs = e->phnum;
	return rtld_pay(m, PHDR_STEPS * e->phnum);
}

int rtld_check_header(struct rtld_module *m)
{
	const struct elf64_ehdr *e = (const void *)m->info.bytes;
	uint64_t size = m->info.file_size;
	int err;

	if ((uintptr_t)m->info.bytes % 8)
		return rtld_fail(m, RTLD_FILE_ALIGN, RTLD_T_FILE, 0, (uintptr_t)m->info.bytes, 8);
	if (size < sizeof(*e))
		return rtld_fail(m, RTLD_FILE_SIZE, RTLD_T_FILE, 0, size, sizeof(*e));
	if (size > RTLD_MAX_FILE)
		return rtld_fail(m, RTLD_FILE_SIZE, RTLD_T_FILE, 0, size, RTLD_MAX_FILE);
	err = check_ident(m, e);
	if (!err)
		err = check_file_kind(m, e);
	if (!err)
		err = check_phdrs(m, e);
	return err;
}
