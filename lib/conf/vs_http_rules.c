// What an http route does.
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "names.h"
#include "vs_check.h"

#define LARGE_BODY (100u * 1024)
#define MAX_BODY   (1024u * 1024)

static bool
in_list(const char *const *list, const char *text, size_t len)
{
	for (; *list; list++)
		if (strlen(*list) == len && strncmp(*list, text, len) == 0)
			return true;
	return false;
}

// ---- what goes together ----

static void
check_together(const struct vs_check *c, const struct spot *route, const char *a, const char *b)
{
	const struct spot s = spot_key(route, b);

	if (spot_has(route, a) && spot_given(&s))
		spot_say(c->r, SL_ERROR, "V7", &s, "not together with %s", a);
}

static void
check_actions(const struct vs_check *c, const struct spot *route)
{
	const struct spot to = spot_key(route, "route"), delegate = spot_key(route, "delegate");

	if (c->delegate && spot_given(&delegate))
		spot_say(c->r, SL_ERROR, "V7", &delegate,
			"not in an object without hosts: a delegate does not delegate");
	if (spot_given(&delegate)) {
		check_together(c, route, "delegate", "route");
		check_together(c, route, "delegate", "redirect");
		check_together(c, route, "delegate", "directResponse");
	} else if (!spot_has(route, "redirect") && !spot_has(route, "directResponse") &&
		   !spot_items(&to)) {
		spot_say(c->r, SL_ERROR, "V7", route,
			"nothing is done, expected route, redirect or directResponse");
	}
	check_together(c, route, "route", "redirect");
	check_together(c, route, "route", "directResponse");
	check_together(c, route, "redirect", "directResponse");
	check_together(c, route, "redirect", "fault");
	check_together(c, route, "redirect", "rewrite");
	check_together(c, route, "directResponse", "fault");
	check_together(c, route, "directResponse", "rewrite");
	check_together(c, route, "mirror", "mirrors");
}

// ---- headers ----

static bool
is_authority(const char *name)
{
	return strcasecmp(name, ":authority") == 0 || strcasecmp(name, "host") == 0;
}

static void
check_header(const struct vs_check *c, const struct spot *s, const char *name, bool may_be_host)
{
	const bool internal = *name == ':' || strcasecmp(name, "host") == 0;

	if (!*name)
		spot_say(c->r, SL_ERROR, "V11", s, "a header without a name");
	else if (internal && !(may_be_host && is_authority(name)))
		spot_say(c->r, SL_ERROR, "V11", s, "\"%.80s\" is not a header that can be changed",
			name);
	else if (!internal && !is_header_name(name))
		spot_say(c->r, SL_ERROR, "V11", s, "\"%.80s\" is not a header's name", name);
}

static void
check_header_ops(const struct vs_check *c, const struct spot *headers)
{
	static const char *const sides[] = {"request", "response"};
	static const char *const maps[] = {"set", "add"};

	for (size_t i = 0; i < SL_ARRAY_LEN(sides); i++) {
		const struct spot side = spot_key(headers, sides[i]);
		const struct spot remove = spot_key(&side, "remove");

		for (size_t k = 0; k < SL_ARRAY_LEN(maps); k++) {
			const struct spot map = spot_key(&side, maps[k]);

			for (uint32_t m = 0; m < spot_pairs(&map); m++) {
				const struct spot s = spot_item(&map, m);

				check_header(c, &s, s.path.key, i == 0);
			}
		}
		for (uint32_t k = 0; k < spot_items(&remove); k++) {
			const struct spot s = spot_item(&remove, k);

			if (spot_text(&s))
				check_header(c, &s, spot_text(&s), false);
		}
	}
}

static void
check_authority(const struct vs_check *c, const struct spot *route)
{
	const struct spot rewrite = spot_key(route, "rewrite"),
			  headers = spot_key(route, "headers");
	const struct spot request = spot_key(&headers, "request");
	const struct spot maps[] = {spot_key(&request, "set"), spot_key(&request, "add")};
	const char *text = spot_text_at(&rewrite, "authority");
	bool set = text && *text;

	for (size_t i = 0; i < SL_ARRAY_LEN(maps); i++) {
		for (uint32_t k = 0; k < spot_pairs(&maps[i]); k++) {
			const struct spot s = spot_item(&maps[i], k);

			if (!is_authority(s.path.key))
				continue;
			if (set)
				spot_say(c->r, SL_ERROR, "V18", &s,
					"the authority is set already, expected one of rewrite, "
					"headers.request.set and .add");
			set = true;
		}
	}
}

static void
check_destinations(const struct vs_check *c, const struct spot *route)
{
	const struct spot list = spot_key(route, "route");

	for (uint32_t i = 0; i < spot_items(&list); i++) {
		const struct spot to = spot_item(&list, i), headers = spot_key(&to, "headers");

		check_header_ops(c, &headers);
	}
	vs_check_weights(c, &list);
}

// ---- retries ----

