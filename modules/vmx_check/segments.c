/* SPDX-License-Identifier: MIT */
/* The guest's segment and descriptor-table registers. The VMCS numbers segments two encodings apart. */
#include "internal.h"

enum { ES, CS, SS, DS, FS, GS, LDTR, TR, SEGMENTS };

#define SELECTOR(s) ((enum vmcs_field)(VMCS_GUEST_ES_SELECTOR + 2 * (s)))
#define BASE(s)	    ((enum vmcs_field)(VMCS_GUEST_ES_BASE + 2 * (s)))
#define LIMIT(s)    ((enum vmcs_field)(VMCS_GUEST_ES_LIMIT + 2 * (s)))
#define RIGHTS(s)   ((enum vmcs_field)(VMCS_GUEST_ES_RIGHTS + 2 * (s)))

/* SDM, "Guest Register State": format of access rights. */
#define TYPE(r)		((r)&15)
#define TYPE_ACCESSED	1u
#define TYPE_READABLE	2u /* of code */
#define TYPE_CODE	8u
#define RIGHTS_RESERVED 0xfffe0f00u
#define RPL(s)		((s)&3)
#define SELECTOR_TI	4u

static uint32_t rights(const struct view *v, unsigned int s)
{
	return (uint32_t)get(v, RIGHTS(s));
}

static bool usable(const struct view *v, unsigned int s)
{
	return !(rights(v, s) & RIGHTS_UNUSABLE);
}

static bool v86(const struct view *v)
{
	return has(v, VMCS_GUEST_RFLAGS, RFLAGS_VM);
}

static bool unrestricted(const struct view *v)
{
	return has_secondary(v, SECONDARY_UNRESTRICTED);
}

/* CS is always looked at; the others when they are usable. Virtual-8086 mode has rules of its own. */
static bool looked_at(const struct view *v, unsigned int s)
{
	return !v86(v) && (s == CS || usable(v, s));
}

/* -- selectors and bases ------------------------------------------------------------- */

static uint32_t tr_selector(const struct view *v)
{
	return broken_if(has(v, SELECTOR(TR), SELECTOR_TI), SELECTOR(TR));
}

static uint32_t ldtr_selector(const struct view *v)
{
	return broken_if(usable(v, LDTR) && has(v, SELECTOR(LDTR), SELECTOR_TI), SELECTOR(LDTR));
}

static uint32_t ss_rpl(const struct view *v)
{
	return broken_if(!v86(v) && !unrestricted(v) &&
				 RPL(get(v, SELECTOR(SS))) != RPL(get(v, SELECTOR(CS))),
			 SELECTOR(SS));
}

static uint32_t v86_bases(const struct view *v)
{
	for (unsigned int s = ES; v86(v) && s <= GS; s++)
		if (get(v, BASE(s)) != get(v, SELECTOR(s)) << 4)
			return BASE(s);
	return KEPT;
}

static uint32_t long_bases(const struct view *v)
{
	static const unsigned int segments[] = {TR, FS, GS};

	for (size_t i = 0; i < sizeof(segments) / sizeof(segments[0]); i++)
		if (!is_canonical(v, get(v, BASE(segments[i]))))
			return BASE(segments[i]);
	return broken_if(usable(v, LDTR) && !is_canonical(v, get(v, BASE(LDTR))), BASE(LDTR));
}

static uint32_t short_bases(const struct view *v)
{
	for (unsigned int s = ES; s <= DS; s++)
		if ((s == CS || usable(v, s)) && get(v, BASE(s)) >> 32)
			return BASE(s);
	return KEPT;
}

static uint32_t v86_limits(const struct view *v)
{
	for (unsigned int s = ES; v86(v) && s <= GS; s++)
		if (get(v, LIMIT(s)) != 0xffff)
			return LIMIT(s);
	return KEPT;
}

static uint32_t v86_rights(const struct view *v)
{
	for (unsigned int s = ES; v86(v) && s <= GS; s++)
		if (rights(v, s) != 0xf3)
			return RIGHTS(s);
	return KEPT;
}

/* -- access rights of ES to GS --------------------------------------------------------- */

