// Prints a generated reference; with a file, tells (TAP) whether the file is what would be printed.
//
// usage: gen_docs configuration|objects|control [FILE]
//        gen_docs sluicectl.1 PROSE        prints the manual page around that prose
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"
#include "sl_conf.h"

static int
check(const char *path, const struct sl_buf *want)
{
	struct sl_buf got = {0};
	bool same;

	sl_buf_read_file(&got, path, 1 << 24);
	same = got.len == want->len && memcmp(got.data, want->data, got.len) == 0;
	printf("1..1\n%sok 1 - %s is current (scripts/dev docs)\n", same ? "" : "not ", path);
	sl_buf_fini(&got);
	return same ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
manual(const char *path)
{
	struct sl_buf prose = {0}, page = {0};

	if (sl_buf_read_file(&prose, path, 1 << 20) < 0 || prose.len == 0) {
		fprintf(stderr, "gen_docs: %s: cannot be read\n", path);
		return EXIT_FAILURE;
	}
	docs_man(&page, prose.data);
	fputs(page.data, stdout);
	sl_buf_fini(&prose);
	sl_buf_fini(&page);
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	struct sl_buf text = {0};
	int rc = EXIT_SUCCESS;

	if (argc > 2 && strcmp(argv[1], "sluicectl.1") == 0)
		return manual(argv[2]);
	if (argc > 1 && strcmp(argv[1], "configuration") == 0)
		sl_conf_docs_config(&text);
	else if (argc > 1 && strcmp(argv[1], "objects") == 0)
		sl_conf_docs_objects(&text);
	else if (argc > 1 && strcmp(argv[1], "control") == 0)
		docs_control(&text);
	if (!text.len) {
		fprintf(stderr, "usage: gen_docs configuration|objects|control [FILE]\n");
		return 2;
	}
	if (argc > 2)
		rc = check(argv[2], &text);
	else
		fputs(text.data, stdout);
	sl_buf_fini(&text);
	return rc;
}
