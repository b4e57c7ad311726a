// The responder in lib/control: what a reload changes, and what it tries again.
#include <arpa/inet.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "rig.h"
#include "sl_str.h"

#define SERVFAIL 2
#define NOTHING  -1 // no answer

static uint16_t
bind_to(int type, uint16_t port, int *fd)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(addr);

	*fd = socket(AF_INET, type, 0);
	if (bind(*fd, (struct sockaddr *)&addr, len) != 0 ||
		getsockname(*fd, (struct sockaddr *)&addr, &len) != 0)
		return 0;
	return ntohs(addr.sin_port);
}

// The code of the answer to a question for a name that is forwarded, from 127.0.0.CLIENT.
static int
ask(uint16_t port, unsigned client, unsigned wait_ms)
{
	static const uint8_t query[] = {
		0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 4, 't', 'e', 's', 't', 0, 0, 1, 0, 1};
	const struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
	struct sockaddr_in from = {.sin_family = AF_INET,
				   .sin_addr = {htonl(INADDR_LOOPBACK - 1 + client)}},
			   to = {.sin_family = AF_INET,
				   .sin_port = htons(port),
				   .sin_addr = {htonl(INADDR_LOOPBACK)}};
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint8_t answer[512];
	ssize_t n = -1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0 &&
		connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
		send(fd, query, sizeof(query), 0) > 0)
		n = recv(fd, answer, sizeof(answer), 0);
	close(fd);
	return n < 12 ? NOTHING : answer[3] & 15;
}

static void
write_conf(const struct rig *r, uint16_t server, uint16_t listen, unsigned client)
{
	char *text =
		sl_xasprintf("%sdns:\n  servers: ['127.0.0.1:%u']\n  timeout: 50ms\n"
			     "  responder: {listen: ['127.0.0.1:%u'], clients: [127.0.0.%u/32]}\n",
			RIG_YAML, server, listen, client);

	rig_write(r, "sluice.yaml", text);
	free(text);
}

// A new address that is taken, and other clients: those hold, and the address is tried again.
static int
reload_with_a_taken_address(void)
{
	struct rig r;
	int server_fd, old_fd, new_fd, code = NOTHING;
	const uint16_t server = bind_to(SOCK_DGRAM, 0, &server_fd),
		       old = bind_to(SOCK_DGRAM, 0, &old_fd), new = bind_to(SOCK_DGRAM, 0, &new_fd);
	char *said = sl_xasprintf("cannot listen on 127.0.0.1 port %u", new);
	const time_t start = time(NULL);

	close(old_fd);
	RTE_TEST_ASSERT_SUCCESS(rig_new(&r), "rig");
	write_conf(&r, server, old, 1);
	RTE_TEST_ASSERT_SUCCESS(rig_start(&r), "start");
	// Within its timeout of 50 ms the server says nothing.
	SL_TEST_INT(ask(old, 1, 1500), SERVFAIL);
	SL_TEST_INT(ask(old, 2, 300), NOTHING);
	write_conf(&r, server, new, 2);
	EXPECT(rig_ask(&r, "reload", NULL, NULL), said);
	SL_TEST_INT(ask(old, 2, 1500), SERVFAIL);
	SL_TEST_INT(ask(old, 1, 300), NOTHING);
	close(new_fd);
	while (code == NOTHING && time(NULL) - start < 20) {
		rig_ask(&r, "services", NULL, NULL); // runs the event loop
		code = ask(new, 2, 300);
	}
	SL_TEST_INT(code, SERVFAIL);
	SL_TEST_INT(ask(old, 2, 300), NOTHING);
	free(said);
	close(server_fd);
	rig_free(&r);
	return TEST_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct sl_test tests[] = {
		{"reload with a taken address", reload_with_a_taken_address},
	};

	return sl_test_main(argc, argv, tests, SL_ARRAY_LEN(tests));
}
