/* SPDX-License-Identifier: MIT */
#include "step.h"

void steps_down(const struct step *steps, size_t n, void *ctx)
{
	while (n--)
		if (steps[n].down)
			steps[n].down(ctx);
}

int steps_up(const struct step *steps, size_t n, void *ctx, const struct step **failed)
{
	for (size_t i = 0; i < n; i++) {
		int err = steps[i].up(ctx);

		if (err) {
			if (failed)
				*failed = &steps[i];
			steps_down(steps, i, ctx);
			return err;
		}
	}
	return 0;
}
