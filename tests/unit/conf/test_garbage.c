// Garbage: whatever the bytes are, the reader ends, and what it refuses it refuses with a line.
//
// Each document is one of the good ones below, damaged: cut, with bytes changed, put in, taken out
// or twice.
#include <stdlib.h>
#include <string.h>

#include "sl_conf.h"
#include "sl_str.h"
#include "sl_test.h"

#define ROUNDS 4000

static const char *const documents[] = {
	"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a, labels: {k: "
	"v}}\n"
	"spec:\n  hosts: [a.example.com, \"*.b.example.com\"]\n  addresses: [192.0.2.1, "
	"192.0.2.0/24]\n"
	"  ports:\n  - {number: 80, name: http, protocol: HTTP, targetPort: 8080}\n"
	"  resolution: STATIC\n  endpoints: &e\n  - address: 198.51.100.1\n    ports: {http: 81}\n"
	"    weight: 3\n    locality: r/z\n  exportTo: ['.']\n",
	"apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d}\nspec:\n"
	"  host: a.example.com\n  trafficPolicy:\n    loadBalancer: {consistentHash: {useSourceIp: "
	"true, "
	"maglev: {tableSize: 65537}}}\n    connectionPool: {tcp: {maxConnections: 5, idleTimeout: "
	"1h}}\n"
	"  subsets:\n  - {name: v1, labels: {version: v1}}\n",
	"apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: w}\n"
	"spec: {address: 198.51.100.7, labels: {app: a}, ports: {http: 8080}, weight: 2}\n",
	"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec:\n"
	"  hosts: [a.example.com]\n  tcp:\n  - match: [{port: 80, destinationSubnets: "
	"[192.0.2.0/24]}]\n"
	"    route: [{destination: {host: a.example.com, subset: v1}, weight: 100}]\n",
	"apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n"
	"  selector: {istio: egress}\n  servers:\n  - port: {number: 80, name: http, protocol: "
	"HTTP}\n"
	"    hosts: ['*']\n",
	"apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {app: a}}\nstatus:\n"
	"  podIP: 198.51.100.9\n  phase: Running\n  conditions: [{type: Ready, status: 'True'}]\n",
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: n, labels: {a: b}}\n",
	"apiVersion: v1\nkind: List\nitems:\n- &x {apiVersion: v1, kind: Namespace, metadata: "
	"{name: l}}\n"
	"- *x\n",
	"ports:\n- name: lan\n  device: net_null0\n  addresses: [192.0.2.1/24]\n"
	"pool: {addresses: [198.51.100.10]}\nclients: [{cidrs: [203.0.113.0/24], labels: {a: b}}]\n"
	"mesh: {connectTimeout: 1s, localityLbSetting: {failover: [{from: a, to: b}]}}\n",
};

// What is put in the middle of a document.
static const struct {
	const char *text;
	size_t len;
} bits[] = {
	{"\0", 1},
	{"\t", 1},
	{"\r\n", 2},
	{"\r", 1},
	{"\xff", 1},
	{"\xc3\x28", 2},
	{"\xed\xa0\x80", 3}, // a lone surrogate
	{"\xef\xbb\xbf", 3}, // a byte order mark
	{"\xff\xfe", 2},
	{"\xf4\x90\x80\x80", 4},
	{"\xe2\x80\xa8", 3},
	{"\xc2\x85", 2},
	{"*x", 2},
	{"&a ", 3},
	{"&a [*a]", 7},
	{"<<: *e\n", 7},
	{"!!int ", 6},
	{"---\n", 4},
	{"...\n", 4},
	{"%YAML 9.9\n", 10},
	{"{", 1},
	{"[", 1},
	{"]", 1},
	{"}", 1},
	{": ", 2},
	{"- ", 2},
	{"\"", 1},
	{"'", 1},
	{"|\n", 2},
	{"? ", 2},
	{"# ", 2},
	{"~", 1},
	{"[]", 2},
	{"{}", 2},
	{"true", 4},
	{"-1", 2},
	{"18446744073709551616", 20},
	{".nan", 4},
	{"\"80\"", 4},
	{"\x1b[2J", 4},
	{"\"\\ud800\"", 8},
};

static uint64_t state;

static uint32_t
random_below(uint32_t n)
{
	return n ? (uint32_t)(sl_test_rand(&state) % n) : 0;
}

// A word of the document takes another one's place: types are wrong then, keys are twice.
static void
swap_words(struct sl_buf *b)
{
	static const char *const words[] = {"name", "[]", "{a: b}", "80", "null", "kind", "spec",
		"number", "1.5", "\"\"", "hosts", "9999999999", "false"};
	const char *word = words[random_below(SL_ARRAY_LEN(words))];
	const size_t at = random_below((uint32_t)b->len);
	size_t skip = 0;
	struct sl_buf out = {0};

	while (at + skip < b->len && !strchr(" \n:,{}[]", b->data[at + skip])) // a NUL ends it too
		skip++;
	sl_buf_put(&out, b->data, at);
	sl_buf_puts(&out, word);
	sl_buf_put(&out, b->data + at + skip, b->len - at - skip);
	sl_buf_fini(b);
	*b = out;
}