static bool
is_status(const char *text, size_t len)
{
	// those that HTTP registers
	static const struct {
		unsigned long first, last;
	} known[] = {{100, 103}, {200, 208}, {226, 226}, {300, 305}, {307, 308}, {400, 418},
		{421, 426}, {428, 429}, {431, 431}, {451, 451}, {500, 508}, {510, 511}};
	const unsigned long v = strtoul(text, NULL, 10);

	if (!len || strspn(text, "0123456789") < len)
		return false;
	for (size_t i = 0; i < SL_ARRAY_LEN(known); i++)
		if (v >= known[i].first && v <= known[i].last)
			return true;
	return false;
}

static void
check_retry_on(const struct vs_check *c, const struct spot *s)
{
	static const char *const known[] = {"5xx", "gateway-error", "reset", "reset-before-request",
		"connect-failure", "retriable-4xx", "refused-stream", "retriable-status-codes",
		"retriable-headers", "envoy-ratelimited", "http3-post-connect-failure", "cancelled",
		"deadline-exceeded", "internal", "resource-exhausted", "unavailable", NULL};
	const char *text = spot_text(s);

	if (!text || !*text)
		return;
	for (size_t len;; text += len + 1) {
		len = strcspn(text, ",");
		if (!in_list(known, text, len) && !is_status(text, len))
			spot_say(c->r, SL_ERROR, "V14", s,
				"\"%.*s\" is neither a condition for retries nor an HTTP status",
				len > 60 ? 60 : (int)len, text);
		if (!text[len])
			return;
	}
}

static void
check_retries(const struct vs_check *c, const struct spot *route)
{
	static const char *const keys[] = {"perTryTimeout", "retryOn", "retryRemoteLocalities"};
	const struct spot retries = spot_key(route, "retries");
	const struct spot attempts = spot_key(&retries, "attempts");
	const struct spot on = spot_key(&retries, "retryOn");
	uint64_t n = 0;

	check_retry_on(c, &on);
	if (spot_given(&attempts) && (!spot_number(&attempts, &n) || n))
		return;
	for (size_t i = 0; i < SL_ARRAY_LEN(keys); i++) {
		const struct spot s = spot_key(&retries, keys[i]);
		const char *text = spot_text(&s);

		if (spot_given(&s) && (!text || *text))
			spot_say(c->r, SL_ERROR, "V13", &s,
				"not with 0 attempts%s, expected attempts above 0",
				spot_given(&attempts) ? "" : ", the default");
	}
}

// ---- fault ----

static void
check_fault_percent(const struct vs_check *c, const struct spot *up)
{
	const struct spot percentage = spot_key(up, "percentage");
	const struct spot value = spot_key(&percentage, "value");
	double v;

	if (!value.node || value.node->kind != NODE_SCALAR)
		return;
	v = strtod(value.node->text, NULL);
	if (v > 0 && v < 0.0001)
		spot_say(c->r, SL_ERROR, "V15", &value,
			"%.20s is too little, expected 0 or 0.0001 to 100", value.node->text);
}

static void
check_abort(const struct vs_check *c, const struct spot *abort)
{
	static const char *const known[] = {"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT",
		"DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
		"UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
		"OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", NULL};
	const struct spot http2 = spot_key(abort, "http2Error");
	const struct spot grpc = spot_key(abort, "grpcStatus");
	const char *text = spot_text(&grpc);
	const int given = spot_has(abort, "httpStatus") + spot_given(&grpc) + spot_given(&http2);

	if (spot_given(&http2))
		spot_say(c->r, SL_ERROR, "V15", &http2,
			"is not known to Istio either, expected httpStatus or grpcStatus");
	if (given > 1)
		spot_say(c->r, SL_ERROR, "V15", abort, "expected one of httpStatus and grpcStatus");
	if (text && !in_list(known, text, strlen(text)))
		spot_say(c->r, SL_ERROR, "V15", &grpc, "\"%.40s\" is not a gRPC status", text);
	if (spot_given(abort) && !given)
		spot_say(c->r, SL_WARNING, "V15", abort,
			"nothing to answer with, expected httpStatus or grpcStatus");
	check_fault_percent(c, abort);
}

static void
check_fault(const struct vs_check *c, const struct spot *route)
{
	const struct spot fault = spot_key(route, "fault");
	const struct spot delay = spot_key(&fault, "delay"), abort = spot_key(&fault, "abort");
	const struct spot growing = spot_key(&delay, "exponentialDelay");

	if (spot_given(&fault) && !spot_given(&delay) && !spot_given(&abort))
		spot_say(c->r, SL_ERROR, "V15", &fault, "empty, expected delay or abort");
	if (spot_given(&growing))
		spot_say(c->r, SL_ERROR, "V15", &growing,
			"is not known to Istio either, expected fixedDelay");
	check_fault_percent(c, &delay);
	check_abort(c, &abort);
}

// ---- rewrite, redirect, directResponse, mirror ----

static bool
has_text(const struct spot *up, const char *key)
{
	const char *text = spot_text_at(up, key);

	return text && *text;
}

