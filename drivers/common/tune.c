/* SPDX-License-Identifier: MIT */
/* What can be changed while the VMM runs. */
#include <string.h>

#include <plinth/log.h>

#include "drivers/common/internal.h"

/* The rule of a component, or a free one; NULL when there is neither. */
static struct plinth_log_rule *find_rule(struct plinth_tuning *tuning, const char *tag)
{
	struct plinth_log_rule *free = NULL;

	for (uint32_t i = 0; i < PLINTH_LOG_RULES; i++) {
		struct plinth_log_rule *rule = &tuning->rules[i];

		if (rule->used && !memcmp(rule->tag, tag, sizeof(rule->tag)))
			return rule;
		if (!rule->used && !free)
			free = rule;
	}
	return free;
}

/* A CPU may read at any moment: it finds the old rule or the new one. */
static void write_rule(struct plinth_log_rule *rule, const char *tag, uint32_t level)
{
	struct plinth_log_rule new = {.level = (uint8_t)level, .used = level != PLINTH_LEVEL_DEFAULT};

	memcpy(new.tag, tag, sizeof(new.tag));
	plinth_words_store(rule, &new, 1);
}

static struct plinth_tuning *loaded_page(struct core *core, const char *what, struct core_report *report)
{
	struct plinth_tuning *tuning = core_tuning_page(core);

	if (!tuning)
		report_line(report, "%s refused: no modules are loaded: load them first", what);
	return tuning;
}

static int set_level(struct core *core, const char *tag, uint32_t level, struct core_report *report)
{
	struct plinth_tuning *tuning = loaded_page(core, "log level", report);
	struct plinth_log_rule *rule;

	if (!tuning)
		return PLINTH_E_STATE;
	if (!*tag) {
		__atomic_store_n(&tuning->log_level, (uint8_t)level, __ATOMIC_RELAXED);
		return 0;
	}
	rule = find_rule(tuning, tag);
	if (!rule) {
		report_line(report,
			    "log level of %.6s: %u components have one of their own, more is not possible",
			    tag, PLINTH_LOG_RULES);
		return PLINTH_E_LIMIT;
	}
	write_rule(rule, tag, level);
	return 0;
}

int core_set_level(struct core *core, const char *tag, uint32_t level, struct core_report *report)
{
	int err;

	if (level > PLINTH_LOG_DEBUG && (level != PLINTH_LEVEL_DEFAULT || !*tag)) {
		report_line(report, "log level %u: 0 (error) to %u (debug) are possible", level,
			    PLINTH_LOG_DEBUG);
		return PLINTH_E_INVAL;
	}
	os_lock();
	err = set_level(core, tag, level, report);
	os_unlock();
	return err;
}

int core_set_trace(struct core *core, uint64_t kinds, struct core_report *report)
{
	struct plinth_tuning *tuning;

	if (!kinds) {
		report_line(report,
			    "trace: no kind of exit is to be recorded; load without the tracer instead");
		return PLINTH_E_INVAL;
	}
	os_lock();
	tuning = loaded_page(core, "trace", report);
	if (tuning)
		__atomic_store_n(&tuning->trace_off, ~kinds, __ATOMIC_RELAXED);
	os_unlock();
	return tuning ? 0 : PLINTH_E_STATE;
}
