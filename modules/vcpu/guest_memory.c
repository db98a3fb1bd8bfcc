/* SPDX-License-Identifier: MIT */
/*
 * The guest's memory is read and written in its stead: plinth/guest_memory.h.
 *
 * Context: root mode, an exit of the current vCPU.
 */
#include <string.h>

#include <plinth/guest_memory.h>
#include <plinth/memory.h>

#include "internal.h"

/* That many pages hold GUEST_BYTES_MAX, which need not begin with one. */
#define PAGES_MAX (GUEST_BYTES_MAX / MEM_PAGE + 1)

/* A piece of the guest's memory, and where its pages are the machine's. */
struct guest_piece {
	uint64_t va;
	size_t bytes;
	uint64_t hpa[PAGES_MAX]; /* of the first byte in each page */
};

void *guest_ordinary(struct vcpu *vcpu, uint64_t gpa, uint32_t wanted, uint64_t *hpa)
{
	uint32_t allowed;
	uint64_t page;

	if (vcpu_common.slat->ordinary(vcpu->guest->space, gpa, &page, &allowed) ||
	    (allowed & wanted) != wanted)
		return NULL;
	*hpa = page | gpa % MEM_PAGE;
	return mem_glance(vcpu->cpu->local.cpu, *hpa);
}

/* Bytes of @left that lie in the page of @va. */
static size_t within_page(uint64_t va, size_t left)
{
	size_t room = MEM_PAGE - va % MEM_PAGE;

	return left < room ? left : room;
}

static int find_page(struct vcpu *vcpu, uint64_t va, uint32_t access, uint64_t *hpa,
		     struct guest_fault *fault)
{
	uint64_t gpa;
	uint32_t error;
	int err = guest_translate(vcpu, va, access, &gpa, &error);

	if (err == PLINTH_E_FAULT)
		*fault = (struct guest_fault){.va = va, .error = error};
	if (err)
		return err;
	access = access & GUEST_WRITE ? SLAT_READ | SLAT_WRITE : SLAT_READ;
	return guest_ordinary(vcpu, gpa, access, hpa) ? 0 : PLINTH_E_PERM;
}

static int find_pages(struct vcpu *vcpu, struct guest_piece *piece, uint32_t access,
		      struct guest_fault *fault)
{
	uint64_t va = piece->va;
	size_t left = piece->bytes;
	int err = left > GUEST_BYTES_MAX || va + left < va ? PLINTH_E_INVAL : 0;

	for (unsigned int i = 0; left && !err; i++) {
		size_t n = within_page(va, left);

		err = find_page(vcpu, va, access, &piece->hpa[i], fault);
		va += n;
		left -= n;
	}
	return err;
}

int guest_read(struct vcpu *vcpu, uint64_t va, void *out, size_t bytes, uint32_t access,
	       struct guest_fault *fault)
{
	struct guest_piece piece = {.va = va, .bytes = bytes};
	int err = find_pages(vcpu, &piece, (access & GUEST_USER) | GUEST_READ, fault);
	char *to = out;

	for (unsigned int i = 0; bytes && !err; i++) {
		size_t n = within_page(piece.hpa[i], bytes);

		memcpy(to, mem_glance(vcpu->cpu->local.cpu, piece.hpa[i]), n);
		to += n;
		bytes -= n;
	}
	return err;
}

int guest_write(struct vcpu *vcpu, uint64_t va, const void *in, size_t bytes, uint32_t access,
		struct guest_fault *fault)
{
	struct guest_piece piece = {.va = va, .bytes = bytes};
	int err = find_pages(vcpu, &piece, (access & GUEST_USER) | GUEST_READ | GUEST_WRITE, fault);
	const char *from = in;

	for (unsigned int i = 0; bytes && !err; i++) {
		size_t n = within_page(piece.hpa[i], bytes);

		memcpy(mem_glance(vcpu->cpu->local.cpu, piece.hpa[i]), from, n);
		from += n;
		bytes -= n;
	}
	return err;
}

void guest_inject_fault(struct vcpu *vcpu, const struct guest_fault *fault)
{
	(void)!vcpu_write(vcpu, VCPU_CR2, fault->va);
	vcpu_inject(vcpu, VECTOR_PF, true, fault->error);
}
