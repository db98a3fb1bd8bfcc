/* SPDX-License-Identifier: MIT */
/* Integer-only printf: see format.h for the contract. */
#include "format.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum length { LEN_INT, LEN_CHAR, LEN_SHORT, LEN_LONG, LEN_LLONG, LEN_MAX, LEN_SIZE, LEN_PTRDIFF };

/* A va_list member, not a parameter: only so may it be read through a pointer (a parameter decays). */
struct output {
	char *buf;
	size_t size;
	size_t len; /* of the whole text, also of the part that did not fit */
	va_list args;
};

/* One conversion specification, as written between '%' and its letter. */
struct spec {
	bool left, plus, space, alt, zero;
	int width;
	int precision; /* negative: none given */
	enum length length;
	char conversion;
};

/* A number on its way out: prefix, then zeros, then digits. */
struct number {
	const char *prefix;
	size_t n_prefix;
	size_t n_zeros;
	const char *digits;
	size_t n_digits;
};

static size_t room(const struct output *out)
{
	return out->size > out->len + 1 ? out->size - out->len - 1 : 0;
}

static void put_text(struct output *out, const char *text, size_t n)
{
	size_t fits = room(out);

	for (size_t i = 0; i < n && i < fits; i++)
		out->buf[out->len + i] = text[i];
	out->len += n;
}

/* Bounded by the buffer, not by n: a width of INT_MAX costs nothing. */
static void put_fill(struct output *out, char c, size_t n)
{
	size_t fits = room(out);

	for (size_t i = 0; i < n && i < fits; i++)
		out->buf[out->len + i] = c;
	out->len += n;
}

static size_t padding(const struct spec *s, size_t n)
{
	return (size_t)s->width > n ? (size_t)s->width - n : 0;
}

static void put_padded(struct output *out, const struct spec *s, const char *text, size_t n)
{
	if (!s->left)
		put_fill(out, ' ', padding(s, n));
	put_text(out, text, n);
	if (s->left)
		put_fill(out, ' ', padding(s, n));
}

static void put_number(struct output *out, const struct spec *s, struct number *n)
{
	size_t pad;

	if (s->precision >= 0 && (size_t)s->precision > n->n_digits + n->n_zeros)
		n->n_zeros = (size_t)s->precision - n->n_digits;
	pad = padding(s, n->n_prefix + n->n_zeros + n->n_digits);
	if (s->zero && !s->left && s->precision < 0) {
		n->n_zeros += pad;
		pad = 0;
	}
	if (!s->left)
		put_fill(out, ' ', pad);
	put_text(out, n->prefix, n->n_prefix);
	put_fill(out, '0', n->n_zeros);
	put_text(out, n->digits, n->n_digits);
	if (s->left)
		put_fill(out, ' ', pad);
}

/* Writes the digits of value backwards from end and returns how many; zero has none. */
static size_t digits_before(char *end, uintmax_t value, unsigned int base, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	size_t n = 0;

	for (; value; value /= base)
		end[-(ptrdiff_t)++n] = digits[value % base];
	return n;
}

static intmax_t fetch_signed(struct output *out, enum length length)
{
	switch (length) {
	case LEN_CHAR: return (signed char)va_arg(out->args, int);
	case LEN_SHORT: return (short)va_arg(out->args, int);
	case LEN_INT: return va_arg(out->args, int);
	case LEN_LONG: return va_arg(out->args, long);
	case LEN_LLONG: return va_arg(out->args, long long);
	case LEN_MAX: return va_arg(out->args, intmax_t);
	case LEN_SIZE: /* the signed type of that size */
	case LEN_PTRDIFF: return va_arg(out->args, ptrdiff_t);
	}
	return 0;
}

static uintmax_t fetch_unsigned(struct output *out, enum length length)
{
	switch (length) {
	case LEN_CHAR: return (unsigned char)va_arg(out->args, unsigned int);
	case LEN_SHORT: return (unsigned short)va_arg(out->args, unsigned int);
	case LEN_INT: return va_arg(out->args, unsigned int);
	case LEN_LONG: return va_arg(out->args, unsigned long);
	case LEN_LLONG: return va_arg(out->args, unsigned long long);
	case LEN_MAX: return va_arg(out->args, uintmax_t);
	case LEN_SIZE:
	case LEN_PTRDIFF: return va_arg(out->args, size_t);
	}
	return 0;
}

static void convert_signed(struct output *out, const struct spec *s)
{
	intmax_t value = fetch_signed(out, s->length);
	uintmax_t magnitude = value < 0 ? -(uintmax_t)value : (uintmax_t)value;
	char digits[3 * sizeof(value)];
	char *end = digits + sizeof(digits);
	struct number n = {.prefix = value < 0 ? "-" : s->plus ? "+" : s->space ? " " : ""};

	n.n_prefix = *n.prefix != '\0';
	n.n_digits = digits_before(end, magnitude, 10, false);
	n.n_zeros = !value && s->precision < 0;
	n.digits = end - n.n_digits;
	put_number(out, s, &n);
}

