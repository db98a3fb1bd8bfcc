/* SPDX-License-Identifier: MIT */
/* The hypercalls of greedy.c. */
#ifndef TESTS_MOCKS_GREEDY_H
#define TESTS_MOCKS_GREEDY_H

/* Take all of something; give back what was taken. */
enum greedy_what { GREEDY_HEAP, GREEDY_PAGES, GREEDY_ADDRESSES, GREEDY_GIVE_BACK, GREEDY_CALLS };

#define GREEDY_FIRST 0x706c696e74680300ull

#endif
