// The rows of an Istio Gateway.
#include "gw_check.h"
#include "names.h"
#include "unkept.h"

#define GW(member)     offsetof(struct sl_gateway, member)
#define SERVER(member) offsetof(struct sl_gw_server, member)

static const struct field port_rows[] = {
	{.key = "number",
		.type = T_NUMBER,
		.flags = F_REQUIRED,
		.at = SERVER(port),
		.max = 65535,
		.rule = "G4",
		.help = "Port that it listens on; 0 with a Unix socket."},
	{.key = "protocol",
		.type = T_STRING,
		.flags = F_REQUIRED | F_UPPER,
		.at = SERVER(protocol),
		.min = 1,
		.check = check_protocol,
		.rule = "G4",
		.help = "HTTP, HTTPS, HTTP2, GRPC, TLS, TCP, MONGO ..., in any letter case."},
	{.key = "name",
		.type = T_STRING,
		.flags = F_REQUIRED,
		.at = SERVER(port_name),
		.check = check_dns_label,
		.rule = "G4",
		.help = "Name, unique in the Gateway."},
	{.key = "targetPort",
		.type = T_NUMBER,
		UNKEPT,
		.max = UINT32_MAX,
		.rule = "G4",
		.help = "Refused: a Gateway has none."},
};
static const struct schema port_schema = SCHEMA("port", port_rows);

static const struct field cert_rows[] = {
	TEXT("serverCertificate", "File of the certificate."),
	TEXT("privateKey", "File of its key."),
	TEXT("caCertificates", "File of the authorities that clients' certificates come from."),
};
static const struct schema cert_schema = SCHEMA("tlsCertificates[]", cert_rows);

static const char *const modes[] = {"PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH",
	"ISTIO_MUTUAL", "OPTIONAL_MUTUAL", NULL};
static const char *const versions[] = {
	"TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3", NULL};

static const struct field tls_rows[] = {
	{.key = "httpsRedirect",
		.type = T_BOOL,
		UNKEPT,
		.help = "HTTP requests are redirected to HTTPS."},
	{.key = "mode",
		.type = T_ENUM,
		UNKEPT,
		.names = modes,
		.rule = "C12",
		.def_text = "`PASSTHROUGH`",
		.help = "What is done with TLS."},
	TEXT("serverCertificate", "File of the certificate."),
	TEXT("privateKey", "File of its key."),
	TEXT("caCertificates", "File of the authorities that clients' certificates come from."),
	TEXT("caCrl", "File of the certificates that were revoked."),
	TEXT("credentialName", "Secret with certificate and key."),
	TEXTS("credentialNames", "Several of them."),
	TEXT("caCertCredentialName", "Secret with the authorities."),
	{.key = "tlsCertificates",
		.type = T_OBJECT,
		.flags = F_LIST,
		UNKEPT,
		.sub = &cert_schema,
		.rule = "G14",
		.help = "Several certificates, as of RSA and ECDSA."},
	TEXTS("subjectAltNames", "Names that a client's certificate must carry."),
	TEXTS("verifyCertificateSpki", "Hashes of the keys that clients may have."),
	TEXTS("verifyCertificateHash", "Hashes of the certificates that clients may have."),
	{.key = "minProtocolVersion",
		.type = T_ENUM,
		UNKEPT,
		.names = versions,
		.rule = "C12",
		.help = "Oldest version of TLS."},
	{.key = "maxProtocolVersion",
		.type = T_ENUM,
		UNKEPT,
		.names = versions,
		.rule = "C12",
		.help = "Newest version of TLS."},
	TEXTS("cipherSuites", "Ciphers of TLS 1.2 and older."),
};
static const struct schema tls_schema = SCHEMA("tls", tls_rows);

static const struct field server_rows[] = {
	{.key = "port",
		.type = T_OBJECT,
		.flags = F_REQUIRED,
		.at = 0,
		.sub = &port_schema,
		.rule = "G4",
		.help = "What it listens on."},
	TEXT("bind", "Address or Unix socket that it listens on."),
	{.key = "hosts",
		.type = T_STRING,
		.flags = F_LIST | F_REQUIRED,
		.at = SERVER(hosts),
		.count_at = SERVER(n_hosts),
		.min_items = 1,
		.max_items = 4096,
		.rule = "G2",
		.help = "Hosts that it takes, each perhaps behind a namespace and a slash."},
	{.key = "tls",
		.type = T_OBJECT,
		UNKEPT,
		.sub = &tls_schema,
		.help = "What it does with TLS."},
	TEXT("defaultEndpoint", "Where traffic goes that nothing else takes."),
	TEXT("name", "Name, for logs."),
};
static const struct schema server_schema = {"servers[]", FIELDS(server_rows),
	.size = sizeof(struct sl_gw_server), .loc_at = SERVER(loc), .title = "spec.servers[]"};

static const struct field gw_rows[] = {
	{.key = "selector",
		.type = T_LABELS,
		.at = GW(selector),
		.count_at = GW(n_selector),
		.help = "Labels of the proxies that it is for."},
	{.key = "servers",
		.type = T_OBJECT,
		.flags = F_LIST | F_REQUIRED,
		.at = GW(servers),
		.count_at = GW(n_servers),
		.min_items = 1,
		.max_items = 4096,
		.sub = &server_schema,
		.rule = "G2",
		.help = "What it listens on.",
		.here = "No Gateway listens yet; it is what a VirtualService may name."},
};
static const struct schema spec_schema = {"spec", FIELDS(gw_rows),
	.size = sizeof(struct sl_gateway), .loc_at = NO_AT, .title = "spec"};

const struct schema *
gw_schema(void)
{
	return &spec_schema;
}