static void
damage(struct sl_buf *b)
{
	const size_t at = random_below((uint32_t)b->len), rest = b->len - at;
	const size_t k = random_below(SL_ARRAY_LEN(bits));
	struct sl_buf out = {0};

	switch (random_below(6)) {
	case 0: // cut
		b->len = at;
		return;
	case 1: // a byte is another one
		b->data[at] = (char)random_below(256);
		return;
	case 2:
		swap_words(b);
		return;
	case 3: // a part is gone
		sl_buf_put(&out, b->data, at);
		sl_buf_put(&out, b->data + at + rest / 4, rest - rest / 4);
		break;
	case 4: // the rest is there twice: keys, documents
		sl_buf_put(&out, b->data, b->len);
		sl_buf_put(&out, b->data + at, rest);
		break;
	default:
		sl_buf_put(&out, b->data, at);
		sl_buf_put(&out, bits[k].text, bits[k].len);
		sl_buf_put(&out, b->data + at, rest);
		break;
	}
	sl_buf_fini(b);
	*b = out;
}

// Each finding is one line and has a place.
static int
check_findings(const struct sl_diags *diags)
{
	for (size_t i = 0; i < diags->n; i++) {
		struct sl_buf line = {0};

		sl_diag_format(&diags->v[i], &line);
		RTE_TEST_ASSERT(diags->v[i].line >= 1 && !strpbrk(line.data, "\n\r\033"),
			"no line in: %s", line.data);
		sl_buf_fini(&line);
	}
	return TEST_SUCCESS;
}

static int
read_both(const struct sl_buf *b)
{
	// Memory of its own: a byte read behind it is found out.
	char *text = sl_xcalloc(b->len, 1);
	struct sl_objects objects = {0};
	struct sl_diags diags = {0};
	size_t errors;

	if (b->len)
		memcpy(text, b->data, b->len);
	errors = sl_conf_objects(text, b->len, "garbage", SL_ORIGIN_FILE, &objects, &diags);
	SL_TEST_INT(diags.errors, errors);
	SL_TEST_INT(objects.invalid != 0, errors != 0);
	RTE_TEST_ASSERT_SUCCESS(check_findings(&diags), "objects");
	sl_objects_fini(&objects);
	sl_diags_fini(&diags);
	struct sl_conf *conf = sl_conf_read_text(text, b->len, "garbage", &diags);

	SL_TEST_INT(conf == NULL, diags.errors != 0);
	RTE_TEST_ASSERT_SUCCESS(check_findings(&diags), "sluice.yaml");
	sl_conf_free(conf);
	sl_diags_fini(&diags);
	free(text);
	return TEST_SUCCESS;
}

static int
test_damaged(void)
{
	state = sl_test_seed();
	for (unsigned i = 0; i < ROUNDS; i++) {
		const char *text = documents[random_below(SL_ARRAY_LEN(documents))];
		struct sl_buf b = {0};

		sl_buf_puts(&b, text);
		for (uint32_t n = 1 + random_below(4); n > 0 && b.len; n--)
			damage(&b);
		RTE_TEST_ASSERT_SUCCESS(read_both(&b), "round %u", i);
		sl_buf_fini(&b);
	}
	return TEST_SUCCESS;
}

// Cut at every byte.
static int
test_truncated(void)
{
	for (size_t d = 0; d < SL_ARRAY_LEN(documents); d++)
		for (size_t len = 0; documents[d][len]; len++) {
			struct sl_buf b = {0};

			sl_buf_put(&b, documents[d], len);
			RTE_TEST_ASSERT_SUCCESS(read_both(&b), "document %zu, %zu bytes", d, len);
			sl_buf_fini(&b);
		}
	return TEST_SUCCESS;
}

// Many of everything, as one text.
static int
test_many(void)
{
	static const struct {
		const char *head, *again, *tail;
		uint32_t times;
	} rows[] = {
		{"", "[", "", 10000},
		{"", "{a: ", "", 10000},
		{"", "- ", "x", 10000},
		{"a: ", "b: ", "", 10000},
		{"", "--- ~\n", "", 100001},
		{"a: '", "0123456789abcdef", "'\n", (1 << 16) + 1},
		{"", "a: b\n", "", 10000},
		{"", "# comment\n", "", 100000},
		{"a: &a [x]\nb: [", "*a, ", "]\n", 100000},
		{"", "\"", "", 100000},
		{"", "&a ", "", 10000},
		{"", "%YAML 1.1\n", "", 1000},
		{"", "\r\n", "", 100000},
		{"", "\t", "", 100000},
		{"\xff\xfe", "a", "", 1000},
	};

	for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
		struct sl_buf b = {0};

		sl_buf_puts(&b, rows[i].head);
		for (uint32_t k = 0; k < rows[i].times; k++)
			sl_buf_puts(&b, rows[i].again);
		sl_buf_puts(&b, rows[i].tail);
		RTE_TEST_ASSERT_SUCCESS(read_both(&b), "row %zu", i);
		sl_buf_fini(&b);
	}
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"damaged", test_damaged},
		{"truncated", test_truncated},
		{"many", test_many},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
