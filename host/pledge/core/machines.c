/* The machines of all parties, as the daemons run them. */
#include "host/pledge/core/bank.h"
#include "host/pledge/core/financing.h"
#include "host/pledge/core/platform.h"
#include "host/pledge/core/provider.h"
#include "host/pledge/core/seller.h"

const struct pledge_machines pledge_machines = {.line = &pledge_line_machine,
                                                .hold = &pledge_hold_machine,
                                                .loan = &pledge_loan_machine,
                                                .grant = &pledge_grant_machine,
                                                .disposal = &pledge_disposal_machine,
                                                .ticket = &pledge_ticket_machine,
                                                .issuing = &pledge_issuing_machine,
                                                .channel = &pledge_channel_machine,
                                                .redemption = &pledge_redemption_machine,
                                                .project = &pledge_project_machine,
                                                .sold = &pledge_sold_machine};
