"""Where users are sent: from a GlobalLoadBalancer's arguments to the plain inputs of one back end's resources.

`spec` reads the arguments, `intent` says what they and the topology mean for every back end alike, `cloudflare`,
`route53`, `accelerator` and `external_dns` say it in the words of theirs. `detection` adds up how long a dead region
keeps its users, `judge` says what would not hold. All pure.
"""