static uint32_t cs_type(const struct view *v)
{
	uint32_t type = TYPE(rights(v, CS));
	bool code = (type & (TYPE_CODE | TYPE_ACCESSED)) == (TYPE_CODE | TYPE_ACCESSED);

	return broken_if(!v86(v) && !code && !(type == 3 && unrestricted(v)), RIGHTS(CS));
}

static uint32_t ss_type(const struct view *v)
{
	uint32_t type = TYPE(rights(v, SS));

	return broken_if(looked_at(v, SS) && type != 3 && type != 7, RIGHTS(SS));
}

static const unsigned int data_segments[] = {ES, DS, FS, GS};

static uint32_t data_type(const struct view *v)
{
	for (size_t i = 0; i < sizeof(data_segments) / sizeof(data_segments[0]); i++) {
		uint32_t type = TYPE(rights(v, data_segments[i]));

		if (looked_at(v, data_segments[i]) &&
		    (!(type & TYPE_ACCESSED) || (type & TYPE_CODE && !(type & TYPE_READABLE))))
			return RIGHTS(data_segments[i]);
	}
	return KEPT;
}

/* Of these bits only @must are set in all of them. */
static uint32_t rights_bits(const struct view *v, uint32_t bits, uint32_t must)
{
	for (unsigned int s = ES; s <= GS; s++)
		if (looked_at(v, s) && (rights(v, s) & bits) != must)
			return RIGHTS(s);
	return KEPT;
}

static uint32_t not_system(const struct view *v)
{
	return rights_bits(v, RIGHTS_S, RIGHTS_S);
}

static uint32_t cs_dpl(const struct view *v)
{
	uint32_t type = TYPE(rights(v, CS)), cs = RIGHTS_DPL(rights(v, CS)), ss = RIGHTS_DPL(rights(v, SS));

	if (v86(v))
		return KEPT;
	if (type == 3)
		return broken_if(cs, RIGHTS(CS));
	if (type == 9 || type == 11)
		return broken_if(cs != ss, RIGHTS(CS));
	return broken_if((type == 13 || type == 15) && cs > ss, RIGHTS(CS));
}

static uint32_t ss_dpl(const struct view *v)
{
	return broken_if(!v86(v) && !unrestricted(v) &&
				 RIGHTS_DPL(rights(v, SS)) != RPL(get(v, SELECTOR(SS))),
			 RIGHTS(SS));
}

static uint32_t ss_dpl_zero(const struct view *v)
{
	return broken_if(!v86(v) && (TYPE(rights(v, CS)) == 3 || !has(v, VMCS_GUEST_CR0, CR0_PE)) &&
				 RIGHTS_DPL(rights(v, SS)),
			 RIGHTS(SS));
}

static uint32_t data_dpl(const struct view *v)
{
	for (size_t i = 0; i < sizeof(data_segments) / sizeof(data_segments[0]); i++) {
		uint32_t r = rights(v, data_segments[i]);

		if (looked_at(v, data_segments[i]) && !unrestricted(v) && TYPE(r) <= 11 &&
		    RIGHTS_DPL(r) < RPL(get(v, SELECTOR(data_segments[i]))))
			return RIGHTS(data_segments[i]);
	}
	return KEPT;
}

static uint32_t present(const struct view *v)
{
	return rights_bits(v, RIGHTS_P, RIGHTS_P);
}

static uint32_t rights_reserved(const struct view *v)
{
	return rights_bits(v, RIGHTS_RESERVED, 0);
}

static uint32_t cs_default_size(const struct view *v)
{
	uint32_t both = RIGHTS_L | RIGHTS_DB;

	return broken_if(!v86(v) && guest_64(v) && (rights(v, CS) & both) == both, RIGHTS(CS));
}

static bool bad_granularity(const struct view *v, unsigned int s)
{
	uint64_t limit = get(v, LIMIT(s));
	bool g = rights(v, s) & RIGHTS_G;

	return ((limit & 0xfff) != 0xfff && g) || (limit & 0xfff00000 && !g);
}

