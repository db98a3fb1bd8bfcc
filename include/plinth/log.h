/* SPDX-License-Identifier: MIT */
/*
 * Logging: one call, one format, one sink per CPU (the ring in the shared region);
 * the UART is a second consumer. Provided by the serial module.
 *
 * A file that logs defines LOG_TAG (its component, at most 6 characters are kept in
 * the ring) before it includes this header.
 */
#ifndef PLINTH_LOG_H
#define PLINTH_LOG_H

#include <stdint.h>

#include <plinth/abi.h>

enum plinth_log_level {
	PLINTH_LOG_ERR = 0,
	PLINTH_LOG_WARN = 1,
	PLINTH_LOG_INFO = 2,
	PLINTH_LOG_DEBUG = 3,
};

/**
 * log_emit() - write one line.
 * @level:  drops the line if it is above the level set at run time
 * @tag:    the component
 * @format: as vsnprintf() without floating point; no newline
 *
 * Context: any, exits and faults included: takes no lock, allocates nothing, waits for
 *          the UART a bounded time. Before log_init() lines are dropped.
 */
PLINTH_EXPORT void log_emit(enum plinth_log_level level, const char *tag, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define LOG_ERR(...)   log_emit(PLINTH_LOG_ERR, LOG_TAG, __VA_ARGS__)
#define LOG_WARN(...)  log_emit(PLINTH_LOG_WARN, LOG_TAG, __VA_ARGS__)
#define LOG_INFO(...)  log_emit(PLINTH_LOG_INFO, LOG_TAG, __VA_ARGS__)
#define LOG_DEBUG(...) log_emit(PLINTH_LOG_DEBUG, LOG_TAG, __VA_ARGS__)

#endif
