/* SPDX-License-Identifier: MIT */
/*
 * The part of ELF64 for x86-64 that rtld reads. Field names are the gABI's
 * without their prefixes. Sources: gABI "Object Files", "Program Loading and
 * Dynamic Linking"; psABI x86-64 "Relocation Types"; LSB "Symbol Versioning";
 * generic-abi "SHT_RELR".
 */
#ifndef RTLD_ELF64_H
#define RTLD_ELF64_H

#include <stdint.h>

struct elf64_ehdr {
	uint8_t ident[16];
	uint16_t type;
	uint16_t machine;
	uint32_t version;
	uint64_t entry;
	uint64_t phoff;
	uint64_t shoff;
	uint32_t flags;
	uint16_t ehsize;
	uint16_t phentsize;
	uint16_t phnum;
	uint16_t shentsize;
	uint16_t shnum;
	uint16_t shstrndx;
};
_Static_assert(sizeof(struct elf64_ehdr) == 64, "ELF header");

enum {
	EI_CLASS = 4,
	EI_DATA = 5,
	EI_VERSION = 6,
	EI_OSABI = 7,
	ELFCLASS64 = 2,
	ELFDATA2LSB = 1,
	EV_CURRENT = 1,
	ELFOSABI_NONE = 0,
	ELFOSABI_GNU = 3,
	ET_DYN = 3,
	EM_X86_64 = 62,
	PN_XNUM = 0xffff,
};

struct elf64_phdr {
	uint32_t type;
	uint32_t flags;
	uint64_t offset;
	uint64_t vaddr;
	uint64_t paddr;
	uint64_t filesz;
	uint64_t memsz;
	uint64_t align;
};
_Static_assert(sizeof(struct elf64_phdr) == 56, "program header");

#define PT_LOAD	     1u
#define PT_DYNAMIC   2u
#define PT_INTERP    3u
#define PT_NOTE	     4u
#define PT_TLS	     7u
#define PT_GNU_STACK 0x6474e551u
#define PT_GNU_RELRO 0x6474e552u

#define PF_X 1u
#define PF_W 2u
#define PF_R 4u

struct elf64_dyn {
	uint64_t tag;
	uint64_t value;
};
_Static_assert(sizeof(struct elf64_dyn) == 16, "dynamic entry");

#define DT_NEEDED 1u /* the other tags: tags.def */
#define DT_RELA	  7u
#define DT_SONAME 14u

#define DF_TEXTREL    4u
#define DF_SYMBOLIC   2u
#define DF_STATIC_TLS 16u
#define DF_1_PIE      0x08000000u

struct elf64_sym {
	uint32_t name;
	uint8_t info;
	uint8_t other;
	uint16_t shndx;
	uint64_t value;
	uint64_t size;
};
_Static_assert(sizeof(struct elf64_sym) == 24, "symbol");

enum { STB_LOCAL = 0, STB_GLOBAL = 1, STB_WEAK = 2, STB_GNU_UNIQUE = 10 };
enum {
	STT_NOTYPE = 0,
	STT_OBJECT = 1,
	STT_FUNC = 2,
	STT_SECTION = 3,
	STT_FILE = 4,
	STT_COMMON = 5,
	STT_TLS = 6,
	STT_GNU_IFUNC = 10,
};
enum { STV_DEFAULT = 0, STV_INTERNAL = 1, STV_HIDDEN = 2, STV_PROTECTED = 3 };

#define SHN_UNDEF     0u
#define SHN_LORESERVE 0xff00u
#define SHN_ABS	      0xfff1u

struct elf64_rela {
	uint64_t offset;
	uint32_t type;	 /* r_info, low half */
	uint32_t symbol; /* r_info, high half */
	int64_t addend;
};
_Static_assert(sizeof(struct elf64_rela) == 24, "relocation");

/* Relocation types that are applied; the others are in reloc.c, by name. */
enum {
	R_X86_64_NONE = 0,
	R_X86_64_64 = 1,
	R_X86_64_GLOB_DAT = 6,
	R_X86_64_JUMP_SLOT = 7,
	R_X86_64_RELATIVE = 8,
};

struct elf64_gnu_hash {
	uint32_t buckets;
	uint32_t symoffset;
	uint32_t bloom_words;
	uint32_t bloom_shift;
};

struct elf64_sysv_hash {
	uint32_t buckets;
	uint32_t chains;
};

struct elf64_note {
	uint32_t namesz;
	uint32_t descsz;
	uint32_t type;
};

#define NT_GNU_BUILD_ID 3u

struct elf64_verdef {
	uint16_t version, flags, ndx, count;
	uint32_t hash, aux, next;
};

struct elf64_verneed {
	uint16_t version, count;
	uint32_t file, aux, next;
};

struct elf64_verdaux {
	uint32_t name, next;
};

struct elf64_vernaux {
	uint32_t hash;
	uint16_t flags, other;
	uint32_t name, next;
};

#endif
