// The lab of the client's tests: a daemon of canned answers in a child process, and the client as a
// function: a command line in, an exit status and two texts out.
#pragma once

#include <sys/types.h>

#include "sl_test.h"

const char *lab_dir(void);
void lab_up(void);
void lab_down(void);
void lab_file(const char *name, const char *text, size_t len);

struct run {
	int exit;
	char *out;
	char *err;
};

// words: the command line in one text; "@" is the lab's folder.
struct run run(const char *words);
void run_free(struct run *r);

struct row {
	const char *words;
	int exit;
	const char *out;
	const char *err;
};
int check_rows(const struct row *rows, size_t n);

#define TELLS(command) "sluicectl: `sluicectl help" command "` tells what there is\n"