static void
check_rewrite(const struct vs_check *c, const struct spot *route)
{
	const struct spot rewrite = spot_key(route, "rewrite");
	const struct spot regex = spot_key(&rewrite, "uriRegexRewrite");

	if (spot_given(&regex) && has_text(&rewrite, "uri"))
		spot_say(c->r, SL_ERROR, "V16", &regex, "not together with uri");
	if (rewrite.node && rewrite.node->kind == NODE_MAP && !spot_given(&regex) &&
		!has_text(&rewrite, "uri") && !has_text(&rewrite, "authority"))
		spot_say(c->r, SL_ERROR, "V16", &rewrite,
			"empty, expected uri, uriRegexRewrite or authority");
}

// Each way to this route matches a prefix.
static bool
matches_prefixes(const struct spot *route)
{
	const struct spot list = spot_key(route, "match");

	for (uint32_t i = 0; i < spot_items(&list); i++) {
		const struct spot match = spot_item(&list, i), uri = spot_key(&match, "uri");

		if (!spot_has(&uri, "prefix"))
			return false;
	}
	return spot_items(&list) != 0;
}

static void
check_redirect(const struct vs_check *c, const struct spot *route)
{
	static const char *const texts[] = {"uri", "prefixRewrite", "authority", "scheme"};
	const struct spot redirect = spot_key(route, "redirect");
	const struct spot prefix = spot_key(&redirect, "prefixRewrite");
	const struct spot scheme = spot_key(&redirect, "scheme");
	const char *text = spot_text(&scheme);
	bool any = spot_has(&redirect, "port") || spot_has(&redirect, "derivePort");

	if (!redirect.node || redirect.node->kind != NODE_MAP)
		return;
	for (size_t i = 0; i < SL_ARRAY_LEN(texts); i++)
		any = any || has_text(&redirect, texts[i]);
	if (!any)
		spot_say(c->r, SL_ERROR, "V16", &redirect,
			"nothing new, expected uri, authority, scheme or port");
	if (spot_given(&prefix) && has_text(&redirect, "uri"))
		spot_say(c->r, SL_ERROR, "V16", &prefix, "not together with uri");
	if (spot_given(&prefix) && !matches_prefixes(route))
		spot_say(c->r, SL_ERROR, "V16", &prefix,
			"expected a match of a uri prefix, and no other");
	if (text && *text && strcmp(text, "http") != 0 && strcmp(text, "https") != 0)
		spot_say(c->r, SL_ERROR, "V16", &scheme, "\"%.40s\" is not http or https", text);
}

// Bytes that base64 text stands for; false: it is none.
static bool
base64_size(const char *text, size_t *size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		"-_"; // the other alphabet, for URLs
	const size_t n = strspn(text, digits), pad = strspn(text + n, "=");

	*size = n / 4 * 3 + (n % 4 ? n % 4 - 1 : 0);
	return !text[n + pad] && n % 4 != 1 && (!pad || (pad <= 2 && (n + pad) % 4 == 0));
}

static void
check_body_size(const struct vs_check *c, const struct spot *s, size_t size)
{
	if (size > MAX_BODY)
		spot_say(
			c->r, SL_ERROR, "V17", s, "%zu bytes, expected at most %u", size, MAX_BODY);
	else if (size > LARGE_BODY)
		spot_say(c->r, SL_WARNING, "V17", s,
			"%zu bytes: a body above %u makes the configuration large", size,
			LARGE_BODY);
}

static void
check_body(const struct vs_check *c, const struct spot *route)
{
	const struct spot direct = spot_key(route, "directResponse");
	const struct spot body = spot_key(&direct, "body");
	const struct spot string = spot_key(&body, "string"), bytes = spot_key(&body, "bytes");
	size_t size;

	if (spot_given(&string) && spot_given(&bytes))
		spot_say(c->r, SL_ERROR, "V17", &bytes, "not together with string");
	if (spot_text(&string))
		check_body_size(c, &string, strlen(spot_text(&string)));
	if (!spot_text(&bytes))
		return;
	if (base64_size(spot_text(&bytes), &size))
		check_body_size(c, &bytes, size);
	else
		spot_say(c->r, SL_ERROR, "V17", &bytes, "is not base64");
}

static void
check_cors(const struct vs_check *c, const struct spot *route)
{
	const struct spot cors = spot_key(route, "corsPolicy");
	const struct spot origins = spot_key(&cors, "allowOrigins");

	for (uint32_t i = 0; i < spot_items(&origins); i++) {
		const struct spot m = spot_item(&origins, i);

		vs_check_string_match(c, &m, false);
	}
}

void
vs_check_http(const struct vs_check *c, const struct spot *route)
{
	const struct spot percent = spot_key(route, "mirrorPercent");
	const struct spot headers = spot_key(route, "headers");

	if (!route->node || route->node->kind != NODE_MAP)
		return; // reported
	check_actions(c, route);
	check_header_ops(c, &headers);
	check_authority(c, route);
	check_destinations(c, route);
	check_retries(c, route);
	check_fault(c, route);
	check_rewrite(c, route);
	check_redirect(c, route);
	check_body(c, route);
	check_cors(c, route);
	if (spot_given(&percent))
		spot_say(c->r, SL_WARNING, "V19", &percent,
			"is deprecated, expected mirrorPercentage");
}