static uint32_t granularity(const struct view *v)
{
	for (unsigned int s = ES; s <= GS; s++)
		if (looked_at(v, s) && bad_granularity(v, s))
			return RIGHTS(s);
	return KEPT;
}

/* -- TR, LDTR --------------------------------------------------------------------------- */

static uint32_t tr_type(const struct view *v)
{
	uint32_t type = TYPE(rights(v, TR));

	return broken_if(type != 11 && (type != 3 || guest_64(v)), RIGHTS(TR));
}

static uint32_t tr_rights(const struct view *v)
{
	uint32_t r = rights(v, TR);

	return broken_if(r & (RIGHTS_S | RIGHTS_UNUSABLE | RIGHTS_RESERVED) || !(r & RIGHTS_P), RIGHTS(TR));
}

static uint32_t tr_granularity(const struct view *v)
{
	return broken_if(bad_granularity(v, TR), RIGHTS(TR));
}

static uint32_t ldtr_rights(const struct view *v)
{
	uint32_t r = rights(v, LDTR);

	return broken_if(usable(v, LDTR) &&
				 (TYPE(r) != 2 || r & (RIGHTS_S | RIGHTS_RESERVED) || !(r & RIGHTS_P)),
			 RIGHTS(LDTR));
}

static uint32_t ldtr_granularity(const struct view *v)
{
	return broken_if(usable(v, LDTR) && bad_granularity(v, LDTR), RIGHTS(LDTR));
}

static const struct rule segment_rules[] = {
	{"TR selector: TI", tr_selector},
	{"LDTR selector: TI", ldtr_selector},
	{"SS selector: RPL differs from that of CS", ss_rpl},
	{"virtual-8086 mode: bases", v86_bases},
	{"bases of FS, GS, TR, LDTR: not canonical", long_bases},
	{"bases of ES, CS, SS, DS: above 4 GiB", short_bases},
	{"virtual-8086 mode: limits", v86_limits},
	{"virtual-8086 mode: access rights", v86_rights},
	{"CS: type", cs_type},
	{"SS: type", ss_type},
	{"ES, DS, FS, GS: type", data_type},
	{"ES to GS: S is 0", not_system},
	{"CS: DPL", cs_dpl},
	{"SS: DPL differs from its RPL", ss_dpl},
	{"SS: DPL is not 0", ss_dpl_zero},
	{"ES, DS, FS, GS: DPL below RPL", data_dpl},
	{"ES to GS: not present", present},
	{"ES to GS: reserved bits", rights_reserved},
	{"CS: L and D/B", cs_default_size},
	{"ES to GS: granularity does not fit the limit", granularity},
	{"TR: type", tr_type},
	{"TR: access rights", tr_rights},
	{"TR: granularity does not fit the limit", tr_granularity},
	{"LDTR: access rights", ldtr_rights},
	{"LDTR: granularity does not fit the limit", ldtr_granularity},
};

/* -- GDTR, IDTR -------------------------------------------------------------------------- */

static uint32_t table_bases(const struct view *v)
{
	if (!is_canonical(v, get(v, VMCS_GUEST_GDTR_BASE)))
		return VMCS_GUEST_GDTR_BASE;
	return broken_if(!is_canonical(v, get(v, VMCS_GUEST_IDTR_BASE)), VMCS_GUEST_IDTR_BASE);
}

static uint32_t table_limits(const struct view *v)
{
	if (get(v, VMCS_GUEST_GDTR_LIMIT) >> 16)
		return VMCS_GUEST_GDTR_LIMIT;
	return broken_if(get(v, VMCS_GUEST_IDTR_LIMIT) >> 16, VMCS_GUEST_IDTR_LIMIT);
}

static const struct rule table_rules[] = {
	{"GDTR, IDTR: base not canonical", table_bases},
	{"GDTR, IDTR: limit above 64 KiB", table_limits},
};

const struct section segment_sections[2] = {
	{SECTION("Checks on Guest Segment Registers", VMX_CHECK_GUEST, segment_rules)},
	{SECTION("Checks on Guest Descriptor-Table Registers", VMX_CHECK_GUEST, table_rules)},
};
