// The client between files and the daemon: offline verbs, apply, diff, and what goes wrong on the
// way.
#include <fcntl.h>
#include <jansson.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "sl_str.h"

static const char good_yaml[] =
	"apiVersion: networking.istio.io/v1\n"
	"kind: ServiceEntry\n"
	"metadata:\n"
	"  name: web\n"
	"  namespace: shop\n"
	"spec:\n"
	"  hosts: [web.example.com]\n"
	"  addresses: [192.0.2.80]\n"
	"  ports: [{number: 80, name: http, protocol: HTTP}]\n"
	"  resolution: STATIC\n"
	"  endpoints: [{address: 198.51.100.1}, {address: 198.51.100.2, weight: 3}]\n";
static const char bad_yaml[] = "apiVersion: networking.istio.io/v1\n"
			       "kind: ServiceEntry\n"
			       "metadata: {name: bad}\n"
			       "spec:\n"
			       "  hosts: [bad.example.com]\n"
			       "  ports: [{number: 80, name: http}]\n"
			       "  resolution: STATIK\n";

// targetPort 0, written out: the CRD alone refuses it (C8).
static const char crd_yaml[] =
	"apiVersion: networking.istio.io/v1\n"
	"kind: ServiceEntry\n"
	"metadata: {name: crd}\n"
	"spec:\n"
	"  hosts: [crd.example.com]\n"
	"  addresses: [192.0.2.81]\n"
	"  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 0}]\n"
	"  resolution: STATIC\n"
	"  endpoints: [{address: 198.51.100.1}]\n";
#define CRD_DIAG                                                                                   \
	"@/crd.yaml:7:64: error: ServiceEntry default/crd: spec.ports[0].targetPort: 0 is out of " \
	"range, expected 1..65535 [C8]\n"

// What is odd between objects: a subset that is nowhere, though the service is its namespace's own.
static const char mesh_yaml[] = "apiVersion: networking.istio.io/v1\n"
				"kind: ServiceEntry\n"
				"metadata: {name: web, namespace: shop}\n"
				"spec:\n"
				"  hosts: [web.example.com]\n"
				"  addresses: [192.0.2.80]\n"
				"  ports: [{number: 80, name: tcp, protocol: TCP}]\n"
				"  resolution: STATIC\n"
				"  exportTo: [.]\n"
				"  endpoints: [{address: 198.51.100.1}]\n"
				"---\n"
				"apiVersion: networking.istio.io/v1\n"
				"kind: VirtualService\n"
				"metadata: {name: vs, namespace: shop}\n"
				"spec:\n"
				"  hosts: [web.example.com]\n"
				"  tcp:\n"
				"  - route:\n"
				"    - destination: {host: web.example.com, subset: v2}\n";

