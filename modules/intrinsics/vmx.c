/* SPDX-License-Identifier: MIT */
/*
 * VMX instructions. CF and ZF tell how they ended (SDM, "Conventions"); both clear is
 * success. What every exit needs is in assembly: vmx_access.S, vmx_switch.S.
 */
#include <stdbool.h>

#include <plinth/intrinsics.h>

static int vmx_result(bool carry, bool zero)
{
	if (carry)
		return CPU_VMX_FAIL_INVALID;
	return zero ? CPU_VMX_FAIL_VALID : CPU_VMX_OK;
}

int cpu_vmxoff(void)
{
	bool carry, zero;

	__asm__ volatile("vmxoff" : "=@ccc"(carry), "=@ccz"(zero)::"memory");
	return vmx_result(carry, zero);
}

int cpu_vmclear(uint64_t vmcs_pa)
{
	bool carry, zero;

	__asm__ volatile("vmclear %2" : "=@ccc"(carry), "=@ccz"(zero) : "m"(vmcs_pa) : "memory");
	return vmx_result(carry, zero);
}

int cpu_vmptrld(uint64_t vmcs_pa)
{
	bool carry, zero;

	__asm__ volatile("vmptrld %2" : "=@ccc"(carry), "=@ccz"(zero) : "m"(vmcs_pa) : "memory");
	return vmx_result(carry, zero);
}

/* The 128-bit operand of INVEPT and INVVPID. */
struct invalidate {
	uint64_t tag, address;
} __attribute__((aligned(16)));

int cpu_invept(uint64_t type, uint64_t eptp)
{
	struct invalidate operand = {.tag = eptp};
	bool carry, zero;

	__asm__ volatile("invept %2, %3"
			 : "=@ccc"(carry), "=@ccz"(zero)
			 : "m"(operand), "r"(type)
			 : "memory");
	return vmx_result(carry, zero);
}

int cpu_invvpid(uint64_t type, uint16_t vpid, uint64_t va)
{
	struct invalidate operand = {.tag = vpid, .address = va};
	bool carry, zero;

	__asm__ volatile("invvpid %2, %3"
			 : "=@ccc"(carry), "=@ccz"(zero)
			 : "m"(operand), "r"(type)
			 : "memory");
	return vmx_result(carry, zero);
}
