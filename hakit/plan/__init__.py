"""Pure builders: typed specifications in, plain manifests and intents out. No Pulumi, no network, no clock, no Helm."""
