// Which profile a driver gets: the one that is asked for, the one that lists it, the default one.

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sl_buf.h"
#include "sl_profile.h"
#include "sl_str.h"

#define DEFAULT "default"

// Every mistake of the file in one sentence: the operator mends them in one go.
static char *
join(struct sl_diags *diags)
{
	struct sl_buf out = {0};

	sl_diags_sort(diags);
	for (size_t i = 0; i < diags->n; i++) {
		if (i > 0)
			sl_buf_puts(&out, "; ");
		sl_diag_format(&diags->v[i], &out);
	}
	return sl_buf_take(&out);
}

static int
read_one(struct sl_profile *profile, const char *path, char **why)
{
	struct sl_diags diags = {0};
	const int rc = sl_profile_read(profile, path, &diags);

	if (rc < 0 && diags.n > 0)
		*why = join(&diags);
	else if (rc < 0)
		*why = sl_xasprintf("driver profile %s: %s", path, sl_buf_read_why(rc));
	sl_diags_fini(&diags);
	return rc;
}

static bool
lists(const struct sl_profile *profile, const char *driver)
{
	for (unsigned i = 0; i < profile->n_drivers; i++)
		if (strcmp(profile->driver[i], driver) == 0)
			return true;
	return false;
}

static int
is_yaml(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return e->d_name[0] != '.' && dot && strcmp(dot, ".yaml") == 0;
}

// In the order of names, so that two profiles for one driver have a winner that can be foreseen. A
// file with mistakes is passed over, and only matters when no other one lists the driver.
static int
search(struct sl_profile *profile, const char *dir, const char *driver, char **why)
{
	struct dirent **entries = NULL;
	const int n = scandir(dir, &entries, is_yaml, alphasort);
	char *mistakes = NULL;
	bool found = false;

	if (n < 0) {
		const int rc = -errno;

		*why = sl_xasprintf("driver profiles: %s: %s (`meson install` puts them there, "
				    "--profile-dir names another folder)",
			dir, strerror(-rc));
		return rc;
	}
	for (int i = 0; i < n; i++) {
		char *path = sl_xasprintf("%s/%s", dir, entries[i]->d_name);

		char *mistake = NULL;

		if (!found)
			found = read_one(profile, path, &mistake) == 0 && lists(profile, driver);
		if (mistakes)
			free(mistake);
		else
			mistakes = mistake;
		free(path);
		free(entries[i]);
	}
	free(entries);
	if (found || !mistakes) {
		free(mistakes);
		return found ? 0 : -ENOENT;
	}
	*why = mistakes;
	return -EINVAL;
}

int
sl_profile_find(struct sl_profile *profile, const char *dir, const char *wanted, const char *driver,
	char **why)
{
	char *path;
	int rc;

	if (wanted && strchr(wanted, '/'))
		return read_one(profile, wanted, why);
	if (!wanted) {
		*why = NULL;
		rc = search(profile, dir, driver, why);
		if (rc == 0 || *why)
			return rc;
	}
	path = sl_xasprintf("%s/%s.yaml", dir, wanted ? wanted : DEFAULT);
	rc = read_one(profile, path, why);
	free(path);
	return rc;
}
