// How a reply gets to the worker that has its flow: asked for in sluice.yaml (lib/conf), done by a
// port (lib/port), shown by the daemon. docs/ports.md says what each is for.
#pragma once

enum sl_affinity {
	SL_AFFINITY_AUTO,       // the first of those below that the port can do
	SL_AFFINITY_FLOW_RULES, // the device tells by the low bits of the pool's ports
	SL_AFFINITY_RSS,        // each worker lends the ports by which RSS gives it the replies
	SL_AFFINITY_PARTITION,  // the device does not know; who gets a reply hands it off
	SL_AFFINITY_SPRAY,      // who polls a queue hands all out, by a hash or the reply's owner
	SL_AFFINITY_MAX,
};

// By number.
#define SL_AFFINITY_NAMES "auto", "flow_rules", "rss", "partition", "spray"
