// Addresses that no answer may send traffic to.
#pragma once

#include "sl_ip.h"

// Why, a static noun ("loopback"), or NULL: it is fine. private_too: private ranges are refused.
const char *reject_why(const struct sl_ip *ip, bool private_too);
