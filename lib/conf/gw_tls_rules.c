// The tls block of a Gateway's server.
#include <string.h>

#include "gw_check.h"
#include "text_set.h"

struct tls_check {
	struct reader *r;
	const struct spot *tls;
	const char *protocol;
	const char *mode;
};

static const char *const files[] = {"serverCertificate", "privateKey", "caCertificates", "caCrl"};

static bool
has_text(const struct tls_check *t, const char *key)
{
	const char *text = spot_text_at(t->tls, key);

	return text && *text;
}

static bool
has_items(const struct tls_check *t, const char *key)
{
	const struct spot s = spot_key(t->tls, key);

	return spot_items(&s) != 0;
}

static bool
has_credential(const struct tls_check *t)
{
	return has_text(t, "credentialName") || has_items(t, "credentialNames");
}

// The first certificate field that is given, NULL: none.
static const char *
certificate_field(const struct tls_check *t)
{
	static const char *const lists[] = {"credentialNames", "tlsCertificates"};

	for (size_t i = 0; i < SL_ARRAY_LEN(files); i++)
		if (has_text(t, files[i]))
			return files[i];
	if (has_text(t, "credentialName"))
		return "credentialName";
	if (has_text(t, "caCertCredentialName"))
		return "caCertCredentialName";
	for (size_t i = 0; i < SL_ARRAY_LEN(lists); i++)
		if (has_items(t, lists[i]))
			return lists[i];
	return NULL;
}

static bool
is_mode(const struct tls_check *t, const char *mode)
{
	return strcmp(t->mode, mode) == 0;
}

// ---- protocol ----

static void
check_protocol_fits(const struct tls_check *t)
{
	const char *field = certificate_field(t);
	const struct spot at = spot_key(t->tls, field ? field : "mode");
	const struct spot redirect = spot_key(t->tls, "httpsRedirect");
	const bool http = sl_protocol_is_http(t->protocol), tls = sl_protocol_is_tls(t->protocol);

	if (http && (field || !is_mode(t, "PASSTHROUGH")))
		spot_say(t->r, SL_ERROR, "G8", &at,
			"%s carries no TLS, expected httpsRedirect alone, or protocol HTTPS",
			t->protocol);
	else if (!http && !tls)
		spot_say(t->r, SL_ERROR, "G9", t->tls,
			"%s carries no TLS, expected protocol TLS or HTTPS, or no tls",
			t->protocol);
	if (!http && spot_true(t->tls, "httpsRedirect"))
		spot_say(t->r, SL_WARNING, "G10", &redirect,
			"does nothing with protocol %s: it is for HTTP", t->protocol);
}

// ---- certificates ----

static void
need(const struct tls_check *t, const struct spot *up, const char *key)
{
	const struct spot s = spot_key(up, key);
	const char *text = spot_text(&s);

	if (!text || !*text)
		spot_say(t->r, SL_ERROR, "G14", &s, "is required with mode %s, and missing",
			t->mode);
}

static void
check_terminated(const struct tls_check *t)
{
	const struct spot list = spot_key(t->tls, "tlsCertificates");
	const bool mutual = !is_mode(t, "SIMPLE");

	if (has_credential(t))
		return;
	for (uint32_t i = 0; i < spot_items(&list); i++) {
		const struct spot s = spot_item(&list, i);

		if (!s.node || s.node->kind != NODE_MAP)
			continue; // reported
		need(t, &s, "serverCertificate");
		need(t, &s, "privateKey");
	}
	if (!spot_items(&list)) {
		need(t, t->tls, "serverCertificate");
		need(t, t->tls, "privateKey");
	}
	if (mutual && !has_text(t, "caCertCredentialName"))
		need(t, t->tls, "caCertificates");
}

