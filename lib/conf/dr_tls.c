// Rules of tls. DISABLE and ISTIO_MUTUAL take any other field, as Istio does.
#include <stdio.h>
#include <string.h>

#include "dr_check.h"

static bool
is_given(const struct dr_block *b, const char *path)
{
	const struct node *n = dr_find(b, path);

	return n && (n->kind == NODE_SEQ ? n->n != 0 : *dr_text(b, path) != '\0');
}

static void
check_skip_verify(struct se_check *c, const struct dr_block *b, bool mutual)
{
	static const char *const keys[] = {"caCertificates", "subjectAltNames", "credentialName"};

	if (!dr_is_true(b, "tls.insecureSkipVerify"))
		return;
	for (size_t i = 0; i < SL_ARRAY_LEN(keys) - mutual; i++) {
		char path[64];

		snprintf(path, sizeof(path), "tls.%s", keys[i]);
		if (is_given(b, path))
			se_say(c, SL_ERROR, "D22", P(c, "%s.%s", b->path, path),
				"not together with insecureSkipVerify, which takes any "
				"certificate");
	}
}

static void
check_configmap(struct se_check *c, const struct dr_block *b)
{
	static const char scheme[] = "configmap://";
	const char *name = dr_text(b, "tls.credentialName");
	const char *own = c->obj->meta.namespace_;
	const char *slash;

	if (strncmp(name, scheme, strlen(scheme)) != 0 || !own)
		return;
	name += strlen(scheme);
	slash = strchr(name, '/');
	if (slash && (strlen(own) != (size_t)(slash - name) ||
			     strncmp(own, name, (size_t)(slash - name)) != 0))
		se_say(c, SL_ERROR, "D25", P(c, "%s.tls.credentialName", b->path),
			"a ConfigMap of namespace \"%.*s\", expected one of the rule's own, %s",
			(int)(slash - name), name, own);
}

static void
check_credential(struct se_check *c, const struct dr_block *b)
{
	static const char *const keys[] = {
		"clientCertificate", "privateKey", "caCertificates", "caCrl"};

	check_configmap(c, b);
	for (size_t i = 0; i < SL_ARRAY_LEN(keys); i++) {
		char path[64];

		snprintf(path, sizeof(path), "tls.%s", keys[i]);
		if (is_given(b, path))
			se_say(c, SL_ERROR, "D23", P(c, "%s.%s", b->path, path),
				"not together with credentialName, which holds it");
	}
}

static void
check_client_certificate(struct se_check *c, const struct dr_block *b)
{
	static const char *const keys[] = {"clientCertificate", "privateKey"};

	for (size_t i = 0; i < SL_ARRAY_LEN(keys); i++) {
		char path[64];

		snprintf(path, sizeof(path), "tls.%s", keys[i]);
		if (!is_given(b, path))
			se_say(c, SL_ERROR, "D24", P(c, "%s.%s", b->path, path),
				"is required with mode MUTUAL and no credentialName, and missing");
	}
}

void
dr_check_tls(struct se_check *c, const struct dr_block *b)
{
	const char *mode = dr_text(b, "tls.mode");
	const bool mutual = strcmp(mode, "MUTUAL") == 0;

	if (!mutual && strcmp(mode, "SIMPLE") != 0)
		return;
	check_skip_verify(c, b, mutual);
	if (is_given(b, "tls.credentialName"))
		check_credential(c, b);
	else if (mutual)
		check_client_certificate(c, b);
}