static int
test_offline(void)
{
	lab_file("mesh.yaml", mesh_yaml, sizeof(mesh_yaml) - 1);
	lab_file("good.yaml", good_yaml, sizeof(good_yaml) - 1);
	lab_file("bad.yaml", bad_yaml, sizeof(bad_yaml) - 1);
	lab_file("crd.yaml", crd_yaml, sizeof(crd_yaml) - 1);

	static const struct row rows[] = {
		{"validate -f @/good.yaml", 0, "1 object: 1 valid, 0 invalid, 0 warnings\n", ""},
		{"validate -f @/good.yaml -o json", 0, "[]\n", ""},
		{"validate --rules=webhook -f @/crd.yaml", 0,
			"1 object: 1 valid, 0 invalid, 0 warnings\n", ""},
		{"validate --rules webhook -f @/crd.yaml -o json", 0, "[]\n", ""},
		{"validate --rules=crd -f @/crd.yaml", 1,
			"1 object: 0 valid, 1 invalid, 0 warnings\n", CRD_DIAG},
		{"validate --rules=union -f @/crd.yaml", 1,
			"1 object: 0 valid, 1 invalid, 0 warnings\n", CRD_DIAG},
		{"validate -f @/crd.yaml", 1, "1 object: 0 valid, 1 invalid, 0 warnings\n",
			CRD_DIAG},
		{"validate -f @/mesh.yaml", 0, "2 objects: 2 valid, 0 invalid, 1 warning\n",
			"@/mesh.yaml:19:7: warning: VirtualService shop/vs: "
			"spec.tcp[0].route[0].destination: subset v2 of web.example.com is in no "
			"DestinationRule that applies [M1]\n"},
		{"services -f @/good.yaml", 0,
			"SERVICE FQDN      PORT   PROTOCOL   VIP          TYPE     TIER   "
			"ENDPOINTS   NAMESPACE\n"
			"web.example.com     80   HTTP       192.0.2.80   STATIC   L4             "
			"2   shop\n",
			""},
		{"endpoints -f @/good.yaml --no-headers", 0,
			"198.51.100.1:80   UNKNOWN   -   outbound|80||web.example.com   1   -\n"
			"198.51.100.2:80   UNKNOWN   -   outbound|80||web.example.com   3   -\n",
			""},
		{"services -f @/good.yaml -n other", 0, "", ""},
		{"services -f @/good.yaml --service other.example.com -o json", 0, "[]\n", ""},
		{"services -f @/good.yaml --service web.example.com -n shop --no-headers", 0,
			"web.example.com   80   HTTP   192.0.2.80   STATIC   L4   2   shop\n", ""},
	};

	if (check_rows(rows, SL_ARRAY_LEN(rows)) != TEST_SUCCESS)
		return TEST_FAILED;

	struct run r = run("validate -f @/bad.yaml @/good.yaml");
	char *place = sl_xasprintf(
		"%s/bad.yaml:7:15: error: ServiceEntry default/bad: spec.resolution: ", lab_dir());
	SL_TEST_INT(r.exit, 1);
	SL_TEST_STR(r.out, "2 objects: 1 valid, 1 invalid, 0 warnings\n");
	RTE_TEST_ASSERT(
		strncmp(r.err, place, strlen(place)) == 0, "got %s, expected %s", r.err, place);
	run_free(&r);
	free(place);

	r = run("validate -f @/bad.yaml -o json");
	json_t *diags = json_loads(r.out, 0, NULL);
	SL_TEST_INT(r.exit, 1);
	SL_TEST_STR(r.err, "");
	SL_TEST_INT(json_array_size(diags), 1);
	SL_TEST_INT(json_integer_value(json_object_get(json_array_get(diags, 0), "line")), 7);
	SL_TEST_STR(
		json_string_value(json_object_get(json_array_get(diags, 0), "severity")), "error");
	json_decref(diags);
	run_free(&r);

	// What is valid is shown beside the findings.
	r = run("services -f @/bad.yaml @/good.yaml --no-headers");
	SL_TEST_INT(r.exit, 1);
	RTE_TEST_ASSERT_NOT_NULL(strstr(r.out, "web.example.com"), "the good one: %s", r.out);
	RTE_TEST_ASSERT_NOT_NULL(strstr(r.err, "bad.yaml:7:15"), "the bad one: %s", r.err);
	run_free(&r);

	r = run("validate -f @/none.yaml");
	SL_TEST_INT(r.exit, 1);
	RTE_TEST_ASSERT_NOT_NULL(strstr(r.err, "cannot be read"), "%s", r.err);
	run_free(&r);
	return TEST_SUCCESS;
}

static int
test_apply(void)
{
	lab_file("a.yaml", "one\n", 4);
	lab_file("b.yaml", "other one\n", 10);
	lab_file("nul.yaml", "a\0b", 3);
	lab_file("latin1.yaml", "caf\xe9\n", 5);

	static const char error[] = "web.yaml:12:13: error: ServiceEntry a/b: spec.ports: bad?[2J\n"
				    "sluicectl: 1 object is invalid\n";
	static const struct row rows[] = {
		{"apply -f @/a.yaml @/b.yaml", 1,
			"ServiceEntry a.yaml/4 created\nServiceEntry b.yaml/10 created\n", error},
		{"apply -f @/a.yaml -o json", 1,
			"[\n  {\"kind\":\"ServiceEntry\",\"namespace\":\"a.yaml\",\"name\":\"4\","
			"\"result\":\"created\"}\n]\n",
			error},
	};

	if (check_rows(rows, SL_ARRAY_LEN(rows)) != TEST_SUCCESS)
		return TEST_FAILED;
	// What can't be sent whole is not sent at all.
	static const struct {
		const char *words;
		const char *err;
	} refused[] = {
		{"apply -f @/a.yaml @/nul.yaml", "nul.yaml: is not UTF-8 text\n"},
		{"apply -f @/a.yaml @/latin1.yaml", "latin1.yaml: is not UTF-8 text\n"},
		{"apply -f @/a.yaml @/none.yaml", "none.yaml: error: cannot be read: No such file"},
	};
	for (size_t i = 0; i < SL_ARRAY_LEN(refused); i++) {
		struct run r = run(refused[i].words);

		SL_TEST_INT(r.exit, 1);
		SL_TEST_STR(r.out, "");
		RTE_TEST_ASSERT_NOT_NULL(strstr(r.err, refused[i].err), "%s", r.err);
		run_free(&r);
	}
	return TEST_SUCCESS;
}