static void
check_sources(const struct tls_check *t)
{
	const int sources = has_text(t, "credentialName") + has_items(t, "credentialNames") +
			    has_items(t, "tlsCertificates") +
			    (has_text(t, "serverCertificate") || has_text(t, "privateKey"));
	const struct spot crl = spot_key(t->tls, "caCrl");

	if (sources > 1)
		spot_say(t->r, SL_ERROR, "G13", t->tls,
			"expected one of credentialName, credentialNames, tlsCertificates and "
			"serverCertificate");
	if (has_text(t, "caCrl") && (is_mode(t, "SIMPLE") || has_credential(t)))
		spot_say(t->r, SL_ERROR, "G15", &crl, "not %s",
			is_mode(t, "SIMPLE") ? "with mode SIMPLE, which asks clients for nothing"
					     : "with a credential, which brings its own");
}

static void
check_mode(const struct tls_check *t)
{
	const char *field = certificate_field(t);
	const struct spot at = spot_key(t->tls, field ? field : "mode");

	if (is_mode(t, "ISTIO_MUTUAL")) {
		if (field)
			spot_say(t->r, SL_ERROR, "G11", &at,
				"not with mode ISTIO_MUTUAL, whose certificates are Istio's own");
	} else if (is_mode(t, "PASSTHROUGH") || is_mode(t, "AUTO_PASSTHROUGH")) {
		if (field && sl_protocol_is_tls(t->protocol))
			spot_say(t->r, SL_WARNING, "G12", &at,
				"does nothing with mode %s: TLS is passed through", t->mode);
	} else if (is_mode(t, "SIMPLE") || is_mode(t, "MUTUAL") || is_mode(t, "OPTIONAL_MUTUAL")) {
		check_sources(t);
		check_terminated(t);
	}
}

// ---- ciphers ----

static bool
is_cipher(const char *text)
{
	static const char *const known[] = {"ECDHE-ECDSA-AES128-GCM-SHA256",
		"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
		"ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305",
		"ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA",
		"ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA", "AES128-GCM-SHA256",
		"AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA", "DES-CBC3-SHA",
		"ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA256", "AES128-SHA256"};

	for (size_t i = 0; i < SL_ARRAY_LEN(known); i++)
		if (strcmp(known[i], text) == 0)
			return true;
	return false;
}

static void
check_ciphers(const struct tls_check *t)
{
	const struct spot list = spot_key(t->tls, "cipherSuites");
	const struct spot certs = spot_key(t->tls, "tlsCertificates");
	const struct spot oldest = spot_key(t->tls, "minProtocolVersion");
	const char *version = spot_text(&oldest);
	struct text_set seen = {0};
	uint32_t before;

	for (uint32_t i = 0; i < spot_items(&list); i++) {
		const struct spot s = spot_item(&list, i);

		if (!spot_text(&s))
			continue;
		if (!is_cipher(spot_text(&s)))
			spot_say(t->r, SL_WARNING, "G16", &s, "\"%.60s\" is not a known cipher",
				spot_text(&s));
		if (text_set_add(&seen, spot_text(&s), i, &before))
			spot_say(t->r, SL_WARNING, "G16", &s,
				"\"%.60s\" is there already, in cipherSuites[%u]", spot_text(&s),
				before);
	}
	text_set_fini(&seen);
	if (version && (strcmp(version, "TLSV1_0") == 0 || strcmp(version, "TLSV1_1") == 0) &&
		!spot_items(&list))
		spot_say(t->r, SL_WARNING, "G16", &oldest,
			"%s has no cipher in common with the default ones: expected cipherSuites",
			version);
	if (spot_items(&certs) > 2)
		spot_say(t->r, SL_WARNING, "G16", &certs,
			"%u certificates, expected at most one of RSA and one of ECDSA",
			spot_items(&certs));
}

void
gw_check_tls(struct reader *r, const struct spot *server, const char *protocol)
{
	const struct spot tls = spot_key(server, "tls"), mode = spot_key(&tls, "mode");
	const struct tls_check t = {.r = r,
		.tls = &tls,
		.protocol = protocol,
		.mode = spot_text(&mode) ? spot_text(&mode) : "PASSTHROUGH"};

	if (!spot_given(&tls) && sl_protocol_is_tls(protocol))
		spot_say(r, SL_ERROR, "G7", &tls, "is required with protocol %s, and missing",
			protocol);
	if (!tls.node || tls.node->kind != NODE_MAP)
		return;
	check_protocol_fits(&t);
	check_mode(&t);
	check_ciphers(&t);
}