static void convert_unsigned(struct output *out, const struct spec *s, uintmax_t value, unsigned int base,
			     bool prefixed)
{
	char digits[3 * sizeof(value)];
	char *end = digits + sizeof(digits);
	struct number n = {.prefix = s->conversion == 'X' ? "0X" : "0x", .n_prefix = prefixed ? 2 : 0};

	n.n_digits = digits_before(end, value, base, s->conversion == 'X');
	/* Zero shows as "0" unless a precision says otherwise; "%#o" always begins with a 0. */
	n.n_zeros = (!value && s->precision < 0) || (s->alt && base == 8 && (value || s->precision == 0));
	n.digits = end - n.n_digits;
	put_number(out, s, &n);
}

static void convert_string(struct output *out, const struct spec *s)
{
	const char *text = va_arg(out->args, const char *);
	size_t n = 0;

	if (!text)
		text = "(null)";
	while ((s->precision < 0 || n < (size_t)s->precision) && text[n])
		n++;
	put_padded(out, s, text, n);
}

/* Returns false for a conversion that does not exist here; no argument was read then. */
static bool convert(struct output *out, const struct spec *s)
{
	bool wide = s->length != LEN_INT;
	uintmax_t value;
	char c;

	switch (s->conversion) {
	case 'd':
	case 'i': convert_signed(out, s); return true;
	case 'u':
	case 'o':
		convert_unsigned(out, s, fetch_unsigned(out, s->length), s->conversion == 'o' ? 8 : 10,
				 false);
		return true;
	case 'x':
	case 'X':
		value = fetch_unsigned(out, s->length);
		convert_unsigned(out, s, value, 16, s->alt && value);
		return true;
	case 'p': convert_unsigned(out, s, (uintptr_t)va_arg(out->args, void *), 16, true); return true;
	case 'c':
		if (wide)
			return false;
		c = (char)va_arg(out->args, int);
		put_padded(out, s, &c, 1);
		return true;
	case 's':
		if (wide)
			return false;
		convert_string(out, s);
		return true;
	case '%': put_text(out, "%", 1); return true;
	}
	return false;
}

static const char *parse_flags(const char *f, struct spec *s)
{
	for (;; f++) {
		switch (*f) {
		case '-': s->left = true; break;
		case '+': s->plus = true; break;
		case ' ': s->space = true; break;
		case '#': s->alt = true; break;
		case '0': s->zero = true; break;
		default: return f;
		}
	}
}

/* A decimal number, at most INT_MAX: a larger one overflows the result anyway, and -1 says so. */
static const char *parse_number(const char *f, int *value)
{
	*value = 0;
	for (; *f >= '0' && *f <= '9'; f++) {
		int digit = *f - '0';

		*value = *value > (INT_MAX - digit) / 10 ? INT_MAX : *value * 10 + digit;
	}
	return f;
}

static const char *parse_width(struct output *out, const char *f, struct spec *s)
{
	if (*f != '*')
		return parse_number(f, &s->width);
	s->width = va_arg(out->args, int);
	if (s->width < 0) {
		s->left = true;
		s->width = s->width == INT_MIN ? INT_MAX : -s->width;
	}
	return f + 1;
}

static const char *parse_precision(struct output *out, const char *f, struct spec *s)
{
	s->precision = -1;
	if (*f != '.')
		return f;
	if (f[1] != '*')
		return parse_number(f + 1, &s->precision);
	s->precision = va_arg(out->args, int);
	return f + 2;
}

static const char *parse_length(const char *f, struct spec *s)
{
	static const struct {
		char text[3];
		uint8_t length;
	} lengths[] = {
		{"hh", LEN_CHAR}, {"h", LEN_SHORT}, {"ll", LEN_LLONG},	{"l", LEN_LONG},
		{"j", LEN_MAX},	  {"z", LEN_SIZE},  {"t", LEN_PTRDIFF},
	};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const char *text = lengths[i].text;

		if (f[0] == text[0] && (!text[1] || f[1] == text[1])) {
			s->length = (enum length)lengths[i].length;
			return f + (text[1] ? 2 : 1);
		}
	}
	return f;
}

/* f points behind a '%'; returns the place behind the conversion, or NULL when there is no such one. */
static const char *directive(struct output *out, const char *f)
{
	struct spec s = {.length = LEN_INT};

	f = parse_flags(f, &s);
	f = parse_width(out, f, &s);
	f = parse_precision(out, f, &s);
	f = parse_length(f, &s);
	s.conversion = *f;
	return convert(out, &s) ? f + 1 : NULL;
}

static size_t length_until(const char *text, char stop)
{
	size_t n = 0;

	while (text[n] && text[n] != stop)
		n++;
	return n;
}

int plinth_vsnprintf(char *buf, size_t size, const char *format, va_list args)
{
	struct output out = {.buf = buf, .size = size};

	va_copy(out.args, args);
	while (*format) {
		size_t n = length_until(format, '%');
		const char *next;

		put_text(&out, format, n);
		format += n;
		if (!*format)
			break;
		next = directive(&out, format + 1);
		if (!next) {
			put_text(&out, format, length_until(format, '\0'));
			break;
		}
		format = next;
	}
	va_end(out.args);
	if (size)
		buf[out.len < size ? out.len : size - 1] = '\0';
	return out.len > INT_MAX ? -1 : (int)out.len;
}

int plinth_snprintf(char *buf, size_t size, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = plinth_vsnprintf(buf, size, format, args);
	va_end(args);
	return len;
}