// The program writes to the process's own output: it goes to a file meanwhile.
static int
run_diff(const char *words, char *text, size_t size)
{
	char path[128];
	struct run r;
	int fd, saved = dup(STDOUT_FILENO);
	ssize_t n;

	fflush(stdout);
	snprintf(path, sizeof(path), "%s/out", lab_dir());
	fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
	dup2(fd, STDOUT_FILENO);
	r = run(words);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	n = pread(fd, text, size - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	close(fd);
	run_free(&r);
	return r.exit;
}

static int
test_diff(void)
{
	char text[4096], *tmp;

	lab_file("same.yaml", "same\n", 5);
	lab_file("changed.yaml", "changed\n", 8);
	lab_file("new.yaml", "new\n", 4);
	lab_file("fail.yaml", "fail\n", 5);
	tmp = sl_xasprintf("%s/tmp", lab_dir());
	mkdir(tmp, 0700);
	setenv("TMPDIR", tmp, 1);
	unsetenv("SLUICECTL_EXTERNAL_DIFF");

	SL_TEST_INT(run_diff("diff -f @/same.yaml", text, sizeof(text)), 0);
	SL_TEST_STR(text, "");
	SL_TEST_INT(run_diff("diff -f @/changed.yaml", text, sizeof(text)), 1);
	// A name that would lead out of the folder does not.
	RTE_TEST_ASSERT_NOT_NULL(strstr(text, "+++ NEW/K.n..._x\t"), "%s", text);
	RTE_TEST_ASSERT_NOT_NULL(strstr(text, "\n-a: 1\n+a: 2\n"), "%s", text);
	SL_TEST_INT(run_diff("diff -f @/new.yaml", text, sizeof(text)), 1);
	RTE_TEST_ASSERT_NOT_NULL(strstr(text, "\n+b:\n+- c\n"), "%s", text);
	SL_TEST_INT(run_diff("diff -f @/fail.yaml", text, sizeof(text)), 2);
	setenv("SLUICECTL_EXTERNAL_DIFF", "ls", 1);
	SL_TEST_INT(run_diff("diff -f @/new.yaml", text, sizeof(text)), 0);
	SL_TEST_STR(text, "LIVE:\nK.n..._x\n\nNEW:\nK.n..._x\nK.n.y\n");
	setenv("SLUICECTL_EXTERNAL_DIFF", "/no/such/program", 1);
	RTE_TEST_ASSERT(run_diff("diff -f @/new.yaml", text, sizeof(text)) > 1, "it can't run");
	unsetenv("SLUICECTL_EXTERNAL_DIFF");
	unsetenv("TMPDIR");
	RTE_TEST_ASSERT_SUCCESS(rmdir(tmp), "no folder is left behind");
	free(tmp);
	return TEST_SUCCESS;
}

// ---- what goes wrong on the way ----

// Listens and hangs up on whoever comes, after having said `text`.
static int
rude_daemon(const char *name, const char *text, pid_t *pid)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", lab_dir(), name);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 1) < 0)
		return -1;
	*pid = fork();
	if (*pid == 0) {
		const int c = accept(fd, NULL, NULL);
		char byte;

		if (read(c, &byte, 1) < 0 || write(c, text, strlen(text)) < 0)
			_exit(1);
		_exit(0);
	}
	close(fd);
	return 0;
}

static int
test_errors(void)
{
	static const struct {
		const char *says;
		const char *err;
	} rude[] = {
		{"", "sluicectl: the connection to sluice was lost before the end of its answer\n"},
		{"{\"row\":{}}\n", "sluicectl: the connection to sluice was lost before the end of "
				   "its answer\n"},
		{"hello\n", "sluicectl: the daemon's answer is not understood: are sluice and "
			    "sluicectl "
			    "of the same version?\n"},
		{"{\"row\":{]}\n{\"end\":{\"exit\":0,\"message\":null}}\n",
			"sluicectl: 1 rows of the answer are not understood\n"},
		{"{\"end\":{\"exit\":1,\"message\":\"busy\"}}\n", "sluicectl: busy\n"},
	};
	struct run r = run("-s @/none workers");

	SL_TEST_INT(r.exit, 1);
	RTE_TEST_ASSERT_NOT_NULL(strstr(r.err, "is sluice running"), "%s", r.err);
	run_free(&r);
	lab_file("plain", "", 0);
	r = run("-s @/plain workers");
	SL_TEST_INT(r.exit, 1);
	RTE_TEST_ASSERT_NOT_NULL(strstr(r.err, "nobody answers"), "%s", r.err);
	run_free(&r);
	r = run("-s @/none version");
	SL_TEST_INT(r.exit, 1);
	RTE_TEST_ASSERT_NOT_NULL(strstr(r.out, "client"), "its own version is shown: %s", r.out);
	run_free(&r);
	for (size_t i = 0; i < SL_ARRAY_LEN(rude); i++) {
		char name[16], words[64];
		pid_t pid;

		snprintf(name, sizeof(name), "rude%zu", i);
		RTE_TEST_ASSERT_SUCCESS(rude_daemon(name, rude[i].says, &pid), "rude daemon");
		snprintf(words, sizeof(words), "workers -s @/%s", name);
		r = run(words);
		SL_TEST_INT(r.exit, 1);
		SL_TEST_STR(r.err, rude[i].err);
		run_free(&r);
		waitpid(pid, NULL, 0);
	}
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"offline", test_offline},
		{"apply", test_apply},
		{"diff", test_diff},
		{"errors", test_errors},
	};
	int rc;

	lab_up();
	rc = sl_test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
	lab_down();
	return rc;
}
