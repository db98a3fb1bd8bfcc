/* SPDX-License-Identifier: MIT */
/* Memory that is plugged in after the load; docs/usage.md says how much of it is like any other. */
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

#define CAP_1G (1ull << 17)

Test(ept_plugged, has_tables_at_first)
{
	static struct model_kind kind;
	uint64_t shared, gib = 4;

	kind = model_kinds[0];
	kind.caps.ept_vpid &= ~CAP_1G;
	root_up(&kind);
	shared = model_field(0, 0x201a);
	do {
		const struct model_exit exit = {.reason = 48, .physical = gib++ << 30, .detail = 1};

		model.cpu[0].regs.rsi = gib;
		cr_assert_eq(model_exit(0, &exit), MODEL_GUEST);
		cr_assert_eq(model.cpu[0].event.info, 0);
	} while (model_field(0, 0x201a) == shared);
	cr_expect_eq(gib - 5, 11, "%llu GiB", (unsigned long long)gib - 5);
	root_expect_clean();
}
