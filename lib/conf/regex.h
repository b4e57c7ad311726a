// Regular expressions in RE2's syntax, as far as it can be told without RE2.
#pragma once

// NULL, or what was expected instead. Refuses what RE2 refuses for certain: look-around,
// back-references, possessive and atomic groups, brackets that do not pair, a repetition of
// nothing, counts above 1000, escapes that it does not know. Linear.
//
// Source: the syntax page of RE2.
const char *check_regex(const char *text);
