/* SPDX-License-Identifier: MIT */
/* The one way in which commands take their options: a table of them, and where each value goes. */
#ifndef PLINTHCTL_OPTIONS_H
#define PLINTHCTL_OPTIONS_H

#include <stdbool.h>

struct option_row {
	const char *name;
	int letter;	   /* 0: none */
	const char *value; /* what follows, as --help shows it; NULL: nothing */
	const char *about;
	void (*take)(const char *word, void *to); /* one of those below, or the command's own */
	void *to;
	int flags; /* of argp.h */
};

/* Arguments that are no options. */
struct option_words {
	char **list;
	int n;
};

struct option_table {
	const char *about;
	const struct option_row *rows; /* the last has no name */
	/* The three are NULL for a command that takes no words. */
	const char *words_about; /* as --help shows them */
	struct option_words *words;
	const char *no_words; /* what to say if there is none; NULL: there need not be any */
	void (*judge)(void);  /* NULL, or what else can be wrong with all of it together */
};

/* options_take() - the whole command line. Wrong usage, and --help, are the end of the program. */
void options_take(int argc, char **argv, const struct option_table *table);

/* options_json() - of a command with --json only; true if it was given. */
bool options_json(int argc, char **argv, const char *about);

/*
 * usage_error() - a line of what is wrong, and the end of the program; from take() and judge(). In take()
 * "--NAME WORD: " stands before it.
 */
void usage_error(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

void option_flag(const char *word, void *to);  /* bool */
void option_json(const char *word, void *to);  /* bool: for the output, and for errors from now on */
void option_text(const char *word, void *to);  /* const char * */
void option_file(const char *word, void *to);  /* const char *, not empty: that would be a file of no name */
void option_cpu(const char *word, void *to);   /* int */
void option_count(const char *word, void *to); /* uint64_t, from 1 */
void option_size(const char *word, void *to);  /* uint64_t: bytes, with K, M or G */
void option_page(const char *word, void *to);  /* uint64_t: the address of a page */
void option_level(const char *word, void *to); /* int: enum plinth_log_level */

/* option_seconds() - for take() of a time; wrong usage outside of the limits. */
double option_seconds(const char *word, double least, double most);

#endif
