-- UDP flows to a VIP, from Pktgen-DPDK on two ports of a NIC: `pktgen ... -- -m "[1:1].0,[2:2].1" -f pktgen.lua`.
-- First it goes through all flows slowly, so that the table is full (RFC 9693), then it searches the highest
-- rate without loss. docs/benchmark.md says what Sluice's configuration has to be.
package.path = package.path .. ";?.lua;test/?.lua;app/?.lua;../?.lua"
require "Pktgen"

local SEND, RECEIVE = "0", "1"
local PORT_MAC = "02:00:00:00:01:01" -- of Sluice's port `clients`
local VIP, VIP_PORT = "198.18.0.10", 9
local SIZE = 64 -- bytes with the frame check sequence
-- All ranges step with each frame. 199 is prime, so addresses and ports meet in each combination:
-- 199 * 5273 = 1,049,327 flows.
local FIRST_ADDRESS, LAST_ADDRESS = "192.0.2.10", "192.0.2.208"
local FIRST_PORT, LAST_PORT = 1024, 6296
local FILL_RATE, FILL_MS = 5, 30000 -- % of the line rate: all flows go by at least once
local TRIAL_MS, PAUSE_MS, TRIALS = 10000, 2000, 8

local function range(set, first, last, step)
	set(SEND, "start", first)
	set(SEND, "min", first)
	set(SEND, "max", last)
	set(SEND, "inc", step)
end

local function setup()
	pktgen.set(SEND, "count", 0)
	pktgen.set_proto(SEND, "udp")
	pktgen.range.dst_mac(SEND, "start", PORT_MAC)
	range(pktgen.range.src_ip, FIRST_ADDRESS, LAST_ADDRESS, "0.0.0.1")
	range(pktgen.range.dst_ip, VIP, VIP, "0.0.0.0")
	range(pktgen.range.src_port, FIRST_PORT, LAST_PORT, 1)
	range(pktgen.range.dst_port, VIP_PORT, VIP_PORT, 0)
	range(pktgen.range.pkt_size, SIZE, SIZE, 0)
	pktgen.set_range(SEND, "on")
end

-- Sends for some time; returns what was sent and what came back out of Sluice.
local function trial(rate, ms)
	pktgen.clr()
	pktgen.set(SEND, "rate", rate)
	pktgen.start(SEND)
	pktgen.delay(ms)
	pktgen.stop(SEND)
	pktgen.delay(PAUSE_MS)
	local sent = pktgen.portStats(SEND, "port")[tonumber(SEND)].opackets
	local came = pktgen.portStats(RECEIVE, "port")[tonumber(RECEIVE)].ipackets
	print(string.format("rate %.2f %%: sent %d, received %d, lost %d, %.3f Mpps", rate, sent, came,
		sent - came, came / ms / 1000))
	return sent, came
end

setup()
trial(FILL_RATE, FILL_MS)
local low, high = 0, 100
for _ = 1, TRIALS do
	local rate = (low + high) / 2
	local sent, came = trial(rate, TRIAL_MS)
	if sent > 0 and came >= sent then low = rate else high = rate end
end
print(string.format("highest rate without loss: %.2f %% of the line rate", low))
