// A fuzz target without libFuzzer: replays the files of its corpus folder and prints TAP.
//
// usage: fuzz_x FOLDER

#include <dirent.h>

#include "fuzz.h"

static int
is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int
replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	static uint8_t data[1 << 20];

	if (!f)
		return -1;
	const size_t len = fread(data, 1, sizeof(data), f);
	const int bad = ferror(f);

	fclose(f);
	return bad ? -1 : LLVMFuzzerTestOneInput(data, len);
}

int
main(int argc, char **argv)
{
	struct dirent **entry;
	const int n = argc == 2 ? scandir(argv[1], &entry, is_input, alphasort) : -1;
	int failed = 0;

	if (n <= 0) {
		fprintf(stderr, "usage: %s FOLDER (with at least one file)\n", argv[0]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", argv[1], entry[i]->d_name);
		const int rc = replay(path);
		printf("%sok %d - %s\n", rc ? "not " : "", i + 1, entry[i]->d_name);
		failed |= rc != 0;
		free(entry[i]);
	}
	free(entry);
	return failed;
}
