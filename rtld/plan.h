/* SPDX-License-Identifier: MIT */
/*
 * The part of rtld.h about link plans: what the references of a set were bound
 * to, kept for the next link of the same files in the same order. Context and
 * errors are as there.
 */
#ifndef RTLD_PLAN_H
#define RTLD_PLAN_H

#include "rtld.h"

/*
 * rtld_plan_size - bytes of the plan of a set, after rtld_resolve()
 * Returns 0 if there can be none: the set is not resolved, or a module has no
 * SHA-1 build-id (see rtld_has_build_id()).
 */
size_t rtld_plan_size(const struct rtld_set *set);

/*
 * rtld_plan_write - write the plan; size is rtld_plan_size(), plan 4-byte aligned
 * Returns 0 or PLINTH_E_INVAL. A plan is for this byte order, and holds indexes
 * only: no addresses, no names.
 */
int rtld_plan_write(const struct rtld_set *set, void *plan, size_t size);

/*
 * rtld_set_plan - use a plan, when all modules have been probed
 * @plan:	4-byte aligned, any bytes; stays the caller's until rtld_resolve()
 *		is done; NULL: none
 * rtld_resolve() takes the plan's bindings if it is for the same build-ids in
 * the same order, under the same rules, and if for each binding the names in
 * both files are equal; else the whole set is bound as without a plan. What the
 * plan's maker has checked of the set is not checked again: that no two modules
 * define a name strongly, that a binding is the first among equals, and that
 * nobody defines what is bound to nothing.
 */
void rtld_set_plan(struct rtld_set *set, const void *plan, size_t size);

/* Was the plan what bound the set? After rtld_resolve(). */
bool rtld_plan_used(const struct rtld_set *set);

/* What became of a plan; module and entry say where, if that means anything. */
enum rtld_plan_state {
	RTLD_PLAN_NONE, /* there was none */
	RTLD_PLAN_USED,
	RTLD_PLAN_FORM,	   /* no plan of this version, damaged or cut */
	RTLD_PLAN_RULES,   /* made under other rules */
	RTLD_PLAN_COUNT,   /* made for another number of modules */
	RTLD_PLAN_BUILD,   /* `module` has another build-id, or none */
	RTLD_PLAN_BINDING, /* `entry` of `module` is bound to another name */
	RTLD_PLAN_STATES
};
struct rtld_plan_result {
	enum rtld_plan_state state;
	uint32_t module;
	uint32_t entry; /* of its relocations that are bound by a plan */
};

/* rtld_plan_result - why the plan was used or not, after rtld_resolve() */
struct rtld_plan_result rtld_plan_result(const struct rtld_set *set);

/* Has the module what a plan knows it by, a SHA-1 build-id? */
bool rtld_has_build_id(const struct rtld_set *set, uint32_t module);

#endif
