// Members of an answer's row.
//
// Threads: any. Owner: what is returned belongs to the row.
#pragma once

#include <jansson.h>

// "" when it is absent or not a string.
static inline const char *
text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "";
}

// 0 when it is absent or not a whole number.
static inline long long
number_of(const json_t *row, const char *key)
{
	return (long long)json_integer_value(json_object_get(row, key));
}
